//! Telegram Stars at the gateway's edge: the question before a payment, and word of what was paid and given back.

use std::time::{Duration, SystemTime};

use bot_gateway::payments::checkout;
use proto::billing::v1::{PaymentProvider, PreCheckoutRefusal};
use sandbox::telegram::{Failure, NotPaid, TelegramUser};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use service_kit::queue::Queue;
use teloxide::{
    prelude::Requester,
    types::{ChatId, LabeledPrice},
};
use tonic::Code;

use crate::harness::{Gateway, WEBHOOK_SECRET, World, until, until_async};

const DOWN: (Code, &str) = (Code::Unavailable, "STORE_UNAVAILABLE");

/// An invoice of the bot's in the user's chat.
async fn invoice(world: &World, user: &TelegramUser) {
    let price = LabeledPrice::new("300", 222);
    let (chat, bot) = (ChatId(user.id()), world.bot());
    bot.send_invoice(chat, "t", "d", "the-payment", "XTR", [price]).await.unwrap();
}

async fn post(gateway: &Gateway, update: &Value) {
    let url = format!("{}/telegram/webhook", gateway.http_url);
    let request = reqwest::Client::new().post(url).body(update.to_string());
    let request = request.header("X-Telegram-Bot-Api-Secret-Token", WEBHOOK_SECRET);
    assert!(request.send().await.unwrap().status().is_success());
}

fn question(update_id: i64) -> Value {
    json!({"update_id": update_id, "pre_checkout_query": {
        "id": "q", "from": {"id": 1, "is_bot": false, "first_name": "x", "language_code": "ru"},
        "currency": "XTR", "total_amount": 222, "invoice_payload": "the-payment"
    }})
}

#[tokio::test]
async fn stars_are_taken_when_billing_says_so_and_billing_hears_of_it() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let user = world.telegram.user(1);
    invoice(&world, &user).await;
    let charge = user.pay_newest_invoice().await.unwrap();
    until(|| !world.bank.books().confirmed.is_empty()).await;
    let asked = world.bank.books().asked.remove(0);
    assert_eq!((asked.user_id.as_str(), asked.invoice_payload.as_str()), ("tg:1", "the-payment"));
    assert_eq!((asked.currency.as_str(), asked.total_amount), ("XTR", 222));
    let confirmed = world.bank.books().confirmed.remove(0);
    assert_eq!(confirmed.user_id, "tg:1");
    assert_eq!(confirmed.telegram_payment_charge_id, charge);
    assert_eq!(confirmed.invoice_payload, "the-payment");
    assert_eq!((confirmed.currency.as_str(), confirmed.total_amount), ("XTR", 222));
    gateway.stop().await;
}

#[tokio::test]
async fn each_no_of_billing_is_said_in_words_of_its_own_and_takes_nothing() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let user = world.telegram.user(1);
    invoice(&world, &user).await;
    let mut said = std::collections::BTreeSet::new();
    for refusal in [
        PreCheckoutRefusal::Unknown,
        PreCheckoutRefusal::Price,
        PreCheckoutRefusal::Paid,
        PreCheckoutRefusal::Closed,
        PreCheckoutRefusal::Blocked,
    ] {
        world.bank.books().refusal = Some(refusal);
        let Err(NotPaid::Refused(words)) = user.pay_newest_invoice().await else {
            panic!("{refusal:?}");
        };
        assert!(said.insert(words));
    }
    assert!(world.bank.books().confirmed.is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn without_billings_word_the_answer_is_a_polite_no_in_time() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let (user, foreigner) = (world.telegram.user(1), world.telegram.user_named(2, "Ann", "en"));
    for hangs in [false, true] {
        world.bank.fails_with(Some(DOWN));
        world.bank.books().hangs = hangs;
        for (user, words) in [(&user, "через минуту"), (&foreigner, "in a minute")] {
            invoice(&world, user).await;
            let refused = user.pay_newest_invoice().await.unwrap_err();
            let NotPaid::Refused(said) = refused else { panic!("hangs: {hangs}, {refused}") };
            assert!(said.contains(words), "{said}");
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_question_waits_neither_for_its_chat_nor_for_telegrams_bad_moment() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let user = world.telegram.user(1);
    invoice(&world, &user).await;
    world.telegram.fail_method("sendMessage", Failure::TooManyRequests { retry_after: 15 }, 1);
    user.send_text("/help");
    world.inbox_becomes(|rows| rows.iter().any(|(_, state)| state == "leased")).await;
    world.telegram.fail_method("answerPreCheckoutQuery", Failure::BadGateway, 2);
    user.pay_newest_invoice().await.unwrap();
    let held = world.inbox().await;
    assert!(held.iter().any(|(_, state)| state == "leased"), "the chat was free: {held:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_question_that_comes_twice_is_answered_once() {
    let world = World::new().await;
    let gateway = world.webhook_gateway().await;
    for _ in 0..3 {
        post(&gateway, &question(5)).await;
    }
    world.all_done(checkout::TABLE, 1).await;
    post(&gateway, &question(5)).await;
    assert_eq!(world.bank.books().asked.len(), 1);
    assert_eq!(world.telegram.calls_of("answerPreCheckoutQuery").len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn a_question_that_nobody_waits_for_any_more_is_not_answered() {
    let world = World::new().await;
    let (_, db) = world.store().await;
    let queue = Queue::new(db.connection.clone(), checkout::TABLE, "test".to_owned());
    for (id, age) in [("old", 10), ("new", 0)] {
        queue.enqueue(id, None, &json!({ "update": question(5) }), None).await.unwrap();
        let made = SystemTime::now() - Duration::from_secs(age);
        let sql = format!(
            "UPDATE checkouts SET create_time = {} WHERE id = '{id}'",
            service_kit::time::to_micros(made)
        );
        db.connection.execute_unprepared(&sql).await.unwrap();
    }
    db.connection.clone().close().await.unwrap();
    drop(db);
    let gateway = world.gateway(&[]).await;
    world.all_done(checkout::TABLE, 2).await;
    assert_eq!(world.telegram.calls_of("answerPreCheckoutQuery").len(), 1);
    gateway.stop().await;
}

fn paid(update_id: i64, charge: &str) -> Value {
    let payment = json!({"currency": "XTR", "total_amount": 222, "invoice_payload": "the-payment",
        "telegram_payment_charge_id": charge, "provider_payment_charge_id": ""});
    let message = json!({"message_id": update_id, "date": 1, "chat": {"id": 1, "type": "private"},
        "from": {"id": 1, "is_bot": false, "first_name": "x"}, "successful_payment": payment});
    json!({"update_id": update_id, "message": message})
}

#[tokio::test]
async fn word_of_a_payment_waits_for_billing_and_is_handed_on_once() {
    let world = World::new().await;
    let gateway = world.webhook_gateway().await;
    world.bank.fails_with(Some(DOWN));
    post(&gateway, &paid(5, "c")).await;
    until(|| world.bank.books().failed > 0).await;
    world.bank.fails_with(None);
    until(|| world.bank.books().confirmed.len() == 1).await;
    world.all_done("inbox", 1).await;
    post(&gateway, &paid(5, "c")).await;
    assert_eq!(world.bank.books().confirmed.len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn word_of_a_payment_that_billing_refuses_is_kept_and_the_chat_goes_on() {
    let world = World::new().await;
    let gateway = world.webhook_gateway().await;
    world.bank.fails_with(Some((Code::FailedPrecondition, "PROVIDER_NOT_CONFIGURED")));
    post(&gateway, &paid(5, "c")).await;
    until(|| world.bank.books().failed > 0).await;
    let user = world.telegram.user(1);
    user.send_text("/help");
    user.sees(|message| message.text.contains("/menu")).await.unwrap();
    world
        .inbox_becomes(|rows| rows.iter().map(|(_, state)| state.as_str()).eq(["ready", "done"]))
        .await;
    gateway.stop().await;
}

#[tokio::test]
async fn stars_that_go_back_are_told_to_billing() {
    let world = World::new().await;
    let gateway = world.webhook_gateway().await;
    let refunded = json!({"currency": "XTR", "total_amount": 222, "invoice_payload": "the-payment",
        "telegram_payment_charge_id": "c"});
    let chat = json!({"id": 1, "type": "private"});
    let message = json!({"message_id": 3, "date": 1, "chat": chat, "refunded_payment": refunded});
    post(&gateway, &json!({"update_id": 6, "message": message})).await;
    until_async(async || world.inbox().await.iter().all(|(_, state)| state == "done")).await;
    {
        let books = world.bank.books();
        let [told] = books.notifications.as_slice() else { panic!("not told once") };
        assert_eq!(told.provider(), PaymentProvider::TelegramStars);
        assert_eq!(serde_json::from_slice::<Value>(&told.body).unwrap(), refunded);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn telegram_is_asked_for_questions_before_payments() {
    let world = World::new().await;
    let gateway = world.webhook_gateway().await;
    let told = &world.telegram.calls_of("setWebhook")[0].params["allowed_updates"];
    assert!(told.to_string().contains("pre_checkout_query"), "{told}");
    gateway.stop().await;
}
