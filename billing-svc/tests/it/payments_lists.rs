//! One payment that can't be followed, a provider that was switched off, a bot that is another one: none of them holds up
//! the payments of others.

use std::time::Duration;

use billing_svc::ledger::*;
use billing_svc::payments::TelegramPayment;
use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::books::{now, user};
use crate::harness::Database;
use crate::payments_world::{Deployment, World, administrator, from_nowhere, name, new_top_up};

on_both!(
    a_payment_that_makes_no_sense_holds_up_no_other_on_the_list,
    a_user_whose_rows_are_corrupt_holds_up_no_other_on_the_list,
    a_payment_of_somebody_elses_is_asked_about_once,
    the_list_of_another_bot_is_read_from_its_start,
    a_list_that_was_cut_short_is_read_from_its_start,
    word_of_stars_that_went_back_is_followed_at_once,
    what_was_given_back_before_a_crash_leaves_the_balance_after_it,
    checks_at_a_provider_that_is_switched_off_hold_up_no_others,
    refunds_at_a_provider_that_is_switched_off_wait_their_turn,
);

const SOON: Duration = Duration::from_millis(50);

fn listening() -> Deployment {
    let mut deployment = Deployment::default();
    deployment.settings.pace.feed = SOON;
    deployment
}

async fn a_payment_that_makes_no_sense_holds_up_no_other_on_the_list(database: Database) {
    let mut world = World::with(&database, listening()).await;
    world.shop.show_lists();
    let mut payments = Vec::new();
    for n in 0..4 {
        payments.push(world.invoice(&user(&format!("tg:{n}"))).await);
        world.shop.pay(name(&payments[n]));
    }
    // The newest are listed first.
    let odd = payments.pop().unwrap();
    world.shop.edit(name(&odd), |payment| payment["amount"]["currency"] = json!("roubles"));
    world.start();
    for payment in &payments {
        world.until(payment, PaymentState::Credited).await;
    }
    assert_eq!(world.payment(&odd).await.state, PaymentState::Pending);
    world.shop.edit(name(&odd), |payment| payment["amount"]["currency"] = json!("RUB"));
    world.until(&odd, PaymentState::Credited).await;
    world.prove().await;
}

async fn a_user_whose_rows_are_corrupt_holds_up_no_other_on_the_list(database: Database) {
    let mut world = World::with(&database, listening()).await;
    let connection = world.books.database.connection.clone();
    let unlucky = world.stars_invoice(&user("tg:8")).await;
    let lucky = world.stars_invoice(&user("tg:7")).await;
    world.bot_api.pay("first", 8, &unlucky.payment_id.to_string(), 75);
    world.bot_api.pay("second", 7, &lucky.payment_id.to_string(), 75);
    // Larger than any priority can be.
    let add = |much: i64| {
        format!("UPDATE grants SET priority = priority + {much} WHERE user_id = 'tg:8'")
    };
    connection.execute_unprepared(&add(1 << 40)).await.unwrap();
    world.start();
    world.until(&lucky, PaymentState::Credited).await;
    assert_eq!(world.payment(&unlucky).await.state, PaymentState::Pending);
    // Mended, it is found again, however far the list was read since.
    connection.execute_unprepared(&add(-(1 << 40))).await.unwrap();
    world.until(&unlucky, PaymentState::Credited).await;
    world.prove().await;
}

async fn a_payment_of_somebody_elses_is_asked_about_once(database: Database) {
    let mut world = World::with(&database, listening()).await;
    world.shop.show_lists();
    let other = world.shop.put("100500", json!({"order": "7"}), "5.00");
    world.start();
    world.wait(async || (world.shop.calls("LIST /payments") > 3).then_some(())).await;
    assert_eq!(world.shop.calls(&format!("GET /payments/{other}")), 1);
    world.prove().await;
}

/// Pays an invoice and confirms it; answers where it stands.
async fn paid_in_stars(world: &World) -> PaymentState {
    let payment = world.stars_invoice(&user("tg:7")).await;
    world.bot_api.pay("charge", 7, &payment.payment_id.to_string(), 75);
    let told = TelegramPayment {
        user_id: payment.user_id.clone(),
        telegram_payment_charge_id: "charge".to_owned(),
        invoice_payload: payment.payment_id.to_string(),
        price: payment.price.clone(),
    };
    world.payments.confirm_telegram(told).await.unwrap().payment.state
}

async fn the_list_of_another_bot_is_read_from_its_start(database: Database) {
    let world = World::open(&database).await;
    for n in 0..30 {
        world.bot_api.pay(&format!("foreign-{n}"), 8, "somebody else's", 1);
    }
    world.books.store.set_cursor(Provider::TelegramStars, "6:500").await.unwrap();
    assert_eq!(paid_in_stars(&world).await, PaymentState::Credited);
    let cursor = world.books.store.cursor(Provider::TelegramStars).await.unwrap();
    assert_eq!(cursor.as_deref(), Some("7:31"));
    world.prove().await;
}

async fn a_list_that_was_cut_short_is_read_from_its_start(database: Database) {
    let world = World::open(&database).await;
    world.books.store.set_cursor(Provider::TelegramStars, "7:500").await.unwrap();
    assert_eq!(paid_in_stars(&world).await, PaymentState::Credited);
    world.prove().await;
}

async fn word_of_stars_that_went_back_is_followed_at_once(database: Database) {
    // The list is not read for hours otherwise.
    let mut world = World::open(&database).await;
    assert_eq!(paid_in_stars(&world).await, PaymentState::Credited);
    world.start();
    world.bot_api.refund("charge");
    let told = json!({"currency": "XTR", "total_amount": 75, "invoice_payload": "x",
        "telegram_payment_charge_id": "charge"});
    let told = from_nowhere(told.to_string().into_bytes());
    world.payments.notify(Provider::TelegramStars, told).await.unwrap();
    world.wait(async || (world.balance(&user("tg:7")).await == Amount::ZERO).then_some(())).await;
    world.prove().await;
}

async fn what_was_given_back_before_a_crash_leaves_the_balance_after_it(database: Database) {
    let mut world = World::open(&database).await;
    let payment = world.invoice(&user("tg:1")).await;
    world.shop.pay(name(&payment));
    world.shop.refund(name(&payment), "40.00");
    // Killed between PAID and CREDITED.
    world.books.ask(paid(&payment, name(&payment))).await.unwrap().unwrap();
    world.start();
    let refunded = world.until(&payment, PaymentState::Refunded).await;
    assert_eq!(refunded.credited, Amount::units(100));
    assert_eq!(world.balance(&user("tg:1")).await, Amount::units(60));
    world.prove().await;
}

fn paid(payment: &Payment, name: &str) -> Command {
    Command::ObservePayment(Observation {
        user_id: payment.user_id.clone(),
        payment_id: payment.payment_id,
        provider: payment.provider,
        report: Report {
            provider_payment_id: name.to_owned(),
            status: ProviderStatus::Paid,
            received: payment.price.clone(),
            method: None,
            refunds: Vec::new(),
        },
        repeat_id: PaymentId(uuid::Uuid::now_v7()),
        refund_ids: vec![RefundId(uuid::Uuid::now_v7())],
    })
}

/// A payment at the sandbox's bank, which is not configured here.
async fn at_the_bank(world: &World, payer: &UserId) -> Payment {
    let new = new_top_up(payer, Provider::Sandbox);
    let command = Command::CreatePayment(NewPayment {
        payment_id: PaymentId(uuid::Uuid::now_v7()),
        user_id: new.user_id,
        request_id: new.request_id,
        caller: new.caller,
        provider: new.provider,
        amount: new.amount,
        price: ProviderAmount { amount: new.amount, currency: "RUB".to_owned() },
        return_url: None,
        receipt_email: None,
        first_check: Some(now()),
    });
    let made = world.books.ask(command).await.unwrap().unwrap();
    let Outcome::Payment { payment, .. } = made else { panic!("{made:?}") };
    payment
}

async fn checks_at_a_provider_that_is_switched_off_hold_up_no_others(database: Database) {
    let mut deployment = Deployment::default();
    deployment.settings.checks = vec![SOON, Duration::from_secs(3600)];
    let mut world = World::with(&database, deployment).await;
    let payers: Vec<_> = (0..210).map(|n| user(&format!("tg:{}", 100 + n))).collect();
    futures::future::join_all(payers.iter().map(|payer| at_the_bank(&world, payer))).await;
    let payment = world.invoice(&user("tg:1")).await;
    world.shop.pay(name(&payment));
    world.start();
    world.until(&payment, PaymentState::Credited).await;
    world.prove().await;
}

async fn refunds_at_a_provider_that_is_switched_off_wait_their_turn(database: Database) {
    let mut world = World::open(&database).await;
    let payment = at_the_bank(&world, &user("tg:1")).await;
    let (user_id, payment_id) = (payment.user_id.clone(), payment.payment_id);
    let credit = Command::CreditPayment { user_id: user_id.clone(), payment_id, by: None };
    let refund = Command::RefundPayment {
        user_id,
        payment_id,
        refund_id: RefundId(uuid::Uuid::now_v7()),
        amount: None,
        whole_only: false,
        by: administrator("give-back"),
    };
    for command in [paid(&payment, "at-the-bank"), credit, refund] {
        world.books.ask(command).await.unwrap().unwrap();
    }
    world.start();
    // It goes to the end of the queue, and is never taken for refused.
    let tried = async || {
        let refunds = world.refunds(&payment).await;
        (refunds[0].tries > 2).then(|| refunds[0].clone())
    };
    let refund = world.wait(tried).await;
    assert_eq!(refund.state, RefundState::Pending);
    assert_eq!(world.balance(&user("tg:1")).await, Amount::ZERO);
    world.prove().await;
}
