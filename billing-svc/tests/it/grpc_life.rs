//! Starting, sharing, expiring, stopping.

use std::pin::pin;

use futures::poll;
use proto::billing::v1::*;
use sea_orm::ConnectionTrait;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::Database;
use crate::refusals::why;
use crate::service::{Service, charge_request, http_get, refund_request, rub, sql};

on_all!(
    an_expired_hold_is_given_back,
    a_stop_lets_the_charge_under_way_finish,
    what_was_written_survives_a_restart,
    a_newer_schema_is_refused,
    a_schema_to_check_is_not_touched,
);

on_postgres!(two_instances_on_one_postgres_double_nothing);

async fn an_expired_hold_is_given_back(database: Database) {
    let service = Service::start(database.url()).await;
    let operation = service.charge("1", "tg:1", "generate").await;
    let kept = service.charge("2", "tg:1", "generate").await;
    service.stop().await;
    let id = operation.operation_id.replace('-', "");
    // A UUID of PostgreSQL, a blob of SQLite.
    let id =
        if database.url().starts_with("sqlite") { format!("x'{id}'") } else { format!("'{id}'") };
    let statement =
        format!("UPDATE operations SET expire_time = create_time WHERE operation_id = {id}");
    sql(database.url(), &statement).await;

    let service = Service::start(database.url()).await;
    let expired = service.until(&operation, OperationState::Refunded).await;
    assert_eq!(expired.refund_reason(), RefundReason::Expired);
    assert_eq!(service.user("tg:1").await.free_operations_left, 2);
    assert_eq!(service.operation(&kept).await.state(), OperationState::Charged);
    // Too late: what was given back can't be completed, and a refund finds it done.
    let request = CompleteRequest { operation_id: operation.operation_id.clone() };
    assert_eq!(why(service.billing().complete(request).await).reason, "OPERATION_REFUNDED");
    assert!(service.refund(&operation).await.replayed);
    service.finish().await;
}

async fn a_stop_lets_the_charge_under_way_finish(database: Database) {
    let service = Service::start(database.url()).await;
    service.top_up("tg:1", 100).await;

    // Something else holds what the charge needs.
    let other = sea_orm::Database::connect(database.url()).await.unwrap();
    let transaction = service_kit::db::begin_write(&other).await.unwrap();
    transaction.execute_unprepared("UPDATE users SET version = version").await.unwrap();

    let mut billing = service.billing();
    let mut charge = pin!(billing.charge(charge_request("1", "tg:1", "generate")));
    assert!(poll!(charge.as_mut()).is_pending());
    // Goes the same way behind the charge, so once it is answered the charge has arrived.
    service.user("tg:1").await;

    let mut health = HealthClient::new(service.channel.clone());
    let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    let mut said = async || watch.message().await.unwrap().unwrap().status();
    assert_eq!(said().await, ServingStatus::Serving);

    service.ask_to_stop();
    assert_eq!(said().await, ServingStatus::NotServing, "load balancers are told first");
    while !http_get(&service.http, "/readyz").await.starts_with("HTTP/1.1 503") {
        tokio::task::yield_now().await;
    }
    transaction.rollback().await.unwrap();
    let answer = charge.await.unwrap().into_inner();
    assert_eq!(answer.operation.unwrap().state(), OperationState::Charged);
    other.close().await.unwrap();
    service.finish().await;

    let service = Service::start(database.url()).await;
    assert_eq!(service.operations("tg:1").await.len(), 1);
    service.finish().await;
}

async fn what_was_written_survives_a_restart(database: Database) {
    let service = Service::start(database.url()).await;
    service.top_up("tg:1", 50).await;
    let request = ChargeRequest { quantity: 5, ..charge_request("1", "tg:1", "generate") };
    let operation = service.charge_with(request).await.operation.unwrap();
    let before = service.all_of("tg:1").await;
    service.stop().await;
    let service = Service::start(database.url()).await;
    assert_eq!(service.all_of("tg:1").await, before);
    assert_eq!(service.refund(&operation).await.user.unwrap().balance, Some(rub(50)));
    service.finish().await;
}

async fn a_newer_schema_is_refused(database: Database) {
    Service::start(database.url()).await.finish().await;
    let insert =
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29990101_000001_future', 1)";
    sql(database.url(), insert).await;
    let error = Service::start_with(database.url(), &[]).await.err().unwrap().to_string();
    assert!(error.contains("newer than this program"), "{error}");
    assert!(error.contains("m29990101_000001_future"), "{error}");
}

async fn a_schema_to_check_is_not_touched(database: Database) {
    let check = ["--migrate", "check"];
    let error = Service::start_with(database.url(), &check).await.err().unwrap().to_string();
    assert!(error.contains("older than this program"), "{error}");
    Service::start(database.url()).await.finish().await;
    Service::start_with(database.url(), &check).await.unwrap().finish().await;
}

async fn two_instances_on_one_postgres_double_nothing(database: Database) {
    let one = Service::start_with_callers(database.url()).await;
    let two = Service::start_with_callers(database.url()).await;
    let top_up = |n: i64| AdjustBalanceRequest {
        request_id: format!("top-up-{n}"),
        user_id: format!("tg:{n}"),
        amount: Some(rub(100)),
        reason: "test".to_owned(),
    };
    // The same requests to both at once, also those that create the users.
    for n in 0..5 {
        let (mut first, mut second) = (one.admin(), two.admin());
        let (first, second) =
            tokio::join!(first.adjust_balance(top_up(n)), second.adjust_balance(top_up(n)));
        let replayed =
            (first.unwrap().into_inner().replayed, second.unwrap().into_inner().replayed);
        assert!(matches!(replayed, (true, false) | (false, true)), "{replayed:?}");
    }
    let charges = (0..100).map(|n| {
        let mut billing = if n % 2 == 0 { one.billing() } else { two.billing() };
        let (request_id, user_id) = (format!("r{}", n / 2), format!("tg:{}", n / 2 % 5));
        async move {
            let request = charge_request(&request_id, &user_id, "generate");
            billing.charge(request).await.unwrap().into_inner()
        }
    });
    let answers = futures::future::join_all(charges).await;
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 50);

    // Each operation is completed by one worker and refunded by the other: one of them wins, for good.
    let settled = answers.iter().filter(|answer| !answer.replayed).map(|answer| {
        let operation = answer.operation.clone().unwrap();
        let (mut completes, mut refunds) =
            (one.caller("worker").billing(), two.caller("worker").billing());
        async move {
            let request = CompleteRequest { operation_id: operation.operation_id.clone() };
            let refund = refund_request(&operation);
            let (complete, refund) =
                tokio::join!(completes.complete(request), refunds.refund(refund));
            assert!(complete.is_ok() ^ refund.is_ok(), "{complete:?} {refund:?}");
            complete.is_ok()
        }
    });
    let completed = futures::future::join_all(settled).await;
    let spent = completed.iter().filter(|completed| **completed).count();
    let states = async |state: OperationState| {
        let mut count = 0;
        for n in 0..5 {
            let all = one.operations(&format!("tg:{n}")).await;
            count += all.iter().filter(|operation| operation.state() == state).count();
        }
        count
    };
    assert_eq!(states(OperationState::Completed).await, spent);
    assert_eq!(states(OperationState::Refunded).await, 50 - spent);
    for n in 0..5 {
        let user = one.user(&format!("tg:{n}")).await;
        assert_eq!(user.held, Some(rub(0)));
        assert_eq!(two.user(&format!("tg:{n}")).await, user);
    }
    two.stop().await;
    one.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_instance_on_one_sqlite_file_is_refused() {
    let database = Database::sqlite();
    let service = Service::start(database.url()).await;
    let error = Service::start_with(database.url(), &[]).await.err().unwrap().to_string();
    assert!(error.contains("in use by another process"), "{error}");
    service.finish().await;
    Service::start(database.url()).await.finish().await;
}
