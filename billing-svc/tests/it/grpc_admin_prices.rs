//! Administrators publish price lists.

use proto::billing::v1::*;
use proto::google::r#type::Money;
use tonic::Code;

use crate::harness::Database;
use crate::refusals::{bad, because, why};
use crate::service::{Service, rub};

on_both!(
    a_list_is_published_once_and_history_keeps_its_prices,
    a_repeated_request_answers_its_own_list,
    a_list_refuses_each_bad_field,
);

fn price(kind: &str, price: Money, free_operations_allowed: bool) -> Price {
    Price { kind: kind.to_owned(), price: Some(price), free_operations_allowed }
}

fn publish(request_id: &str, prices: Vec<Price>) -> PublishPricesRequest {
    PublishPricesRequest {
        request_id: request_id.to_owned(),
        prices,
        reason: "a new season".to_owned(),
    }
}

async fn in_force(service: &Service) -> ListPricesResponse {
    service.billing().list_prices(ListPricesRequest {}).await.unwrap().into_inner()
}

async fn a_list_is_published_once_and_history_keeps_its_prices(database: Database) {
    let service = Service::start(database.url()).await;
    service.top_up("tg:1", 100).await;
    let old = service.charge("old", "tg:1", "generate").await;
    let before = in_force(&service).await;

    let prices = vec![price("video", rub(40), false), price("generate", rub(11), false)];
    let answer = service.admin().publish_prices(publish("1", prices.clone())).await.unwrap();
    let answer = answer.into_inner();
    assert_eq!((&answer.prices, answer.replayed), (&prices, false));
    assert_eq!(answer.version, before.version + 1);
    let now = in_force(&service).await;
    assert_eq!((now.prices, now.version), (prices, answer.version), "in the order of the list");

    let new = service.charge("new", "tg:1", "generate").await;
    assert_eq!((new.price, new.price_version), (Some(rub(11)), answer.version));
    let old = service.operation(&old).await;
    assert_eq!((old.price, old.price_version), (Some(rub(10)), before.version));
    // What is no longer in the list can't be charged.
    let gone = crate::service::charge_request("gone", "tg:1", "upscale");
    assert_eq!(why(service.billing().charge(gone).await).reason, "UNKNOWN_KIND");
    service.finish().await;
}

async fn a_repeated_request_answers_its_own_list(database: Database) {
    let service = Service::start(database.url()).await;
    let mut admin = service.admin();
    let list = |units| vec![price("generate", rub(units), true)];
    let first = admin.publish_prices(publish("1", list(1))).await.unwrap().into_inner();
    let second = admin.publish_prices(publish("2", list(2))).await.unwrap().into_inner();
    assert_eq!(second.version, first.version + 1);
    let again = admin.publish_prices(publish("1", list(1))).await.unwrap().into_inner();
    assert_eq!(again, PublishPricesResponse { replayed: true, ..first });
    assert_eq!(in_force(&service).await.version, second.version);

    let mut later = publish("1", list(1));
    later.reason = "another".to_owned();
    for (field, request) in [("prices", publish("1", list(3))), ("reason", later)] {
        let reused = because(Code::AlreadyExists, "REQUEST_ID_REUSED", &[("field", field)]);
        assert_eq!(why(admin.publish_prices(request).await), reused);
    }
    assert_eq!(in_force(&service).await.prices, list(2));
    service.finish().await;
}

async fn a_list_refuses_each_bad_field(database: Database) {
    let service = Service::start(database.url()).await;
    let good = || price("generate", rub(1), true);
    let money =
        |currency: &str, units, nanos| Money { currency_code: currency.to_owned(), units, nanos };
    let mut cases = vec![
        ("prices", publish("bad", Vec::new())),
        (
            "prices",
            publish("bad", (0..101).map(|n| price(&format!("k{n}"), rub(1), true)).collect()),
        ),
        ("prices.kind", publish("bad", vec![good(), price("", rub(1), true)])),
        ("prices.kind", publish("bad", vec![good(), price("Generate", rub(1), true)])),
        ("prices.kind", publish("bad", vec![good(), good()])),
        ("prices.price", publish("bad", vec![Price { price: None, ..good() }])),
        ("request_id", publish("", vec![good()])),
        ("reason", PublishPricesRequest { reason: String::new(), ..publish("bad", vec![good()]) }),
    ];
    let prices = [
        money("USD", 1, 0),
        money("RUB", -1, 0),
        money("RUB", 0, 1),
        money("RUB", 1_000_000_000, 1_000),
    ];
    for bad in prices {
        cases.push(("prices.price", publish("bad", vec![price("generate", bad, true)])));
    }
    let before = in_force(&service).await;
    for (field, request) in cases {
        assert_eq!(why(service.admin().publish_prices(request).await), bad(field));
    }
    assert_eq!(in_force(&service).await, before);
    // What costs nothing may stand there, and so may a hundred kinds.
    let hundred: Vec<_> = (0..100).map(|n| price(&format!("k{n}"), rub(n), n % 2 == 0)).collect();
    service.admin().publish_prices(publish("good", hundred.clone())).await.unwrap();
    assert_eq!(in_force(&service).await.prices, hundred);
    service.finish().await;
}
