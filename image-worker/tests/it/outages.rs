//! Somebody is away, or the worker itself was.

use std::time::Duration;

use image_worker::jobs::{Jobs, Phase};
use proto::images::v1::JobState;
use sea_orm::ConnectionTrait;
use test_postgres::TestDatabase;

use crate::harness::{System, eventually};
use crate::peers::Money;

#[tokio::test]
async fn a_worker_that_is_stopped_gives_its_jobs_back_and_asks_for_the_same_result() {
    let mut system = System::start().await;
    system.fal.hold();
    let id = system.generate("a cat").await;
    system.fal.accepted(1).await;
    // Long before the job could end.
    tokio::time::timeout(Duration::from_secs(20), system.stop()).await.unwrap();
    system.fal.release();
    system.start_again().await;
    let job = system.end_of(&id).await;
    assert_eq!((job.state(), job.attempts), (JobState::Succeeded, 1));
    assert_eq!(system.fal.submits().len(), 1);
    assert_eq!(system.gateway.sent(&id).len(), 1);
    assert_eq!(system.billing.money(&id), Money::Completed);
}

#[tokio::test]
async fn jobs_that_were_taken_are_done_after_a_restart() {
    let mut system = System::with(&["--concurrency", "1"]).await;
    system.fal.hold();
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(system.generate(&format!("cat {number}")).await);
    }
    system.fal.accepted(1).await;
    system.stop().await;
    system.fal.release();
    system.start_again().await;
    for id in &ids {
        assert_eq!(system.end_of(id).await.state(), JobState::Succeeded);
    }
    assert_eq!(system.fal.submits().len(), 3);
}

#[tokio::test]
async fn an_absent_gateway_delays_the_picture_and_costs_nothing() {
    let system = System::start().await;
    system.gateway.be_away(true);
    let id = system.generate("a cat").await;
    system.until(&id, |state| state == JobState::Delivering).await;
    assert_eq!(system.billing.money(&id), Money::Held);
    system.gateway.be_away(false);
    assert_eq!(system.end_of(&id).await.state(), JobState::Succeeded);
    assert_eq!(system.fal.submits().len(), 1);
}

#[tokio::test]
async fn an_absent_billing_delays_the_end_and_the_picture_goes_out_once() {
    let system = System::start().await;
    system.fal.hold();
    let id = system.generate("a cat").await;
    system.fal.accepted(1).await;
    system.billing.be_away(true);
    system.fal.release();
    // Without billing it can't be made sure that the money is held, so nothing goes out.
    system.until(&id, |state| state == JobState::Delivering).await;
    assert!(system.gateway.sent(&id).is_empty());
    system.billing.be_away(false);
    assert_eq!(system.end_of(&id).await.state(), JobState::Succeeded);
    assert_eq!(system.gateway.sent(&id).len(), 1);
    assert_eq!(system.billing.money(&id), Money::Completed);
}

#[tokio::test]
async fn a_job_waits_for_billing_before_it_starts() {
    let system = System::start().await;
    system.billing.be_away(true);
    let id = system.generate("a cat").await;
    system.until(&id, |state| state == JobState::Running).await;
    assert!(system.fal.submits().is_empty());
    system.billing.be_away(false);
    assert_eq!(system.end_of(&id).await.state(), JobState::Succeeded);
    eventually(|| system.fal.submits().len() == 1).await;
}

#[tokio::test]
async fn two_workers_on_one_database_do_each_job_once() {
    let database = TestDatabase::new().await;
    let url = database.url();
    let mut system = System::with(&["--database-url", &url, "--migrate", "auto"]).await;
    system.start_another().await;
    let mut ids = Vec::new();
    for number in 0..24 {
        ids.push(system.generate(&format!("cat {number}")).await);
    }
    for id in &ids {
        assert_eq!(system.end_of(id).await.state(), JobState::Succeeded);
        assert_eq!(system.gateway.sent(id).len(), 1);
        assert_eq!(system.billing.money(id), Money::Completed);
    }
    assert_eq!(system.fal.submits().len(), ids.len());
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_does_nothing_more() {
    let database = TestDatabase::new().await;
    let url = database.url();
    let mut system = System::with(&["--database-url", &url, "--migrate", "auto"]).await;
    system.fal.hold();
    let id = system.generate("a cat").await;
    system.fal.accepted(1).await;
    let db = service_kit::db::open(&url, 2).await.unwrap();
    let thief = Jobs::new(db.connection.clone(), "thief".to_owned(), 1);
    let submitted = |phase: &Phase| matches!(phase, Phase::Submitted { .. });
    while !submitted(&thief.get(&id).await.unwrap().unwrap().job.phase) {
        tokio::task::yield_now().await;
    }
    // As if the first worker had been silent for longer than its lease; repeated, should it say that it lives in between.
    let lease = Duration::from_secs(600);
    let stolen = loop {
        db.connection.execute_unprepared("UPDATE jobs SET lease_until = 0").await.unwrap();
        if let Some(stolen) = thief.claim(1, lease).await.unwrap().pop() {
            break stolen;
        }
    };
    system.fal.release();
    system.stop().await;
    let row = thief.get(&id).await.unwrap().unwrap();
    assert_eq!(row.job, stolen.1);
    assert!(system.gateway.sent(&id).is_empty());
    assert_eq!(system.billing.money(&id), Money::Held);
}
