//! Money that goes back: ours, the cabinet's, and what it leaves of a balance.

use billing_svc::ledger::*;
use billing_svc::payments::provider::RefundReply;
use billing_svc::payments::yookassa::ReceiptSettings;
use billing_svc::payments::{NewTopUp, PaymentError, RefundRequest};
use serde_json::json;
use uuid::Uuid;

use crate::books::{charge, user};
use crate::harness::Database;
use crate::payments_shop::{Fault, refund_notification};
use crate::payments_world::{Deployment, World, administrator, name, new_top_up};

on_all!(
    a_refund_leaves_the_balance_and_reaches_the_payer,
    a_refund_that_is_refused_comes_back,
    a_lost_answer_makes_no_second_refund,
    a_refund_under_way_is_asked_about_until_it_ends,
    a_lost_refund_is_found_again_when_its_key_is_forgotten,
    a_refund_in_the_cabinet_may_leave_a_debt_that_the_next_top_up_repays,
    a_refund_of_ours_is_not_taken_twice_when_it_is_notified,
    a_refund_before_the_credit_is_taken_after_it,
    receipts_go_along,
);

fn back(payment: &Payment, request_id: &str, units: Option<i64>) -> RefundRequest {
    RefundRequest {
        payment_id: payment.payment_id,
        amount: units.map(Amount::units),
        by: administrator(request_id),
    }
}

async fn a_refund_leaves_the_balance_and_reaches_the_payer(database: Database) {
    let world = World::open(&database).await;
    let payer = user("tg:1");
    let payment = world.topped_up(&payer).await;
    let part = world.payments.refund(back(&payment, "r-1", Some(30)), None).await.unwrap();
    assert_eq!(part.refund.state, RefundState::Succeeded);
    assert_eq!(part.top_up.payment.state, PaymentState::Refunded);
    assert_eq!(world.shop.last_body()["amount"]["value"], "30.00");
    assert_eq!(world.balance(&payer).await, Amount::units(70));

    let again = world.payments.refund(back(&payment, "r-1", Some(30)), None).await.unwrap();
    assert_eq!((again.refund.refund_id, again.top_up.replayed), (part.refund.refund_id, true));
    let rest = world.payments.refund(back(&payment, "r-2", None), None).await.unwrap();
    assert_eq!(rest.refund.amount, Amount::units(70));
    assert_eq!(world.balance(&payer).await, Amount::ZERO);
    assert_eq!(world.shop.refunds(), 2);
    let more = world.payments.refund(back(&payment, "r-3", Some(1)), None).await.unwrap_err();
    assert!(matches!(more, PaymentError::Rule(_)), "{more:?}");
    world.prove().await;
}

async fn a_refund_that_is_refused_comes_back(database: Database) {
    let world = World::open(&database).await;
    let payer = user("tg:1");
    let payment = world.topped_up(&payer).await;
    world.shop.fail(&[Fault::Answer(400)]);
    let refused = world.payments.refund(back(&payment, "r-1", None), None).await.unwrap();
    assert_eq!(refused.refund.state, RefundState::Reversed);
    assert_eq!(refused.top_up.payment.state, PaymentState::Credited);
    assert_eq!(world.balance(&payer).await, Amount::units(100));
    world.prove().await;
}

async fn a_lost_answer_makes_no_second_refund(database: Database) {
    let mut world = World::open(&database).await;
    let payer = user("tg:1");
    let payment = world.topped_up(&payer).await;
    world.shop.fail(&[Fault::Lost, Fault::Answer(500), Fault::Garbage]);
    let begun = world.payments.refund(back(&payment, "r-1", None), None).await.unwrap();
    assert_eq!(begun.refund.state, RefundState::Pending);
    assert_eq!(world.balance(&payer).await, Amount::ZERO);
    world.start();
    world
        .wait(async || {
            let refunds = world.refunds(&payment).await;
            (refunds[0].state == RefundState::Succeeded).then_some(())
        })
        .await;
    assert_eq!(world.shop.refunds(), 1);
    assert_eq!(world.balance(&payer).await, Amount::ZERO);
    world.prove().await;
}

async fn a_refund_under_way_is_asked_about_until_it_ends(database: Database) {
    let mut world = World::open(&database).await;
    let payer = user("tg:1");
    let payment = world.topped_up(&payer).await;
    world.shop.slow_refunds();
    let begun = world.payments.refund(back(&payment, "r-1", None), None).await.unwrap();
    assert_eq!(begun.refund.state, RefundState::Pending);
    assert!(begun.refund.provider_refund_id.is_some());
    world.start();
    world.wait(async || (world.shop.calls("GET /refunds/") > 1).then_some(())).await;
    world.shop.end_refunds("canceled");
    world
        .wait(async || {
            let refunds = world.refunds(&payment).await;
            (refunds[0].state == RefundState::Reversed).then_some(())
        })
        .await;
    assert_eq!(world.balance(&payer).await, Amount::units(100));
    assert_eq!(world.shop.calls("POST /refunds"), 1);
    world.prove().await;
}

/// The key of a POST lives for a day. One whose answer was lost is looked for before there is another.
async fn a_lost_refund_is_found_again_when_its_key_is_forgotten(database: Database) {
    let world = World::open(&database).await;
    let payment = world.topped_up(&user("tg:1")).await;
    let providers = world.providers();
    let shop = &providers[0];
    let begun = Timestamp::from_micros(1_000_000);
    let refund = PaymentRefund {
        refund_id: RefundId(Uuid::now_v7()),
        payment_id: payment.payment_id,
        user_id: payment.user_id.clone(),
        origin: RefundOrigin::Admin,
        state: RefundState::Pending,
        amount: payment.amount,
        price: payment.price.clone(),
        reason: "a test".to_owned(),
        provider_refund_id: None,
        create_time: begun,
        settle_time: None,
        next_try: Some(begun),
        tries: 0,
    };
    let first = shop.refund(&payment, &refund, begun).await.unwrap();
    let days_later = begun.plus(std::time::Duration::from_secs(3 * 24 * 3600));
    let found = shop.refund(&payment, &refund, days_later).await.unwrap();
    assert!(matches!(first, RefundReply::Succeeded { .. }));
    assert_eq!(found, first);
    assert_eq!((world.shop.refunds(), world.shop.calls("POST /refunds")), (1, 1));
}

async fn a_refund_in_the_cabinet_may_leave_a_debt_that_the_next_top_up_repays(database: Database) {
    let mut world = World::open(&database).await;
    world.start();
    let payer = user("tg:1");
    let payment = world.topped_up(&payer).await;
    let running = world.books.charge(&payer, "c-1").await;
    let refund = world.shop.refund(name(&payment), "100.00");
    world.notify(refund_notification(&refund, name(&payment))).await.unwrap();
    let refunded = world.until(&payment, PaymentState::Refunded).await;
    assert_eq!(world.refunds(&refunded).await[0].origin, RefundOrigin::Provider);
    let view = world.books.view(&payer).await;
    assert_eq!((view.standing, view.paid_balance), (Standing::InDebt, Amount::units(-6)));
    let refused = world.books.ask(charge(&payer, "c-2")).await.unwrap();
    assert!(matches!(refused, Err(Rejection::InDebt { .. })));
    // What runs may end.
    world.books.ask(crate::books::complete(&running)).await.unwrap().unwrap();

    world.topped_up(&payer).await;
    let view = world.books.view(&payer).await;
    assert_eq!((view.standing, view.paid_balance), (Standing::Good, Amount::units(94)));
    world.prove().await;
}

async fn a_refund_of_ours_is_not_taken_twice_when_it_is_notified(database: Database) {
    let mut world = World::open(&database).await;
    world.start();
    let payer = user("tg:1");
    let payment = world.topped_up(&payer).await;
    let ours = world.payments.refund(back(&payment, "r-1", Some(40)), None).await.unwrap().refund;
    let id = ours.provider_refund_id.unwrap();
    for _ in 0..3 {
        world.notify(refund_notification(&id, name(&payment))).await.unwrap();
    }
    world.until_followed().await;
    assert_eq!(world.refunds(&payment).await.len(), 1);
    assert_eq!(world.balance(&payer).await, Amount::units(60));
    world.prove().await;
}

async fn a_refund_before_the_credit_is_taken_after_it(database: Database) {
    let world = World::open(&database).await;
    let payer = user("tg:1");
    let payment = world.invoice(&payer).await;
    world.shop.pay(name(&payment));
    world.shop.refund(name(&payment), "25.00");
    let top_up = world.payments.refresh(payment.payment_id).await.unwrap();
    assert_eq!(top_up.payment.state, PaymentState::Refunded);
    assert_eq!(top_up.payment.credited, Amount::units(100));
    assert_eq!(world.balance(&payer).await, Amount::units(75));
    world.prove().await;
}

async fn receipts_go_along(database: Database) {
    let receipts = ReceiptSettings { vat_code: 1, tax_system_code: Some(2), email: None };
    let deployment = Deployment { receipts: Some(receipts), ..Deployment::default() };
    let world = World::with(&database, deployment).await;
    let new = new_top_up(&user("tg:1"), Provider::Yookassa);
    let refused = world.create(new.clone()).await.unwrap_err();
    assert!(matches!(refused, PaymentError::Field { field: "receipt_email", .. }));
    let new = NewTopUp { receipt_email: Some("payer@mail.example".to_owned()), ..new };
    let payment = world.create(new).await.unwrap().payment;
    let item = |value: &str| {
        json!({"customer": {"email": "payer@mail.example"}, "tax_system_code": 2,
            "items": [{"description": "Пополнение баланса", "quantity": "1.00",
                "amount": {"value": value, "currency": "RUB"}, "vat_code": 1,
                "payment_mode": "full_prepayment", "payment_subject": "payment"}]})
    };
    assert_eq!(world.shop.last_body()["receipt"], item("100.00"));
    world.shop.pay(name(&payment));
    world.payments.refresh(payment.payment_id).await.unwrap();
    world.payments.refund(back(&payment, "r-1", Some(30)), None).await.unwrap();
    assert_eq!(world.shop.last_body()["receipt"], item("30.00"));
    world.prove().await;
}
