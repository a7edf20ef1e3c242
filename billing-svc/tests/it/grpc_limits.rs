//! The limits of users and callers, as callers meet them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::future::join_all;
use proto::billing::v1::*;
use tonic::{Code, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::bank::{Bank, payment_request};
use crate::harness::Database;
use crate::refusals::{Why, because, why};
use crate::service::{Service, charge_request, http_get, sql};

on_all!(
    as_many_holds_as_the_limit_says_and_one_more_when_one_ends,
    a_day_has_its_limit_and_ends_and_a_refund_gives_back,
    what_costs_more_than_a_day_holds_has_no_time_to_wait,
    a_user_who_asks_too_often_is_held_back_and_reads_on,
    what_was_charged_is_answered_however_often_it_is_asked,
    a_caller_who_calls_too_often_is_held_back_alone,
);

on_postgres!(two_instances_hold_one_limit);

const USER: &str = "tg:1";

type Answer = Result<Response<ChargeResponse>, Status>;

/// All at once; those that passed and those that did not, by their request_id.
async fn charge_all(
    services: &[&Service],
    requests: impl IntoIterator<Item = String>,
) -> (Vec<Operation>, Vec<(String, Status)>) {
    let asked = requests.into_iter().zip(services.iter().cycle());
    let answers = asked.map(async |(id, service)| -> (String, Answer) {
        let answer = service.billing().charge(charge_request(&id, USER, "generate")).await;
        (id, answer)
    });
    let (mut passed, mut refused) = (Vec::new(), Vec::new());
    for (id, answer) in join_all(answers).await {
        match answer {
            Ok(response) => passed.push(response.into_inner().operation.unwrap()),
            Err(status) => refused.push((id, status)),
        }
    }
    (passed, refused)
}

fn ids(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}-{n}")).collect()
}

/// Because of this limit: RESOURCE_EXHAUSTED, and when to come again.
pub(crate) fn limited(metadata: &[(&str, &str)]) -> Why {
    Why { retry: true, ..because(Code::ResourceExhausted, "LIMIT_EXCEEDED", metadata) }
}

pub(crate) fn reason(status: &Status) -> Why {
    why::<()>(Err(status.clone()))
}

pub(crate) async fn is_counted(service: &Service, limit: &str) {
    let metrics = http_get(&service.http, "/metrics").await;
    let line = format!("billing_limits_exceeded_total{{limit=\"{limit}\"}}");
    assert!(metrics.contains(&line), "{line} is missing");
}

async fn as_many_holds_as_the_limit_says_and_one_more_when_one_ends(database: Database) {
    let flags = ["--max-open-holds=4"];
    let service = Service::start_with(database.url(), &flags).await.unwrap();
    service.top_up(USER, 1000).await;
    let (held, refused) = charge_all(&[&service], ids("a", 12)).await;
    assert_eq!((held.len(), refused.len()), (4, 8));
    for (_, status) in &refused {
        assert_eq!(reason(status), limited(&[("limit", "open_holds"), ("max", "4")]));
    }
    assert_eq!(service.operations(USER).await.len(), 4, "nothing is kept of a refusal");

    // What was charged is answered as before; what was refused is charged, once there is a place for it.
    let request = charge_request(&held[0].request_id, USER, "generate");
    assert!(service.charge_with(request).await.replayed);
    service.complete(&held[0]).await;
    service.refund(&held[1]).await;
    let again = refused.into_iter().map(|(id, _)| id);
    let (held, refused) = charge_all(&[&service], again).await;
    assert_eq!((held.len(), refused.len()), (2, 6));
    is_counted(&service, "open_holds").await;
    service.finish().await;
}

/// A user who is new, so that there is no row to lock at first.
async fn two_instances_hold_one_limit(database: Database) {
    let flags = ["--max-open-holds=5", "--free-operations=100"];
    let first = Service::start_with(database.url(), &flags).await.unwrap();
    let second = Service::start_with(database.url(), &flags).await.unwrap();
    let (held, refused) = charge_all(&[&first, &second], ids("a", 15)).await;
    assert_eq!((held.len(), refused.len()), (5, 10));
    first.complete(&held[0]).await;
    let again: Vec<String> = refused.into_iter().map(|(id, _)| id).collect();
    let (held, refused) = charge_all(&[&first, &second], again).await;
    assert_eq!((held.len(), refused.len()), (1, 9));
    first.stop().await;
    second.finish().await;
}

/// A test that counts on one day does not begin just before its end.
async fn within_one_day() {
    const NEEDED: u64 = 120;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let left = 86_400 - now % 86_400;
    if left < NEEDED {
        tokio::time::sleep(Duration::from_secs(left)).await;
    }
}

async fn a_day_has_its_limit_and_ends_and_a_refund_gives_back(database: Database) {
    within_one_day().await;
    let flags = ["--max-daily-spend=35", "--free-operations=0"];
    let service = Service::start_with(database.url(), &flags).await.unwrap();
    service.top_up(USER, 1000).await;
    let (held, refused) = charge_all(&[&service], ids("a", 9)).await;
    assert_eq!((held.len(), refused.len()), (3, 6));
    let metadata =
        [("limit", "daily_spend"), ("max", "35.00"), ("left", "5.00"), ("currency", "RUB")];
    for (_, status) in &refused {
        assert_eq!(reason(status), limited(&metadata));
        let wait = status.get_details_retry_info().unwrap().retry_delay.unwrap();
        assert!(wait <= Duration::from_secs(86_400), "{wait:?}");
    }
    service.refund(&held[0]).await;
    service.complete(&held[1]).await;
    let again: Vec<String> = refused.into_iter().map(|(id, _)| id).collect();
    let (held, refused) = charge_all(&[&service], again).await;
    assert_eq!((held.len(), refused.len()), (1, 5));

    // A day passes.
    sql(database.url(), "UPDATE operations SET create_time = create_time - 86400000000").await;
    let again = refused.into_iter().map(|(id, _)| id);
    let (held, refused) = charge_all(&[&service], again).await;
    assert_eq!((held.len(), refused.len()), (3, 2));
    is_counted(&service, "daily_spend").await;
    service.stop().await;
}

async fn what_costs_more_than_a_day_holds_has_no_time_to_wait(database: Database) {
    let flags = ["--max-daily-spend=9.99", "--free-operations=1"];
    let service = Service::start_with(database.url(), &flags).await.unwrap();
    service.top_up(USER, 1000).await;
    service.charge("1", USER, "generate").await;
    let refused = service.billing().charge(charge_request("2", USER, "generate")).await;
    let metadata =
        [("limit", "daily_spend"), ("max", "9.99"), ("left", "9.99"), ("currency", "RUB")];
    let expected = because(Code::ResourceExhausted, "LIMIT_EXCEEDED", &metadata);
    assert_eq!(why(refused), expected);
    service.charge("3", USER, "add_text").await;
    service.finish().await;
}

/// A rate lets as many pass as it says, and each second as many again.
fn as_a_rate_says(passed: usize, rate: usize, since: Instant) {
    let seconds = usize::try_from(since.elapsed().as_secs()).unwrap() + 1;
    assert!((rate..=rate + rate * seconds).contains(&passed), "{passed} passed");
}

async fn a_user_who_asks_too_often_is_held_back_and_reads_on(database: Database) {
    let flags = ["--user-rate=5", "--free-operations=1000"];
    let service = Service::start_with(database.url(), &flags).await.unwrap();
    let since = Instant::now();
    let (passed, refused) = charge_all(&[&service], ids("a", 200)).await;
    as_a_rate_says(passed.len(), 5, since);
    assert_eq!(passed.len() + refused.len(), 200);
    for (_, status) in &refused {
        assert_eq!(reason(status), limited(&[("limit", "user_rate")]));
    }
    assert_eq!(service.operations(USER).await.len(), passed.len(), "nothing was written");

    // Payments and charges are counted together; nobody else is held back, and reads are not counted.
    let mut payments = service.payments();
    let mut answers = Vec::new();
    for _ in 0..100 {
        answers.push(why(payments.create_payment(payment_request("p", USER, 100)).await));
    }
    assert!(answers.contains(&limited(&[("limit", "user_rate")])), "{answers:?}");
    service.charge("other", "tg:2", "generate").await;
    for _ in 0..50 {
        service.user(USER).await;
    }
    // Later, the same request passes.
    let (id, _) = &refused[0];
    let charged = loop {
        match service.billing().charge(charge_request(id, USER, "generate")).await {
            Ok(charged) => break charged.into_inner(),
            Err(status) => assert_eq!(reason(&status), limited(&[("limit", "user_rate")])),
        }
    };
    assert!(!charged.replayed);
    is_counted(&service, "user_rate").await;
    service.finish().await;
}

/// The answer to the first may have been lost: a refusal would say that nothing was charged.
async fn what_was_charged_is_answered_however_often_it_is_asked(database: Database) {
    let bank = Bank::open().await;
    let service = bank.service_with(database.url(), &["--user-rate=1"]).await;
    let first = service.charge("1", USER, "generate").await;
    let mut payments = service.payments();
    let payment = loop {
        match payments.create_payment(payment_request("p", USER, 100)).await {
            Ok(made) => break made.into_inner().payment.unwrap(),
            Err(status) => assert_eq!(reason(&status), limited(&[("limit", "user_rate")])),
        }
    };
    for _ in 0..50 {
        let again = service.charge_with(charge_request("1", USER, "generate")).await;
        assert!(again.replayed);
        assert_eq!(again.operation.unwrap().operation_id, first.operation_id);
        let again = payments.create_payment(payment_request("p", USER, 100)).await.unwrap();
        assert_eq!(again.into_inner().payment.unwrap().payment_id, payment.payment_id);
    }
    // Somebody else's request is none of one's own.
    let others = charge_request("1", "tg:2", "generate");
    let mut answers = Vec::new();
    for _ in 0..50 {
        answers.push(why(service.billing().charge(others.clone()).await));
    }
    assert!(answers.contains(&limited(&[("limit", "user_rate")])), "{answers:?}");
    service.finish().await;
}

async fn a_caller_who_calls_too_often_is_held_back_alone(database: Database) {
    let service = Service::start_with_callers_and(database.url(), &["--caller-rate=20"]).await;
    let gateway = service.caller("gateway");
    let ask = GetUserInfoRequest { user_id: USER.to_owned() };
    let since = Instant::now();
    let asked = (0..400).map(|_| async { gateway.billing().get_user_info(ask.clone()).await });
    let (passed, refused): (Vec<_>, Vec<_>) =
        join_all(asked).await.into_iter().partition(Result::is_ok);
    as_a_rate_says(passed.len(), 20, since);
    for answer in refused {
        assert_eq!(why(answer), limited(&[("limit", "caller_rate")]));
    }
    service.caller("other gateway").billing().get_user_info(ask).await.unwrap();
    let mut health = HealthClient::new(service.channel.clone());
    for _ in 0..100 {
        health.check(HealthCheckRequest::default()).await.unwrap();
    }
    is_counted(&service, "caller_rate").await;
    service.stop().await;
}
