//! Telegram Stars: what Telegram's own list says is credited, at the price that was promised.

use std::time::Duration;

use billing_svc::ledger::*;
use billing_svc::payments::{
    PaymentError, PreCheckout, PreCheckoutRefusal, RefundRequest, TelegramPayment,
};

use crate::books::user;
use crate::harness::Database;
use crate::payments_world::{Deployment, World, administrator};

on_both!(
    a_paid_invoice_is_credited_as_promised,
    a_confirmation_that_telegram_does_not_know_credits_nothing,
    a_lost_update_is_found_in_the_list,
    the_schedule_reads_the_list,
    an_invoice_that_is_paid_twice_is_credited_twice,
    or_the_second_time_is_given_back,
    stars_of_another_user_are_not_ours,
    a_checkout_is_approved_only_as_it_was_offered,
    stars_go_back_whole,
    stars_that_went_back_elsewhere_leave_the_balance,
    a_busy_telegram_is_asked_again,
    more_transactions_than_a_page_are_all_found,
);

const ALICE: i64 = 7;

fn told(payment: &Payment, charge: &str) -> TelegramPayment {
    TelegramPayment {
        user_id: payment.user_id.clone(),
        telegram_payment_charge_id: charge.to_owned(),
        invoice_payload: payment.payment_id.to_string(),
        price: payment.price.clone(),
    }
}

fn listening() -> Deployment {
    let mut deployment = Deployment::default();
    deployment.settings.pace.feed = Duration::from_millis(50);
    deployment
}

async fn a_paid_invoice_is_credited_as_promised(database: Database) {
    let world = World::open(&database).await;
    let payer = user("tg:7");
    let payment = world.stars_invoice(&payer).await;
    assert_eq!(payment.state, PaymentState::Pending);
    assert_eq!(payment.price.amount, Amount::units(75));
    assert_eq!(payment.price.currency, "XTR");
    // Charge ids are longer than one would think.
    let charge = "c".repeat(200);
    world.bot_api.pay(&charge, ALICE, &payment.payment_id.to_string(), 75);
    let top_up = world.payments.confirm_telegram(told(&payment, &charge)).await.unwrap();
    assert_eq!((top_up.payment.state, top_up.replayed), (PaymentState::Credited, false));
    assert_eq!(top_up.payment.provider_payment_id.as_deref(), Some(charge.as_str()));
    assert_eq!(world.balance(&payer).await, Amount::units(100));

    let again = world.payments.confirm_telegram(told(&payment, &charge)).await.unwrap();
    assert!(again.replayed);
    assert_eq!(world.balance(&payer).await, Amount::units(100));
    world.prove().await;
}

async fn a_confirmation_that_telegram_does_not_know_credits_nothing(database: Database) {
    let mut world = World::open(&database).await;
    world.start();
    let payment = world.stars_invoice(&user("tg:7")).await;
    let top_up = world.payments.confirm_telegram(told(&payment, "forged")).await.unwrap();
    assert_eq!(top_up.payment.state, PaymentState::Pending);
    world.wait(async || (world.bot_api.calls("getStarTransactions") > 3).then_some(())).await;
    assert_eq!(world.balance(&user("tg:7")).await, Amount::ZERO);
    // When Telegram knows it after all, it is credited.
    world.bot_api.pay("forged", ALICE, &payment.payment_id.to_string(), 75);
    world.until(&payment, PaymentState::Credited).await;

    let mut unknown = told(&payment, "x");
    unknown.invoice_payload = "hello".to_owned();
    let refused = world.payments.confirm_telegram(unknown).await.unwrap_err();
    assert!(matches!(refused, PaymentError::NotFound));
    let refused = world.payments.confirm_telegram(told(&payment, "")).await.unwrap_err();
    assert!(matches!(refused, PaymentError::Field { .. }));
    world.prove().await;
}

async fn a_lost_update_is_found_in_the_list(database: Database) {
    let mut world = World::with(&database, listening()).await;
    world.start();
    let payment = world.stars_invoice(&user("tg:7")).await;
    world.bot_api.pay("charge", ALICE, &payment.payment_id.to_string(), 75);
    world.until(&payment, PaymentState::Credited).await;
    world.prove().await;
}

async fn the_schedule_reads_the_list(database: Database) {
    let mut deployment = Deployment::default();
    deployment.settings.checks = vec![Duration::from_millis(50); 10];
    let mut world = World::with(&database, deployment).await;
    let payment = world.stars_invoice(&user("tg:7")).await;
    // Once at the start, before there is anything; from then on the schedule alone reads it.
    world.start();
    world.wait(async || (world.bot_api.calls("getStarTransactions") > 0).then_some(())).await;
    world.bot_api.pay("charge", ALICE, &payment.payment_id.to_string(), 75);
    world.until(&payment, PaymentState::Credited).await;
    world.prove().await;
}

async fn an_invoice_that_is_paid_twice_is_credited_twice(database: Database) {
    let world = World::open(&database).await;
    let payer = user("tg:7");
    let payment = world.stars_invoice(&payer).await;
    for charge in ["first", "second"] {
        world.bot_api.pay(charge, ALICE, &payment.payment_id.to_string(), 75);
        let top_up = world.payments.confirm_telegram(told(&payment, charge)).await.unwrap();
        assert_eq!(top_up.payment.state, PaymentState::Credited, "{charge}");
        assert_eq!(top_up.payment.provider_payment_id.as_deref(), Some(charge));
    }
    assert_eq!(world.balance(&payer).await, Amount::units(200));
    world.prove().await;
}

async fn or_the_second_time_is_given_back(database: Database) {
    let mut deployment = Deployment::default();
    deployment.settings.repeated_invoice = RepeatRule::Refund;
    let mut world = World::with(&database, deployment).await;
    world.start();
    let payer = user("tg:7");
    let payment = world.stars_invoice(&payer).await;
    for charge in ["first", "second"] {
        world.bot_api.pay(charge, ALICE, &payment.payment_id.to_string(), 75);
        world.payments.confirm_telegram(told(&payment, charge)).await.unwrap();
    }
    let found = world
        .wait(async || {
            let store = &world.books.store;
            let found = store.payment_by_provider_id(Provider::TelegramStars, "second").await;
            found.unwrap().filter(|payment| payment.state == PaymentState::Refunded)
        })
        .await;
    assert_eq!(found.repeat_of, Some(payment.payment_id));
    assert_eq!(found.credited, Amount::ZERO);
    assert_eq!(world.bot_api.calls("refundStarPayment"), 1);
    assert_eq!(world.balance(&payer).await, Amount::units(100));
    let refusal = world.payments.approve_pre_checkout(asked(&payment)).await.unwrap();
    assert_eq!(refusal, Some(PreCheckoutRefusal::Paid));
    world.prove().await;
}

async fn stars_of_another_user_are_not_ours(database: Database) {
    let mut world = World::with(&database, listening()).await;
    world.start();
    let payment = world.stars_invoice(&user("tg:7")).await;
    world.bot_api.pay("charge", 8, &payment.payment_id.to_string(), 75);
    world.bot_api.pay("other", ALICE, "of another bot's invoice", 75);
    let read = world.bot_api.calls("getStarTransactions");
    world
        .wait(async || (world.bot_api.calls("getStarTransactions") > read + 2).then_some(()))
        .await;
    assert_eq!(world.payment(&payment).await, payment);
    assert_eq!(world.balance(&user("tg:8")).await, Amount::ZERO);
    world.prove().await;
}

fn asked(payment: &Payment) -> PreCheckout {
    PreCheckout {
        user_id: payment.user_id.clone(),
        invoice_payload: payment.payment_id.to_string(),
        price: payment.price.clone(),
    }
}

async fn a_checkout_is_approved_only_as_it_was_offered(database: Database) {
    let world = World::open(&database).await;
    let payment = world.stars_invoice(&user("tg:7")).await;
    let asked = asked(&payment);
    let approve =
        async |asked: PreCheckout| world.payments.approve_pre_checkout(asked).await.unwrap();
    assert_eq!(approve(asked.clone()).await, None);
    let other = PreCheckout { user_id: user("tg:8"), ..asked.clone() };
    assert_eq!(approve(other).await, Some(PreCheckoutRefusal::Unknown));
    let nonsense = PreCheckout { invoice_payload: "1".to_owned(), ..asked.clone() };
    assert_eq!(approve(nonsense).await, Some(PreCheckoutRefusal::Unknown));
    let mut cheaper = asked.clone();
    cheaper.price.amount = Amount::units(1);
    assert_eq!(approve(cheaper).await, Some(PreCheckoutRefusal::Price));

    let block = Command::SetStanding {
        user_id: payment.user_id.clone(),
        standing: Standing::Blocked,
        by: administrator("block"),
    };
    world.books.ask(block).await.unwrap().unwrap();
    assert_eq!(approve(asked.clone()).await, Some(PreCheckoutRefusal::Blocked));

    let close = Command::ClosePayment {
        user_id: payment.user_id.clone(),
        payment_id: payment.payment_id,
        closing: Closing::GivenUp,
    };
    world.books.ask(close).await.unwrap().unwrap();
    assert_eq!(approve(asked).await, Some(PreCheckoutRefusal::Closed));
    world.prove().await;
}

async fn paid_in_stars(world: &World) -> Payment {
    let payment = world.stars_invoice(&user("tg:7")).await;
    world.bot_api.pay("charge", ALICE, &payment.payment_id.to_string(), 75);
    world.payments.confirm_telegram(told(&payment, "charge")).await.unwrap().payment
}

async fn stars_go_back_whole(database: Database) {
    let world = World::open(&database).await;
    let payment = paid_in_stars(&world).await;
    let back = |amount, id: &str| RefundRequest {
        payment_id: payment.payment_id,
        amount,
        by: administrator(id),
    };
    let part = world.payments.refund(back(Some(Amount::units(1)), "r-1"), None).await.unwrap_err();
    assert!(matches!(part, PaymentError::Rule(Rejection::InvalidField { .. })), "{part:?}");
    // It went back a moment ago, by another hand: that is what was wanted.
    world.bot_api.refund("charge");
    let whole = world.payments.refund(back(None, "r-2"), None).await.unwrap();
    assert_eq!(whole.refund.state, RefundState::Succeeded);
    world.payments.refresh(payment.payment_id).await.unwrap();
    assert_eq!(world.refunds(&payment).await.len(), 1);
    assert_eq!(world.balance(&user("tg:7")).await, Amount::ZERO);
    world.prove().await;
}

async fn stars_that_went_back_elsewhere_leave_the_balance(database: Database) {
    let mut world = World::with(&database, listening()).await;
    world.start();
    let payment = paid_in_stars(&world).await;
    world.bot_api.refund("charge");
    world.until(&payment, PaymentState::Refunded).await;
    assert_eq!(world.refunds(&payment).await[0].origin, RefundOrigin::Provider);
    assert_eq!(world.balance(&user("tg:7")).await, Amount::ZERO);
    world.prove().await;
}

async fn a_busy_telegram_is_asked_again(database: Database) {
    let mut world = World::open(&database).await;
    world.start();
    let payment = world.stars_invoice(&user("tg:7")).await;
    world.bot_api.pay("charge", ALICE, &payment.payment_id.to_string(), 75);
    world.bot_api.be_busy(3);
    world.payments.confirm_telegram(told(&payment, "charge")).await.unwrap();
    world.until(&payment, PaymentState::Credited).await;
    world.prove().await;
}

async fn more_transactions_than_a_page_are_all_found(database: Database) {
    let mut world = World::with(&database, listening()).await;
    let payment = world.stars_invoice(&user("tg:7")).await;
    for n in 0..250 {
        world.bot_api.pay(&format!("other-{n}"), 9, "another shop's", 1);
    }
    world.bot_api.pay("charge", ALICE, &payment.payment_id.to_string(), 75);
    world.start();
    world.until(&payment, PaymentState::Credited).await;
    world.prove().await;
}
