//! What administrators do: adjust balances, give credits, refund what is completed.

use proto::billing::v1::*;
use proto::google::r#type::Money;
use tonic::Code;

use crate::harness::Database;
use crate::refusals::{bad, because, why};
use crate::service::{Service, charge_request, promo, refund_request, rub, sql};

on_both!(
    a_balance_is_adjusted_once_per_request,
    a_balance_does_not_go_below_zero,
    credits_are_given_once_per_request,
    a_part_of_a_completed_operation_is_given_back,
    an_expired_grant_gets_its_slice_back_with_a_grace,
);

fn adjust(request_id: &str, units: i64) -> AdjustBalanceRequest {
    AdjustBalanceRequest {
        request_id: request_id.to_owned(),
        user_id: "tg:1".to_owned(),
        amount: Some(rub(units)),
        reason: "a gift".to_owned(),
    }
}

async fn a_balance_is_adjusted_once_per_request(database: Database) {
    let service = Service::start(database.url()).await;
    let mut admin = service.admin();
    let first = admin.adjust_balance(adjust("1", 100)).await.unwrap().into_inner();
    let user = first.user.clone().unwrap();
    assert_eq!((user.paid_balance, first.replayed), (Some(rub(100)), false));
    let again = admin.adjust_balance(adjust("1", 100)).await.unwrap().into_inner();
    assert_eq!(again, AdjustBalanceResponse { replayed: true, ..first });
    admin.adjust_balance(adjust("2", -30)).await.unwrap();
    assert_eq!(service.user("tg:1").await.balance, Some(rub(70)));

    let before = service.all_of("tg:1").await;
    let good = adjust("1", 100);
    let others = [
        ("user_id", AdjustBalanceRequest { user_id: "tg:2".to_owned(), ..good.clone() }),
        ("amount", AdjustBalanceRequest { amount: Some(rub(101)), ..good.clone() }),
        ("reason", AdjustBalanceRequest { reason: "another".to_owned(), ..good }),
    ];
    for (field, other) in others {
        let reused = because(Code::AlreadyExists, "REQUEST_ID_REUSED", &[("field", field)]);
        assert_eq!(why(admin.adjust_balance(other).await), reused);
    }
    assert_eq!(service.all_of("tg:1").await, before);
    let entry = &before.2[0];
    assert_eq!(
        (entry.from_account.as_str(), entry.to_account.as_str()),
        ("available", "adjustments")
    );
    assert_eq!((entry.request_id.as_str(), entry.amount.clone()), ("2", Some(rub(30))));
    assert_eq!(entry.balance_after, Some(rub(70)));
    service.finish().await;
}

async fn a_balance_does_not_go_below_zero(database: Database) {
    let service = Service::start(database.url()).await;
    service.top_up("tg:1", 10).await;
    let before = service.all_of("tg:1").await;
    let metadata =
        [("required", "11.00"), ("available", "10.00"), ("missing", "1.00"), ("currency", "RUB")];
    let refused = because(Code::FailedPrecondition, "INSUFFICIENT_FUNDS", &metadata);
    assert_eq!(why(service.admin().adjust_balance(adjust("1", -11)).await), refused);
    assert_eq!(service.all_of("tg:1").await, before);
    // It was not kept: the same request may succeed once there is enough.
    service.top_up("tg:1", 5).await;
    service.admin().adjust_balance(adjust("1", -11)).await.unwrap();
    assert_eq!(service.user("tg:1").await.balance, Some(rub(4)));
    service.finish().await;
}

async fn credits_are_given_once_per_request(database: Database) {
    let service = Service::start(database.url()).await;
    let in_an_hour = {
        let end = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
        prost_types::Timestamp::from(end)
    };
    let operations = grant_credits_request::Credits::Operations(5);
    let good = GrantCreditsRequest {
        credits: Some(operations),
        kind: GrantKind::Compensation.into(),
        priority: 7,
        expire_time: Some(in_an_hour),
        ..promo("1", "tg:1", 1)
    };
    let mut admin = service.admin();
    let first = admin.grant_credits(good.clone()).await.unwrap().into_inner();
    let grant = first.grant.clone().unwrap();
    assert_eq!((grant.kind(), grant.unit()), (GrantKind::Compensation, Unit::Operation));
    assert_eq!((grant.operations_given, grant.operations_remaining, grant.priority), (5, 5, 7));
    assert_eq!(grant.expire_time.unwrap().seconds, in_an_hour.seconds);
    assert_eq!(first.user.clone().unwrap().free_operations_left, 8);
    let again = admin.grant_credits(good.clone()).await.unwrap().into_inner();
    assert_eq!(again, GrantCreditsResponse { replayed: true, ..first });

    let before = service.all_of("tg:1").await;
    let six = Some(grant_credits_request::Credits::Operations(6));
    let others = [
        ("user_id", GrantCreditsRequest { user_id: "tg:2".to_owned(), ..good.clone() }),
        ("operations", GrantCreditsRequest { credits: six, ..good.clone() }),
        ("kind", GrantCreditsRequest { kind: GrantKind::Promo.into(), ..good.clone() }),
        ("priority", GrantCreditsRequest { priority: 8, ..good.clone() }),
        ("expire_time", GrantCreditsRequest { expire_time: None, ..good.clone() }),
        ("reason", GrantCreditsRequest { reason: "another".to_owned(), ..good }),
    ];
    for (field, other) in others {
        let reused = because(Code::AlreadyExists, "REQUEST_ID_REUSED", &[("field", field)]);
        assert_eq!(why(admin.grant_credits(other).await), reused);
    }
    // One id for all that administrators ask.
    let reused = because(Code::AlreadyExists, "REQUEST_ID_REUSED", &[("field", "request_id")]);
    assert_eq!(why(admin.adjust_balance(adjust("1", 1)).await), reused);
    assert_eq!(service.all_of("tg:1").await, before);
    service.finish().await;
}

async fn a_part_of_a_completed_operation_is_given_back(database: Database) {
    let service = Service::start_with(database.url(), &["--free-operations", "0"]).await.unwrap();
    service.grant(promo("promo", "tg:1", 4)).await;
    service.top_up("tg:1", 20).await;
    let operation = service.charge("1", "tg:1", "generate").await;
    service.complete(&operation).await;
    assert_eq!(service.user("tg:1").await.balance, Some(rub(14)));

    let part = |amount| RefundRequest {
        amount: Some(amount),
        reason: RefundReason::CustomerRequest.into(),
        comment: "half of it was fine".to_owned(),
        ..refund_request(&operation)
    };
    let before = service.all_of("tg:1").await;
    let too_much = Money { nanos: 1_000, ..rub(10) };
    assert_eq!(why(service.billing().refund(part(too_much)).await), bad("amount"));
    assert_eq!(service.all_of("tg:1").await, before);

    // The user's own money comes back before promotional.
    let seven = service.billing().refund(part(rub(7))).await.unwrap().into_inner();
    let refunded = seven.operation.unwrap();
    assert_eq!((refunded.refunded, refunded.refund_reason), (Some(rub(7)), 4));
    assert_eq!(refunded.refund_comment, "half of it was fine");
    let user = seven.user.unwrap();
    assert_eq!((user.balance, user.paid_balance), (Some(rub(21)), Some(rub(20))));
    // Once refunded, whatever part it was, nothing more comes back.
    assert!(service.billing().refund(part(rub(1))).await.unwrap().into_inner().replayed);
    assert_eq!(service.user("tg:1").await.balance, Some(rub(21)));
    service.finish().await;
}

async fn an_expired_grant_gets_its_slice_back_with_a_grace(database: Database) {
    let service = Service::start_with(database.url(), &["--free-operations", "0"]).await.unwrap();
    let soon = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
    let request =
        GrantCreditsRequest { expire_time: Some(soon.into()), ..promo("promo", "tg:1", 15) };
    service.grant(request).await;
    let operation = service.charge_with(charge_request("1", "tg:1", "generate")).await.operation;
    let operation = operation.unwrap();
    service.stop().await;
    // The grant's time is up while its slice is held.
    sql(database.url(), "UPDATE grants SET expire_time = 1700000000000000").await;
    let service = Service::start(database.url()).await;
    let balance = async || service.user("tg:1").await.balance.unwrap();
    assert_eq!(balance().await, rub(0), "what was left is lost");

    let user = service.refund(&operation).await.user.unwrap();
    let back = user.balance.unwrap();
    assert!(
        [rub(10), rub(15)].contains(&back),
        "{back:?}: all of the slice, whatever the sweeper did"
    );
    // It can be spent now.
    service.charge("2", "tg:1", "generate").await;
    service.finish().await;
}
