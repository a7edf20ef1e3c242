//! Every field at its limits and beyond: refused by name, and nothing written.

use std::collections::BTreeMap;
use std::fmt::Debug;

use proto::billing::v1::grant_credits_request::Credits;
use proto::billing::v1::*;
use proto::google::r#type::Money;
use tonic::{Code, Response, Status};

use crate::harness::Database;
use crate::refusals::{Why, bad, because, why};
use crate::service::{Service, charge_request, promo, refund_request, rub, seconds};

on_both!(
    charge_refuses_each_bad_field,
    charge_takes_each_field_at_its_limit,
    refund_and_hold_refuse_each_bad_field,
    administrators_mistakes_are_named,
    administrators_may_go_to_the_limits,
    reads_refuse_each_bad_field,
);

const USER: &str = "tg:1";

fn unknown_kind() -> Why {
    let metadata = [("field", "kind")];
    Why {
        fields: vec!["kind".to_owned()],
        ..because(Code::InvalidArgument, "UNKNOWN_KIND", &metadata)
    }
}

fn money(currency: &str, units: i64, nanos: i32) -> Money {
    Money { currency_code: currency.to_owned(), units, nanos }
}

/// Amounts that are none, whatever they are for.
fn bad_amounts() -> Vec<Money> {
    vec![
        money("USD", 1, 0),
        money("rub", 1, 0),
        money("", 1, 0),
        money("RUB", 1, 1),
        money("RUB", 0, 999),
        money("RUB", 1, -1_000),
        money("RUB", -1, 1_000),
        money("RUB", 0, 1_000_000_000),
        money("RUB", 0, i32::MIN),
        money("RUB", i64::MAX, 0),
        money("RUB", i64::MIN, 0),
        money("RUB", 9_223_372_036_854, 999_999_000),
        money("RUB", -1, 0),
        money("RUB", 0, -1_000),
    ]
}

fn bad_holds() -> Vec<prost_types::Duration> {
    let week = 7 * 24 * 60 * 60;
    let hold = |seconds, nanos| prost_types::Duration { seconds, nanos };
    vec![
        hold(0, 0),
        hold(59, 999_999_999),
        hold(week, 1_000),
        hold(week + 1, 0),
        hold(-60, 0),
        hold(i64::MIN, 0),
        hold(i64::MAX, 0),
        hold(600, -1),
        hold(600, 1_000_000_000),
        hold(600, i32::MIN),
    ]
}

/// Asserts that all of these are refused so, and that none of them wrote anything about the user.
async fn nothing_written<T: Debug>(
    service: &Service,
    refused: impl IntoIterator<Item = (Result<Response<T>, Status>, Why)>,
    before: (UserInfo, Vec<Operation>, Vec<Entry>),
) {
    for (answer, expected) in refused {
        assert_eq!(why(answer), expected);
    }
    assert_eq!(service.all_of(USER).await, before);
}

async fn charge_refuses_each_bad_field(database: Database) {
    let service = Service::start(database.url()).await;
    service.charge("first", USER, "generate").await;
    let good = charge_request("bad", USER, "generate");
    let mut cases: Vec<(ChargeRequest, Why)> = Vec::new();

    for request_id in ["", "with space", "tab\t", "кириллица", "\0", &"r".repeat(129)] {
        cases.push((
            ChargeRequest { request_id: request_id.to_owned(), ..good.clone() },
            bad("request_id"),
        ));
    }
    for user_id in ["", " tg:1", "tg/1", "тг:1", "a\0", &"u".repeat(65)] {
        cases.push((ChargeRequest { user_id: user_id.to_owned(), ..good.clone() }, bad("user_id")));
    }
    for kind in ["", &"k".repeat(65)] {
        cases.push((ChargeRequest { kind: kind.to_owned(), ..good.clone() }, bad("kind")));
    }
    for kind in ["nonsense", "Generate", "no-such-kind", "generate ", "\0"] {
        cases.push((ChargeRequest { kind: kind.to_owned(), ..good.clone() }, unknown_kind()));
    }
    for quantity in [-1, 101, i32::MAX, i32::MIN] {
        cases.push((ChargeRequest { quantity, ..good.clone() }, bad("quantity")));
    }
    for amount in bad_amounts() {
        cases.push((ChargeRequest { max_price: Some(amount), ..good.clone() }, bad("max_price")));
    }
    for hold in bad_holds() {
        cases.push((ChargeRequest { hold: Some(hold), ..good.clone() }, bad("hold")));
    }
    let label = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    let too_many = (0..17).map(|n| (n.to_string(), String::new())).collect();
    let labels = [
        too_many,
        label("", "v"),
        label(&"k".repeat(65), "v"),
        label("k", &"v".repeat(257)),
        label("k\0", "v"),
        label("k", "v\0"),
    ];
    for labels in labels {
        cases.push((ChargeRequest { labels, ..good.clone() }, bad("labels")));
    }

    let before = service.all_of(USER).await;
    let mut answers = Vec::new();
    for (request, expected) in cases {
        answers.push((service.billing().charge(request).await, expected));
    }
    nothing_written(&service, answers, before).await;
    service.finish().await;
}

async fn charge_takes_each_field_at_its_limit(database: Database) {
    let service = Service::start(database.url()).await;
    let longest_user = "u".repeat(64);
    service.top_up(&longest_user, 100_000).await;
    let request = ChargeRequest {
        request_id: "r!~".repeat(42) + "r2",
        user_id: longest_user,
        kind: "face_swap".to_owned(),
        quantity: 100,
        max_price: Some(money("RUB", 9_223_372_036_854, 775_807_000)),
        hold: Some(seconds(7 * 24 * 60 * 60)),
        labels: (0..16).map(|n| (format!("{n:064}"), "ы".repeat(256))).collect(),
    };
    assert_eq!(request.request_id.len(), 128);
    let answer = service.charge_with(request.clone()).await;
    let operation = answer.operation.unwrap();
    assert_eq!((operation.quantity, operation.labels.len()), (100, 16));
    assert_eq!(operation.price, Some(rub(1500)));
    assert!(service.charge_with(request).await.replayed);

    let shortest =
        ChargeRequest { hold: Some(seconds(60)), ..charge_request("1", "u", "generate") };
    service.charge_with(shortest).await;
    // What is finer than a microsecond is the same request again, not another one.
    let hold = Some(prost_types::Duration { seconds: 61, nanos: 1_999 });
    let fine = ChargeRequest { hold, ..charge_request("2", "u", "generate") };
    service.charge_with(fine.clone()).await;
    assert!(service.charge_with(fine).await.replayed);
    service.finish().await;
}

async fn refund_and_hold_refuse_each_bad_field(database: Database) {
    let service = Service::start(database.url()).await;
    service.top_up(USER, 100).await;
    let request = ChargeRequest { quantity: 4, ..charge_request("first", USER, "generate") };
    let operation = service.charge_with(request).await.operation.unwrap();
    let good = refund_request(&operation);
    let before = service.all_of(USER).await;

    let id = &operation.operation_id;
    let bad_ids = [
        "",
        "1",
        "not-a-uuid",
        &id[1..],
        &format!("{id}0"),
        &id.replace('-', ""),
        &format!("{{{id}}}"),
    ];
    let mut answers = Vec::new();
    for operation_id in bad_ids {
        let request = RefundRequest { operation_id: operation_id.to_owned(), ..good.clone() };
        answers.push((service.billing().refund(request).await, bad("operation_id")));
    }
    for reason in [0, 6, 7, -1, i32::MAX] {
        let request = RefundRequest { reason, ..good.clone() };
        answers.push((service.billing().refund(request).await, bad("reason")));
    }
    for comment in ["с".repeat(501), "\0".to_owned()] {
        let request = RefundRequest { comment, ..good.clone() };
        answers.push((service.billing().refund(request).await, bad("comment")));
    }
    for amount in bad_amounts().into_iter().chain([rub(0), rub(1)]) {
        // The last one is a good amount; but what is only held is given back whole.
        let request = RefundRequest { amount: Some(amount), ..good.clone() };
        answers.push((service.billing().refund(request).await, bad("amount")));
    }
    nothing_written(&service, answers, before.clone()).await;

    let mut answers = Vec::new();
    for hold in bad_holds().into_iter().map(Some).chain([None]) {
        let request = ExtendHoldRequest { operation_id: id.clone(), hold };
        answers.push((service.billing().extend_hold(request).await, bad("hold")));
    }
    for operation_id in bad_ids {
        let request =
            ExtendHoldRequest { operation_id: operation_id.to_owned(), hold: Some(seconds(60)) };
        answers.push((service.billing().extend_hold(request).await, bad("operation_id")));
    }
    nothing_written(&service, answers, before.clone()).await;

    let mut answers = Vec::new();
    for operation_id in bad_ids {
        let request = CompleteRequest { operation_id: operation_id.to_owned() };
        answers.push((service.billing().complete(request).await, bad("operation_id")));
    }
    nothing_written(&service, answers, before).await;

    // Upper case is the same id; 500 characters of comment are fine.
    let request =
        RefundRequest { operation_id: id.to_uppercase(), comment: "с".repeat(500), ..good };
    let refunded = service.billing().refund(request).await.unwrap().into_inner();
    assert_eq!(refunded.operation.unwrap().refund_comment, "с".repeat(500));
    service.finish().await;
}

async fn administrators_mistakes_are_named(database: Database) {
    let service = Service::start(database.url()).await;
    service.top_up(USER, 5).await;
    let before = service.all_of(USER).await;
    let good = AdjustBalanceRequest {
        request_id: "bad".to_owned(),
        user_id: USER.to_owned(),
        amount: Some(rub(1)),
        reason: "why".to_owned(),
    };
    let mut cases = vec![
        (AdjustBalanceRequest { request_id: String::new(), ..good.clone() }, bad("request_id")),
        (AdjustBalanceRequest { user_id: "u".repeat(65), ..good.clone() }, bad("user_id")),
        (AdjustBalanceRequest { amount: None, ..good.clone() }, bad("amount")),
    ];
    let amounts = bad_amounts().into_iter().filter(|amount| amount.units >= 0 && amount.nanos >= 0);
    let more =
        [rub(0), rub(1_000_000_001), rub(-1_000_000_001), money("RUB", 1_000_000_000, 1_000)];
    for amount in amounts.chain(more) {
        cases.push((AdjustBalanceRequest { amount: Some(amount), ..good.clone() }, bad("amount")));
    }
    for reason in ["", "  ", "\0", &"р".repeat(501)] {
        cases.push((
            AdjustBalanceRequest { reason: reason.to_owned(), ..good.clone() },
            bad("reason"),
        ));
    }
    let mut answers = Vec::new();
    for (request, expected) in cases {
        answers.push((service.admin().adjust_balance(request).await, expected));
    }
    nothing_written(&service, answers, before.clone()).await;

    let good = promo("bad", USER, 1);
    let past = prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 };
    let time = |seconds, nanos| Some(prost_types::Timestamp { seconds, nanos });
    let mut cases = vec![
        (GrantCreditsRequest { request_id: String::new(), ..good.clone() }, bad("request_id")),
        (GrantCreditsRequest { user_id: String::new(), ..good.clone() }, bad("user_id")),
        (GrantCreditsRequest { credits: None, ..good.clone() }, bad("credits")),
        (GrantCreditsRequest { expire_time: Some(past), ..good.clone() }, bad("expire_time")),
        (GrantCreditsRequest { expire_time: time(-1, 0), ..good.clone() }, bad("expire_time")),
        (
            GrantCreditsRequest { expire_time: time(i64::MAX, 0), ..good.clone() },
            bad("expire_time"),
        ),
        (
            GrantCreditsRequest { expire_time: time(4e9 as i64, -1), ..good.clone() },
            bad("expire_time"),
        ),
        (GrantCreditsRequest { reason: String::new(), ..good.clone() }, bad("reason")),
    ];
    for operations in [0, -1, 1_000_001, i64::MIN] {
        let credits = Some(Credits::Operations(operations));
        cases.push((GrantCreditsRequest { credits, ..good.clone() }, bad("operations")));
    }
    for amount in bad_amounts().into_iter().chain([rub(0), rub(1_000_000_001)]) {
        let credits = Some(Credits::Amount(amount));
        cases.push((GrantCreditsRequest { credits, ..good.clone() }, bad("amount")));
    }
    for kind in [0, 1, 4, -1] {
        cases.push((GrantCreditsRequest { kind, ..good.clone() }, bad("kind")));
    }
    for priority in [-1, 1001] {
        cases.push((GrantCreditsRequest { priority, ..good.clone() }, bad("priority")));
    }
    let mut answers = Vec::new();
    for (request, expected) in cases {
        answers.push((service.admin().grant_credits(request).await, expected));
    }
    nothing_written(&service, answers, before).await;
    service.finish().await;
}

async fn administrators_may_go_to_the_limits(database: Database) {
    let service = Service::start(database.url()).await;
    service.top_up(USER, 1_000_000_000).await;
    let operations = Some(Credits::Operations(1_000_000));
    let request =
        GrantCreditsRequest { credits: operations, priority: 1000, ..promo("o", USER, 1) };
    assert_eq!(service.grant(request).await.operations_remaining, 1_000_000);
    let smallest = Some(Credits::Amount(money("RUB", 0, 1_000)));
    let request = GrantCreditsRequest { credits: smallest, ..promo("m", USER, 1) };
    assert_eq!(service.grant(request).await.amount_given, Some(money("RUB", 0, 1_000)));
    let user = service.user(USER).await;
    assert_eq!(user.balance, Some(money("RUB", 1_000_000_000, 1_000)));
    assert_eq!(user.free_operations_total, 1_000_003);
    service.finish().await;
}

async fn reads_refuse_each_bad_field(database: Database) {
    let service = Service::start(database.url()).await;
    let mut billing = service.billing();
    for user_id in ["", "u u", &"u".repeat(65)].map(str::to_owned) {
        let request = GetUserInfoRequest { user_id: user_id.clone() };
        assert_eq!(why(billing.get_user_info(request).await), bad("user_id"));
        let request = ListEntriesRequest { user_id: user_id.clone(), ..Default::default() };
        assert_eq!(why(billing.list_entries(request).await), bad("user_id"));
        let request = ListOperationsRequest { user_id: user_id.clone(), ..Default::default() };
        assert_eq!(why(billing.list_operations(request).await), bad("user_id"));
        let request = QuoteRequest { user_id, kind: "generate".to_owned(), quantity: 1 };
        assert_eq!(why(billing.quote(request).await), bad("user_id"));
    }
    let quote = |kind: &str, quantity| QuoteRequest {
        user_id: USER.to_owned(),
        kind: kind.to_owned(),
        quantity,
    };
    assert_eq!(why(billing.quote(quote("nonsense", 1)).await), unknown_kind());
    assert_eq!(why(billing.quote(quote("", 1)).await), bad("kind"));
    assert_eq!(why(billing.quote(quote("generate", 101)).await), bad("quantity"));
    assert_eq!(why(billing.quote(quote("generate", -1)).await), bad("quantity"));
    let request = GetOperationRequest { operation_id: "7".to_owned() };
    assert_eq!(why(billing.get_operation(request).await), bad("operation_id"));
    service.finish().await;
}
