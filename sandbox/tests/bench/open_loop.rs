//! Open loop: a stall of the server is seen by all that were due in it, not only by those that were under way.

use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use sandbox::bench::load::{Measured, Pace, Plan, Target, run};

use crate::server::{Manner, Server};
use crate::{Running, charges};

const PER_SECOND: f64 = 1000.0;
/// What a server does when its disk hangs.
const STALL: Duration = Duration::from_millis(400);

fn open(in_flight: usize) -> Plan {
    Plan { pace: Pace::Open { per_second: PER_SECOND, in_flight }, ..charges() }
}

/// Latencies of at least that long, less what the histogram rounds off.
fn as_long_as(measured: &Measured, time: Duration) -> u64 {
    let micros = u64::try_from(time.as_micros()).unwrap();
    measured.latency.count_between(micros - micros / 500, u64::MAX)
}

/// Blocks the server from its first call on for a while; answers for how long it was blocked with that call in hand.
async fn stall(server: &Server) -> Duration {
    server.until(|seen| seen.in_flight == 1).await;
    let since = Instant::now();
    tokio::time::sleep(STALL).await;
    let stalled = since.elapsed();
    server.release();
    stalled
}

#[tokio::test]
async fn it_counts_what_the_server_saw() {
    let server = Server::start(Manner::Takes).await;
    let running = Running::start(&[&server.url], open(64));
    server.until(|seen| seen.charges.len() >= 300).await;
    let measured = running.stop().await;

    let saw = server.seen().charges.len() as u64;
    let arrivals = measured.arrivals.unwrap();
    assert_eq!(measured.calls, saw);
    assert_eq!(arrivals.due, saw + arrivals.unsent);
    assert_eq!(measured.latency.len(), arrivals.due);
}

#[tokio::test]
async fn it_sends_what_is_due_in_its_time_and_no_more() {
    let server = Server::start(Manner::Takes).await;
    let target = Target { urls: vec![server.url.clone()], token: None, connections: 1 };
    let (warm_up, time) = (Duration::from_millis(100), Duration::from_millis(300));
    let plan = Plan { warm_up, time, ..open(1024) };
    let measured = run(&target, &plan, &ProgressBar::hidden()).await.unwrap();
    let arrivals = measured.arrivals.unwrap();
    assert_eq!(arrivals.due, 300);
    assert_eq!(measured.calls + arrivals.unsent, 300);
}

#[tokio::test]
async fn a_stall_is_in_the_latency_of_all_that_were_due_in_it() {
    let server = Server::start(Manner::Takes).await;
    server.block();
    let running = Running::start(&[&server.url], open(1));
    let stalled = stall(&server).await;
    // All that were due in the stall, and some.
    let due = (stalled.as_secs_f64() * PER_SECOND) as usize;
    server.until(|seen| seen.charges.len() > due + 50).await;
    let measured = running.stop().await;

    // Who was due in its first half waited for its second half at least.
    let waited = as_long_as(&measured, stalled / 2);
    assert!(waited >= due as u64 / 2, "{waited} of {due} waited long");
    assert!(measured.max() >= stalled - stalled / 500);
    assert!(measured.arrivals.unwrap().late >= due as u64 / 2);
    assert_eq!(server.seen().most_in_flight, 1, "the bound holds");
}

#[tokio::test]
async fn a_closed_loop_makes_only_one_call_meet_the_same_stall() {
    let server = Server::start(Manner::Takes).await;
    server.block();
    let running = Running::start(&[&server.url], charges());
    server.until(|seen| seen.in_flight == 1).await;
    running.stop.cancel();
    let stalled = stall(&server).await;
    let measured = running.stop().await;
    assert_eq!(measured.latency.len(), 1);
    assert_eq!(as_long_as(&measured, stalled), 1);
}

#[tokio::test]
async fn arrivals_that_were_never_sent_are_told_and_count_with_what_they_waited() {
    let server = Server::start(Manner::Takes).await;
    server.block();
    let target = Target { urls: vec![server.url.clone()], token: None, connections: 1 };
    let plan = Plan { time: STALL, ..open(1) };
    let running =
        tokio::spawn(async move { run(&target, &plan, &ProgressBar::hidden()).await.unwrap() });
    server.until(|seen| seen.in_flight == 1).await;
    // Longer than the whole run and its grace.
    tokio::time::sleep(STALL * 2).await;
    server.release();
    let measured = running.await.unwrap();

    let arrivals = measured.arrivals.unwrap();
    assert_eq!((measured.calls, arrivals.due, arrivals.unsent), (1, 400, 399));
    assert_eq!(measured.latency.len(), 400);
    // Those due in the first half of the run had waited for its second half.
    assert!(as_long_as(&measured, STALL / 2) >= 200);
}
