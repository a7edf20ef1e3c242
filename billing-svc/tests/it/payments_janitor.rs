//! Payments whose notification never comes: the schedule, the user's button, and the providers' own lists find them.

use std::time::Duration;

use billing_svc::ledger::*;
use billing_svc::payments::PaymentError;

use crate::books::user;
use crate::harness::Database;
use crate::payments_shop::{Fault, notification};
use crate::payments_world::{Deployment, World, name, new_top_up};

on_both!(
    the_schedule_finds_what_was_paid,
    what_nobody_pays_is_given_up_and_credited_when_it_is_paid_after_all,
    a_check_without_an_answer_uses_up_none,
    the_schedule_makes_known_what_was_created_and_no_more,
    a_user_who_asks_is_credited_at_once,
    a_user_who_asks_on_and_on_is_held_back,
    a_provider_that_is_down_is_said_to_be,
    the_shops_list_finds_what_was_paid,
    a_payment_that_waits_for_a_capture_is_not_paid,
);

const SOON: Duration = Duration::from_millis(50);

fn checking(checks: Vec<Duration>) -> Deployment {
    let mut deployment = Deployment::default();
    deployment.settings.checks = checks;
    deployment
}

async fn the_schedule_finds_what_was_paid(database: Database) {
    let hour = Duration::from_secs(3600);
    let mut world = World::with(&database, checking(vec![SOON, hour])).await;
    let payment = world.invoice(&user("tg:1")).await;
    world.shop.pay(name(&payment));
    world.start();
    let credited = world.until(&payment, PaymentState::Credited).await;
    assert_eq!(credited.next_check, None);
    world.prove().await;
}

async fn what_nobody_pays_is_given_up_and_credited_when_it_is_paid_after_all(database: Database) {
    let mut world = World::with(&database, checking(vec![SOON, SOON, SOON])).await;
    let payment = world.invoice(&user("tg:1")).await;
    world.start();
    let expired = world.until(&payment, PaymentState::Expired).await;
    assert_eq!((expired.checks, expired.next_check), (3, None));
    assert_eq!(world.shop.calls("GET /payments/"), 3);
    world.shop.pay(name(&payment));
    world.notify(notification("payment.succeeded", name(&payment))).await.unwrap();
    world.until(&payment, PaymentState::Credited).await;
    world.prove().await;
}

async fn a_check_without_an_answer_uses_up_none(database: Database) {
    let mut world = World::with(&database, checking(vec![SOON])).await;
    let payment = world.invoice(&user("tg:1")).await;
    world.shop.fail(&[Fault::Answer(500), Fault::Garbage, Fault::Answer(429)]);
    world.start();
    let expired = world.until(&payment, PaymentState::Expired).await;
    assert_eq!(expired.checks, 1);
    assert_eq!(world.shop.calls("GET /payments/"), 4);
    world.prove().await;
}

async fn the_schedule_makes_known_what_was_created_and_no_more(database: Database) {
    let hour = Duration::from_secs(3600);
    let mut world = World::with(&database, checking(vec![SOON, hour])).await;
    world.shop.fail(&[Fault::Lost, Fault::Answer(500), Fault::Answer(500)]);
    let new = new_top_up(&user("tg:1"), Provider::Yookassa);
    let refused = world.create(new.clone()).await.unwrap_err();
    assert!(matches!(refused, PaymentError::Unavailable { .. }));
    let kept = world.books.store.payment_by_request(&new.request_id).await.unwrap().unwrap();
    world.start();
    let pending = world.until(&kept, PaymentState::Pending).await;
    assert!(pending.provider_payment_id.is_some());
    assert_eq!(world.shop.payments(), 1);
    world.prove().await;
}

async fn a_user_who_asks_is_credited_at_once(database: Database) {
    let world = World::open(&database).await;
    let payment = world.invoice(&user("tg:1")).await;
    let before = world.payments.refresh(payment.payment_id).await.unwrap();
    assert_eq!(before.payment.state, PaymentState::Pending);
    world.shop.pay(name(&payment));
    let after = world.payments.refresh(payment.payment_id).await.unwrap();
    assert_eq!(after.payment.state, PaymentState::Credited);
    assert_eq!(world.balance(&user("tg:1")).await, Amount::units(100));
    world.prove().await;
}

async fn a_user_who_asks_on_and_on_is_held_back(database: Database) {
    let world = World::open(&database).await;
    let payment = world.invoice(&user("tg:1")).await;
    for _ in 0..3 {
        world.payments.refresh(payment.payment_id).await.unwrap();
    }
    let limited = world.payments.refresh(payment.payment_id).await.unwrap_err();
    assert!(matches!(limited, PaymentError::Limited(it) if it.limit == "payment_refresh"));
    let asked = world.shop.calls("GET /payments/");
    assert_eq!(asked, 3);
    let other = world.invoice(&user("tg:2")).await;
    world.payments.refresh(other.payment_id).await.unwrap();
    world.prove().await;
}

async fn a_provider_that_is_down_is_said_to_be(database: Database) {
    let world = World::open(&database).await;
    let payment = world.invoice(&user("tg:1")).await;
    world.shop.fail(&[Fault::Answer(502)]);
    let refused = world.payments.refresh(payment.payment_id).await.unwrap_err();
    assert!(matches!(refused, PaymentError::Unavailable { .. }));
    let nobody = PaymentId(uuid::Uuid::now_v7());
    let refused = world.payments.refresh(nobody).await.unwrap_err();
    assert!(matches!(refused, PaymentError::NotFound));
    world.prove().await;
}

async fn the_shops_list_finds_what_was_paid(database: Database) {
    let mut deployment = Deployment::default();
    deployment.settings.pace.feed = SOON;
    let mut world = World::with(&database, deployment).await;
    world.shop.show_lists();
    let mut payments = Vec::new();
    for n in 0..5 {
        payments.push(world.invoice(&user(&format!("tg:{n}"))).await);
    }
    for payment in &payments[1..] {
        world.shop.pay(name(payment));
    }
    world.shop.put("100500", serde_json::json!({}), "5.00");
    world.start();
    for payment in &payments[1..] {
        world.until(payment, PaymentState::Credited).await;
    }
    assert_eq!(world.payment(&payments[0]).await.state, PaymentState::Pending);

    // Somebody gives one back in the cabinet, and nobody tells.
    world.shop.refund(name(&payments[1]), "40.00");
    let refunded = world.until(&payments[1], PaymentState::Refunded).await;
    assert_eq!(world.balance(&refunded.user_id).await, Amount::units(60));
    world.prove().await;
}

async fn a_payment_that_waits_for_a_capture_is_not_paid(database: Database) {
    let world = World::open(&database).await;
    let payment = world.invoice(&user("tg:1")).await;
    world.shop.edit(name(&payment), |payment| {
        payment["status"] = serde_json::json!("waiting_for_capture");
    });
    let top_up = world.payments.refresh(payment.payment_id).await.unwrap();
    assert_eq!(top_up.payment.state, PaymentState::Pending);
    world.prove().await;
}
