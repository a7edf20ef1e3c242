//! Counts, and what each kind of call sends.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::ProgressBar;
use sandbox::bench::load::{Call, Pace, Plan, Target, run};
use secrecy::SecretString;

use crate::server::{Manner, Server};
use crate::{Running, charges};

const CALLERS: Pace = Pace::Closed { in_flight: 8 };

#[tokio::test]
async fn it_counts_what_the_server_saw() {
    let server = Server::start(Manner::Takes).await;
    let running = Running::start(&[&server.url], Plan { pace: CALLERS, ..charges() });
    server.until(|seen| seen.charges.len() >= 500).await;
    let measured = running.stop().await;

    let seen = server.seen();
    assert_eq!(measured.calls, seen.charges.len() as u64);
    assert_eq!(measured.latency.len(), measured.calls);
    assert_eq!(seen.request_ids().len(), seen.charges.len(), "each is a charge of its own");
    assert_eq!((measured.refused, measured.failures()), (0, 0));
    assert_eq!(measured.arrivals, None);
    assert!(measured.stopped);
}

#[tokio::test]
async fn a_run_ends_by_itself_when_its_time_is_over() {
    let server = Server::start(Manner::Takes).await;
    let target = Target { urls: vec![server.url.clone()], token: None, connections: 1 };
    let time = Duration::from_millis(200);
    let measured = run(&target, &Plan { time, ..charges() }, &ProgressBar::hidden()).await.unwrap();
    assert_eq!(measured.calls, server.seen().charges.len() as u64);
    assert!(measured.elapsed >= time);
    assert!(!measured.stopped);
}

#[tokio::test]
async fn a_server_that_never_answers_fails_by_its_deadline() {
    let server = Server::start(Manner::Takes).await;
    server.block();
    let target = Target { urls: vec![server.url.clone()], token: None, connections: 1 };
    let plan = Plan { time: Duration::from_secs(1), ..charges() };
    let measured = run(&target, &plan, &ProgressBar::hidden()).await.unwrap();
    assert_eq!(measured.calls, 0);
    let reasons: Vec<_> = measured.failed.keys().collect();
    assert!(reasons[0].starts_with("DEADLINE_EXCEEDED"), "{reasons:?}");
    assert_eq!(measured.failures(), 1);
}

#[tokio::test]
async fn a_closed_loop_has_as_many_in_flight_as_asked_and_never_more() {
    let server = Server::start(Manner::Takes).await;
    server.block();
    let running = Running::start(&[&server.url], Plan { pace: CALLERS, ..charges() });
    server.until(|seen| seen.in_flight == 8).await;
    server.release();
    server.until(|seen| seen.charges.len() >= 500).await;
    running.stop().await;
    assert_eq!(server.seen().most_in_flight, 8);
}

#[tokio::test]
async fn the_warm_up_is_not_counted() {
    let server = Server::start(Manner::Takes).await;
    let plan = Plan { warm_up: Duration::from_secs(600), ..charges() };
    let running = Running::start(&[&server.url], plan);
    server.until(|seen| seen.charges.len() >= 50).await;
    let measured = running.stop().await;
    assert_eq!((measured.calls, measured.latency.len()), (0, 0));
    assert_eq!(measured.elapsed, Duration::ZERO);
}

#[tokio::test]
async fn failures_are_counted_by_code_and_reason() {
    let server = Server::start(Manner::Fails).await;
    let running = Running::start(&[&server.url], charges());
    server.until(|seen| seen.charges.len() >= 20).await;
    let measured = running.stop().await;

    let all = server.seen().charges.len() as u64;
    let expected = BTreeMap::from([
        ("UNAVAILABLE OVERLOADED".to_owned(), all.div_ceil(3)),
        ("DATA_LOSS (the disk is gone)".to_owned(), (all + 1) / 3),
    ]);
    assert_eq!(measured.failed, expected);
    assert_eq!(measured.calls, all / 3);
    assert_eq!(measured.latency.len(), measured.calls);
}

#[tokio::test]
async fn a_pair_completes_or_refunds_its_own_charge_and_counts_once() {
    for call in [Call::ChargeComplete, Call::ChargeRefund] {
        let server = Server::start(Manner::Takes).await;
        let running = Running::start(&[&server.url], Plan { call, pace: CALLERS, ..charges() });
        server.until(|seen| seen.charges.len() >= 100).await;
        let measured = running.stop().await;

        let seen = server.seen();
        let (settled, other) = match call {
            Call::ChargeComplete => (&seen.completed, &seen.refunded),
            _ => (&seen.refunded, &seen.completed),
        };
        assert_eq!(settled.len(), seen.charges.len());
        assert!(other.is_empty());
        assert_eq!(measured.calls, seen.charges.len() as u64);
    }
}

#[tokio::test]
async fn reads_charge_nobody() {
    let server = Server::start(Manner::Takes).await;
    let plan = Plan { call: Call::GetUserInfo, ..charges() };
    let running = Running::start(&[&server.url], plan);
    server.until(|seen| seen.looked_up.len() >= 50).await;
    let measured = running.stop().await;
    assert_eq!(measured.calls, server.seen().looked_up.len() as u64);
    assert!(server.seen().charges.is_empty());
}

#[tokio::test]
async fn a_replay_is_the_very_same_request() {
    let server = Server::start(Manner::Takes).await;
    let plan = Plan { call: Call::Replay, pace: Pace::Closed { in_flight: 3 }, ..charges() };
    let running = Running::start(&[&server.url], plan);
    server.until(|seen| seen.charges.len() >= 100).await;
    let measured = running.stop().await;

    let seen = server.seen();
    let mut first = BTreeMap::new();
    for charge in &seen.charges {
        assert_eq!(first.entry(&charge.request_id).or_insert(charge), &charge);
    }
    assert_eq!(first.len(), 3, "without a warm-up each caller makes one charge");
    assert_eq!(measured.calls, seen.charges.len() as u64 - 3, "these are not counted");
    assert_eq!(measured.failures(), 0);
}

#[tokio::test]
async fn a_replay_that_is_charged_again_has_failed() {
    let server = Server::start(Manner::Forgets).await;
    let running = Running::start(&[&server.url], Plan { call: Call::Replay, ..charges() });
    server.until(|seen| seen.charges.len() >= 5).await;
    let measured = running.stop().await;
    let again = server.seen().charges.len() as u64 - 1;
    assert_eq!(measured.failed, BTreeMap::from([("OK, but charged again".to_owned(), again)]));
    assert_eq!(measured.calls, 0);
}

#[tokio::test]
async fn a_decline_is_what_was_asked_for() {
    let server = Server::start(Manner::Takes).await;
    let running = Running::start(&[&server.url], Plan { call: Call::Decline, ..charges() });
    server.until(|seen| seen.charges.len() >= 50).await;
    let measured = running.stop().await;
    assert_eq!(measured.refused, server.seen().charges.len() as u64);
    assert_eq!(measured.calls, measured.refused);
    assert_eq!(measured.failures(), 0);
}

#[tokio::test]
async fn declines_of_an_unknown_kind_say_which_there_are() {
    let server = Server::start(Manner::Takes).await;
    let target = Target { urls: vec![server.url.clone()], token: None, connections: 1 };
    let plan = Plan { call: Call::Decline, kind: "paint".to_owned(), ..charges() };
    let error = run(&target, &plan, &ProgressBar::hidden()).await.unwrap_err().to_string();
    assert!(error.contains("\"paint\"") && error.contains("generate"), "{error}");
}

#[tokio::test]
async fn calls_go_to_every_address_with_the_token() {
    let servers = [Server::start(Manner::Takes).await, Server::start(Manner::Takes).await];
    let target = Target {
        urls: servers.iter().map(|server| server.url.clone()).collect(),
        token: Some(SecretString::from("t0ken")),
        connections: 1,
    };
    let running = Running::at(target, Plan { pace: CALLERS, ..charges() });
    for server in &servers {
        server.until(|seen| seen.charges.len() >= 20).await;
    }
    let measured = running.stop().await;
    let seen = servers.each_ref().map(|server| server.seen());
    assert_eq!(measured.calls, seen.iter().map(|seen| seen.charges.len() as u64).sum::<u64>());
    for seen in seen {
        assert_eq!(seen.authorizations, [Some("Bearer t0ken".to_owned())].into());
        assert!(seen.most_in_flight <= 4, "callers are dealt evenly");
    }
}

#[tokio::test]
async fn a_run_that_is_dropped_leaves_no_call_behind() {
    let server = Server::start(Manner::Takes).await;
    server.block();
    let target = Target { urls: vec![server.url.clone()], token: None, connections: 2 };
    let plan = Plan { pace: CALLERS, ..charges() };
    let bar = ProgressBar::hidden();
    tokio::select! {
        _ = run(&target, &plan, &bar) => panic!("it ended"),
        () = server.until(|seen| seen.in_flight == 8) => {}
    }
    server.until(|seen| seen.in_flight == 0).await;
    assert!(server.seen().charges.is_empty());
}
