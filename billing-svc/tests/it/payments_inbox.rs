//! Notifications: kept before they are answered, bounded, and followed whatever crashes.

use billing_svc::ledger::*;
use billing_svc::payments::PaymentError;
use futures::future::join_all;
use serde_json::json;
use uuid::Uuid;

use crate::books::user;
use crate::harness::Database;
use crate::payments_shop::notification;
use crate::payments_world::{Deployment, World, from, from_nowhere, name};

on_all!(
    only_allowed_addresses_may_notify,
    what_is_no_notification_is_refused,
    a_full_inbox_refuses_more,
    a_thousand_notifications_at_once_are_all_followed,
    what_was_kept_before_a_crash_is_followed_after_it,
    a_crash_between_paid_and_credited_is_healed,
);

async fn only_allowed_addresses_may_notify(database: Database) {
    let notification_ips = vec!["77.75.153.0/25", "2a02:5180::/32"];
    let deployment = Deployment { notification_ips, ..Deployment::default() };
    let world = World::with(&database, deployment).await;
    let body = || notification("payment.succeeded", "x");
    let notify = |it| world.payments.notify(Provider::Yookassa, it);
    for stranger in [from("77.75.153.128", body()), from("::1", body()), from_nowhere(body())] {
        let refused = notify(stranger).await.unwrap_err();
        assert!(matches!(refused, PaymentError::Forbidden { .. }));
    }
    for known in ["77.75.153.7", "::ffff:77.75.153.7", "2a02:5180::1"] {
        notify(from(known, body())).await.unwrap();
    }
    world.prove().await;
}

async fn what_is_no_notification_is_refused(database: Database) {
    let world = World::open(&database).await;
    let bodies = [
        b"".to_vec(),
        b"id=1".to_vec(),
        json!({"type": "notification", "event": "payment.succeeded"}).to_string().into_bytes(),
        notification("payment.succeeded", "../payments"),
        notification("payment.succeeded", ""),
        notification("refund.succeeded", "a-refund-without-its-payment"),
        notification("payment.succeeded", &"x".repeat(65 * 1024)),
    ];
    for body in bodies {
        let refused = world.notify(body).await.unwrap_err();
        assert!(matches!(refused, PaymentError::Field { field: "body", .. }));
    }
    // What is about something else is taken and left.
    world.notify(notification("payout.succeeded", "x")).await.unwrap();
    world.until_followed().await;
    world.prove().await;
}

async fn a_full_inbox_refuses_more(database: Database) {
    let mut deployment = Deployment::default();
    deployment.settings.max_waiting = 3;
    let world = World::with(&database, deployment).await;
    for n in 0..3 {
        world.notify(notification("payment.succeeded", &format!("x{n}"))).await.unwrap();
    }
    let refused = world.notify(notification("payment.succeeded", "x4")).await.unwrap_err();
    assert!(matches!(refused, PaymentError::Overloaded));
    world.prove().await;
}

async fn a_thousand_notifications_at_once_are_all_followed(database: Database) {
    let mut world = World::with(&database, Deployment { pool: 4, ..Deployment::default() }).await;
    world.start();
    let payers: Vec<_> = (0..20).map(|n| user(&format!("tg:{n}"))).collect();
    let mut payments = Vec::new();
    for payer in &payers {
        payments.push(world.invoice(payer).await);
    }
    for payment in &payments {
        world.shop.pay(name(payment));
    }
    let bodies = (0..1000).map(|n| notification("payment.succeeded", name(&payments[n % 20])));
    for answer in join_all(bodies.map(|body| world.notify(body))).await {
        answer.unwrap();
    }
    world.until_followed().await;
    for payer in &payers {
        assert_eq!(world.balance(payer).await, Amount::units(100), "{payer}");
    }
    // A burst about one payment doesn't cost a question for each.
    assert!(world.shop.calls("GET /payments/") < 500);
    world.prove().await;
}

async fn what_was_kept_before_a_crash_is_followed_after_it(database: Database) {
    let mut world = World::open(&database).await;
    let payment = world.invoice(&user("tg:1")).await;
    world.shop.pay(name(&payment));
    // Its instance never runs; the next one does.
    world.notify(notification("payment.succeeded", name(&payment))).await.unwrap();
    let next = world.another();
    world.run(&next);
    world.until(&payment, PaymentState::Credited).await;
    world.prove().await;
}

async fn a_crash_between_paid_and_credited_is_healed(database: Database) {
    let mut world = World::open(&database).await;
    let payment = world.invoice(&user("tg:1")).await;
    let report = Report {
        provider_payment_id: name(&payment).to_owned(),
        status: ProviderStatus::Paid,
        received: payment.price.clone(),
        method: None,
        refunds: Vec::new(),
    };
    let observation = Observation {
        user_id: payment.user_id.clone(),
        payment_id: payment.payment_id,
        provider: Provider::Yookassa,
        report,
        repeat_id: PaymentId(Uuid::now_v7()),
        refund_ids: vec![RefundId(Uuid::now_v7())],
    };
    world.books.ask(Command::ObservePayment(observation)).await.unwrap().unwrap();
    assert_eq!(world.payment(&payment).await.state, PaymentState::Paid);
    world.start();
    world.until(&payment, PaymentState::Credited).await;
    assert_eq!(world.balance(&user("tg:1")).await, Amount::units(100));
    world.prove().await;
}
