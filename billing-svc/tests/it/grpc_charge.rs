//! What a charge takes, what a refund gives back, and that repeating either changes nothing.

use std::collections::BTreeMap;

use proto::billing::v1::funding::Source;
use proto::billing::v1::*;
use proto::google::r#type::Money;
use tonic::Code;

use crate::harness::Database;
use crate::refusals::{because, why};
use crate::service::{Service, charge_request, promo, refund_request, rub, seconds};

on_all!(
    a_new_user_has_free_operations,
    reading_an_unknown_user_writes_nothing,
    mixed_funding_goes_back_to_its_sources,
    what_a_quote_says_is_what_a_charge_takes,
    too_little_says_what_is_missing,
    a_price_above_the_guard_is_refused_and_kept,
    each_field_of_a_reused_request_id_is_named,
    a_request_id_of_another_user_is_refused,
    many_tries_at_once_charge_once,
    the_labels_and_the_price_stay_with_the_operation,
);

async fn a_new_user_has_free_operations(database: Database) {
    let service = Service::start(database.url()).await;
    let answer = service.charge_with(charge_request("1", "tg:1", "face_swap")).await;
    let operation = answer.operation.unwrap();
    assert_eq!(operation.state(), OperationState::Charged);
    assert_eq!(operation.price, Some(rub(15)));
    assert_eq!((operation.quantity, operation.price_version), (1, 1));
    assert_eq!(uuid::Uuid::parse_str(&operation.operation_id).unwrap().get_version_num(), 7);
    let [Funding { source: Some(Source::FreeOperations(free)) }] = &operation.funding[..] else {
        panic!("{:?}", operation.funding);
    };
    assert_eq!(free.count, 1);
    let user = answer.user.unwrap();
    assert_eq!((user.free_operations_left, user.free_operations_total), (2, 3));
    assert_eq!((user.standing(), user.version > 0), (Standing::Good, true));
    assert_eq!((user.balance, user.held), (Some(rub(0)), Some(rub(0))));
    assert_eq!(service.user("tg:1").await.version, user.version);
    service.finish().await;
}

async fn reading_an_unknown_user_writes_nothing(database: Database) {
    let service = Service::start_with(database.url(), &["--free-operations", "5"]).await.unwrap();
    for _ in 0..2 {
        let user = service.user("nobody").await;
        assert_eq!((user.free_operations_left, user.free_operations_total), (5, 5));
        assert_eq!((user.version, user.create_time), (0, None));
        assert_eq!(user.balance, Some(rub(0)));
        assert!(service.operations("nobody").await.is_empty());
        assert!(service.entries("nobody").await.is_empty());
        quote(&service, "nobody", "generate", 1).await;
    }
    service.finish().await;
}

async fn mixed_funding_goes_back_to_its_sources(database: Database) {
    let service = Service::start(database.url()).await;
    service.top_up("tg:1", 100).await;
    let low = service.grant(GrantCreditsRequest { priority: 5, ..promo("g5", "tg:1", 7) }).await;
    let high = service.grant(GrantCreditsRequest { priority: 1, ..promo("g1", "tg:1", 4) }).await;
    let before = service.user("tg:1").await;
    assert_eq!((&before.balance, &before.paid_balance), (&Some(rub(111)), &Some(rub(100))));

    // 5 × 10: three are free, of the other 20 the grants pay 4 and 7, and the balance 9.
    let request = ChargeRequest { quantity: 5, ..charge_request("c", "tg:1", "generate") };
    let operation = service.charge_with(request).await.operation.unwrap();
    let sources: Vec<Source> =
        operation.funding.iter().map(|funding| funding.source.clone().unwrap()).collect();
    let promotional = |grant: &Grant, units| {
        Source::Promotional(funding::Promotional {
            amount: Some(rub(units)),
            grant_id: grant.grant_id.clone(),
        })
    };
    assert!(matches!(&sources[0], Source::FreeOperations(free) if free.count == 3));
    assert_eq!(sources[1], promotional(&high, 4));
    assert_eq!(sources[2], promotional(&low, 7));
    assert_eq!(sources[3], Source::Balance(funding::Balance { amount: Some(rub(9)) }));
    assert_eq!(sources.len(), 4);
    let held = service.user("tg:1").await;
    assert_eq!((held.balance, held.held), (Some(rub(91)), Some(rub(20))));
    assert_eq!(held.free_operations_left, 0);

    let refunded = service.refund(&operation).await;
    assert_eq!(refunded.operation.unwrap().refunded, Some(rub(20)));
    let after = refunded.user.unwrap();
    let version = after.version;
    assert!(version > before.version);
    assert_eq!(after, UserInfo { version, ..before });
    service.finish().await;
}

async fn quote(service: &Service, user_id: &str, kind: &str, quantity: i32) -> QuoteResponse {
    let request = QuoteRequest { user_id: user_id.to_owned(), kind: kind.to_owned(), quantity };
    service.billing().quote(request).await.unwrap().into_inner()
}

async fn what_a_quote_says_is_what_a_charge_takes(database: Database) {
    let service = Service::start(database.url()).await;
    service.top_up("rich", 100).await;
    service.grant(promo("promo", "rich", 5)).await;
    for (user, quantity) in [("new", 0), ("new", 2), ("rich", 4), ("rich", 1)] {
        let quote = quote(&service, user, "edit", quantity).await;
        assert!(quote.affordable);
        assert_eq!(quote.missing, Some(rub(0)));
        let request_id = format!("{user}-{quantity}");
        let request = ChargeRequest {
            quantity,
            max_price: quote.price.clone(),
            ..charge_request(&request_id, user, "edit")
        };
        let operation = service.charge_with(request).await.operation.unwrap();
        assert_eq!((operation.price, operation.funding), (quote.price, quote.funding));
    }
    let quote = quote(&service, "new", "edit", 1).await;
    assert_eq!((quote.affordable, quote.missing), (false, Some(rub(12))));
    assert!(quote.funding.is_empty());
    service.finish().await;
}

async fn too_little_says_what_is_missing(database: Database) {
    let service = Service::start_with(database.url(), &["--free-operations", "0"]).await.unwrap();
    service
        .admin()
        .adjust_balance(AdjustBalanceRequest {
            request_id: "40 kopecks short".replace(' ', "-"),
            user_id: "tg:1".to_owned(),
            amount: Some(Money { nanos: 600_000_000, ..rub(9) }),
            reason: "test".to_owned(),
        })
        .await
        .unwrap();
    let answer = why(service.billing().charge(charge_request("1", "tg:1", "generate")).await);
    let operations = service.operations("tg:1").await;
    let metadata = [
        ("required", "10.00"),
        ("available", "9.60"),
        ("missing", "0.40"),
        ("currency", "RUB"),
        ("operation_id", operations[0].operation_id.as_str()),
    ];
    assert_eq!(answer, because(Code::FailedPrecondition, "INSUFFICIENT_FUNDS", &metadata));
    assert_eq!(operations[0].state(), OperationState::Declined);
    assert_eq!(operations[0].decline_reason, "INSUFFICIENT_FUNDS");
    assert!(operations[0].funding.is_empty() && operations[0].expire_time.is_none());
    assert_eq!(service.entries("tg:1").await.len(), 1, "only the adjustment moved anything");
    service.finish().await;
}

async fn a_price_above_the_guard_is_refused_and_kept(database: Database) {
    let service = Service::start(database.url()).await;
    let guard = |nanos| Some(Money { nanos, ..rub(19) });
    let request = |request_id: &str, max_price| ChargeRequest {
        quantity: 2,
        max_price,
        ..charge_request(request_id, "tg:1", "generate")
    };
    let metadata = [("price", "20.00"), ("currency", "RUB")];
    let changed = because(Code::FailedPrecondition, "PRICE_CHANGED", &metadata);
    for _ in 0..2 {
        let answer = service.billing().charge(request("low", guard(999_999_000))).await;
        assert_eq!(why(answer), changed);
    }
    assert_eq!(service.operations("tg:1").await[0].decline_reason, "PRICE_CHANGED");
    service.charge_with(request("exact", Some(rub(20)))).await;
    service.finish().await;
}

async fn each_field_of_a_reused_request_id_is_named(database: Database) {
    let service = Service::start(database.url()).await;
    let first = ChargeRequest {
        quantity: 2,
        max_price: Some(rub(50)),
        hold: Some(seconds(600)),
        labels: BTreeMap::from([("chat".to_owned(), "7".to_owned())]),
        ..charge_request("r", "tg:1", "generate")
    };
    service.charge_with(first.clone()).await;
    let before = service.all_of("tg:1").await;
    let others = [
        ("user_id", ChargeRequest { user_id: "tg:2".to_owned(), ..first.clone() }),
        ("kind", ChargeRequest { kind: "edit".to_owned(), ..first.clone() }),
        ("quantity", ChargeRequest { quantity: 1, ..first.clone() }),
        ("max_price", ChargeRequest { max_price: None, ..first.clone() }),
        ("hold", ChargeRequest { hold: Some(seconds(601)), ..first.clone() }),
        ("labels", ChargeRequest { labels: BTreeMap::new(), ..first.clone() }),
    ];
    for (field, other) in others {
        let reused = because(Code::AlreadyExists, "REQUEST_ID_REUSED", &[("field", field)]);
        assert_eq!(why(service.billing().charge(other).await), reused);
    }
    assert_eq!(service.all_of("tg:1").await, before);
    assert_eq!(service.user("tg:2").await.version, 0, "the other user was never written");
    assert!(service.charge_with(first).await.replayed);
    service.finish().await;
}

async fn a_request_id_of_another_user_is_refused(database: Database) {
    let service = Service::start(database.url()).await;
    service.charge("same", "tg:1", "generate").await;
    let reused = because(Code::AlreadyExists, "REQUEST_ID_REUSED", &[("field", "user_id")]);
    let answer = service.billing().charge(charge_request("same", "tg:2", "generate")).await;
    assert_eq!(why(answer), reused);
    service.finish().await;
}

async fn many_tries_at_once_charge_once(database: Database) {
    let service = Service::start(database.url()).await;
    service.top_up("tg:1", 1000).await;
    let tries = (0..40).map(|n| {
        let request_id = format!("r{}", n % 10);
        let mut billing = service.billing();
        async move {
            let answer = billing.charge(charge_request(&request_id, "tg:1", "generate")).await;
            let operation = answer.unwrap().into_inner().operation.unwrap();
            (request_id, operation.operation_id)
        }
    });
    let answers = futures::future::join_all(tries).await;
    let operations: BTreeMap<_, _> = answers.iter().cloned().collect();
    assert_eq!(operations.len(), 10);
    assert!(answers.iter().all(|(request, operation)| operations[request] == *operation));
    let user = service.user("tg:1").await;
    assert_eq!((user.free_operations_left, user.held), (0, Some(rub(70))));

    // And as many refunds of the same operations at once.
    let all = service.operations("tg:1").await;
    let refunds = (0..30).map(|n| {
        let request = refund_request(&all[n % 10]);
        let mut billing = service.billing();
        async move { billing.refund(request).await.unwrap().into_inner().replayed }
    });
    let replayed = futures::future::join_all(refunds).await;
    assert_eq!(replayed.iter().filter(|replayed| !**replayed).count(), 10);
    let user = service.user("tg:1").await;
    assert_eq!((user.free_operations_left, user.balance), (3, Some(rub(1000))));
    service.finish().await;
}

async fn the_labels_and_the_price_stay_with_the_operation(database: Database) {
    let labels = BTreeMap::from([("чат".to_owned(), "«7»\n".to_owned())]);
    let request = ChargeRequest { labels: labels.clone(), ..charge_request("1", "tg:1", "edit") };
    let service = Service::start(database.url()).await;
    let operation = service.charge_with(request).await.operation.unwrap();
    assert_eq!(operation.labels, labels);
    service.stop().await;

    // A new list reprices nothing that was charged before.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prices.toml");
    std::fs::write(
        &path,
        "[[price]]\nkind = \"edit\"\namount = \"99.50\"\nfree_operations = false\n",
    )
    .unwrap();
    let flags = ["--prices-file", path.to_str().unwrap()];
    let service = Service::start_with(database.url(), &flags).await.unwrap();
    assert_eq!(service.operation(&operation).await, operation);
    let prices = service.billing().list_prices(ListPricesRequest {}).await.unwrap().into_inner();
    let price = Price {
        kind: "edit".to_owned(),
        price: Some(Money { nanos: 500_000_000, ..rub(99) }),
        free_operations_allowed: false,
    };
    assert_eq!(prices, ListPricesResponse { prices: vec![price], version: 2 });
    let missing = quote(&service, "tg:1", "edit", 1).await.missing;
    assert_eq!(missing, Some(Money { nanos: 500_000_000, ..rub(99) }), "nothing free pays for it");
    service.finish().await;
}
