//! A user who blocked the bot, and comes back.

use std::time::Duration;

use image_worker::clock::Time;
use proto::images::v1::{JobState, RetryDeliveriesRequest};
use service_kit::queue::RowState;

use crate::harness::{System, USER};
use crate::peers::Money;

/// Far beyond what any of this takes, well below the shortest pause after a block.
const SOON: Duration = Duration::from_secs(30);

/// The user is back; answers how many results wait for them.
async fn come_back(system: &System, user: &str) -> i32 {
    let request = RetryDeliveriesRequest { user_id: user.to_owned() };
    system.images.retry_deliveries(request).await.unwrap().count
}

/// Waits until the job is put off for hours.
async fn put_off(system: &System, operation_id: &str) {
    let hours = Time::now().plus(Duration::from_secs(3 * 3600)).to_system();
    let asleep = async {
        loop {
            let row = system.row(operation_id).await;
            if row.state == RowState::Ready && row.run_at > hours {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let slept = tokio::time::timeout(SOON, asleep).await;
    assert!(slept.is_ok(), "the job is tried again and again");
}

async fn delivered_once(system: &System, operation_id: &str) {
    let end = tokio::time::timeout(SOON, system.end_of(operation_id)).await;
    let Ok(end) = end else { panic!("the job sleeps") };
    assert_eq!(end.state(), JobState::Succeeded);
    assert_eq!(system.billing.money(operation_id), Money::Completed);
    assert_eq!(system.gateway.sent(operation_id).len(), 1);
}

#[tokio::test]
async fn who_blocked_the_bot_gets_the_picture_when_they_are_back() {
    let system = System::start().await;
    system.gateway.be_blocked(true);
    let id = system.generate("a cat").await;
    system.until(&id, |state| state == JobState::Waiting).await;
    put_off(&system, &id).await;
    assert_eq!(system.billing.money(&id), Money::Held);

    system.gateway.be_blocked(false);
    assert_eq!(come_back(&system, "tg:1").await, 0);
    assert_eq!(come_back(&system, USER).await, 1);
    delivered_once(&system, &id).await;
    assert_eq!(come_back(&system, USER).await, 0);
}

#[tokio::test]
async fn who_is_back_while_the_delivery_meets_the_block_gets_the_picture_at_once() {
    let system = System::start().await;
    system.gateway.be_blocked(true);
    system.gateway.hold();
    let id = system.generate("a cat").await;
    system.gateway.met_blocks(1).await;
    system.gateway.be_blocked(false);
    assert_eq!(come_back(&system, USER).await, 0, "nothing waits yet");
    system.gateway.release();
    delivered_once(&system, &id).await;
}

#[tokio::test]
async fn who_is_back_while_a_later_delivery_meets_the_block_gets_the_picture_at_once() {
    let system = System::start().await;
    system.gateway.be_blocked(true);
    let id = system.generate("a cat").await;
    put_off(&system, &id).await;
    system.gateway.hold();
    assert_eq!(come_back(&system, USER).await, 1);
    system.gateway.met_blocks(2).await;
    system.gateway.be_blocked(false);
    assert_eq!(come_back(&system, USER).await, 0, "it is being tried");
    system.gateway.release();
    delivered_once(&system, &id).await;
}

#[tokio::test]
async fn who_was_back_before_and_blocks_again_is_not_tried_in_a_loop() {
    let system = System::start().await;
    assert_eq!(come_back(&system, USER).await, 0);
    system.gateway.be_blocked(true);
    let id = system.generate("a cat").await;
    put_off(&system, &id).await;
    assert_eq!(system.gateway.blocks_met(), 1);
    // One return, one more try.
    assert_eq!(come_back(&system, USER).await, 1);
    system.gateway.met_blocks(2).await;
    put_off(&system, &id).await;
    assert_eq!(system.gateway.blocks_met(), 2);
    assert_eq!(system.billing.money(&id), Money::Held);
}
