//! Killed at any point of a paid request, the redelivered update ends it once: one charge, one job, or everything back.
//! Killed at any point of a top-up, it ends with one payment and one message that shows it.

use std::sync::Arc;

use proto::billing::v1::OperationState;
use sandbox::telegram::Failure;

use super::{
    billing::{Hang, promotions::PromoCode, till},
    town::{Conversation, Town, answers},
};
use crate::harness::until;

const USER: i64 = 1;
const UPDATE: i64 = 500;

/// Handles the update until `there`, then kills the handler.
async fn killed_when(town: &Town, conversation: &Arc<Conversation>, there: impl Fn(&Town) -> bool) {
    killed_at(town, conversation, "кот", there).await;
}

/// The same with these words.
async fn killed_at(
    town: &Town,
    conversation: &Arc<Conversation>,
    words: &'static str,
    there: impl Fn(&Town) -> bool,
) {
    let handler = conversation.clone();
    let task = tokio::spawn(async move { handler.text(USER, words, UPDATE, 1).await });
    until(|| there(town)).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled(), "it was over before it could be killed");
}

async fn town_with_conversation() -> (Arc<Town>, Arc<Conversation>) {
    let town = Town::new().await;
    town.telegram.user(USER);
    let conversation = Arc::new(town.conversation().await);
    (town, conversation)
}

fn one_charge_one_job(town: &Town) {
    let charged = town.billing.charged();
    let jobs = town.worker.jobs();
    assert_eq!((charged.len(), jobs.len()), (1, 1));
    assert_eq!(charged[0].state(), OperationState::Charged);
    assert_eq!(jobs[0].operation_id, charged[0].operation_id);
}

#[tokio::test]
async fn after_the_charge() {
    let (town, conversation) = town_with_conversation().await;
    town.billing.books().hang = Some(Hang::Charge);
    killed_when(&town, &conversation, |town| town.billing.books().hang.is_none()).await;
    conversation.text(USER, "кот", UPDATE, 2).await.unwrap();
    one_charge_one_job(&town);
    let words = &answers(&town.telegram.user(USER))[0].text;
    assert!(words.contains("Генерирую…\nСписана бесплатная операция"), "{words}");
}

#[tokio::test]
async fn while_it_says_that_it_begins() {
    let (town, conversation) = town_with_conversation().await;
    town.telegram.fail_method("sendMessage", Failure::Hang, 1);
    killed_when(&town, &conversation, |town| !town.telegram.calls_of("sendMessage").is_empty())
        .await;
    conversation.text(USER, "кот", UPDATE, 2).await.unwrap();
    one_charge_one_job(&town);
    assert_eq!(answers(&town.telegram.user(USER)).len(), 1);
}

#[tokio::test]
async fn after_the_worker_took_the_job() {
    let (town, conversation) = town_with_conversation().await;
    town.worker.desk().hang = true;
    killed_when(&town, &conversation, |town| !town.worker.jobs().is_empty()).await;
    conversation.text(USER, "кот", UPDATE, 2).await.unwrap();
    one_charge_one_job(&town);
    assert_eq!(answers(&town.telegram.user(USER)).len(), 1, "«Генерирую…» is not said twice");
}

#[tokio::test]
async fn after_it_was_over() {
    let (town, conversation) = town_with_conversation().await;
    for attempt in 1..=3 {
        conversation.text(USER, "кот", UPDATE, attempt).await.unwrap();
    }
    one_charge_one_job(&town);
    assert_eq!(answers(&town.telegram.user(USER)).len(), 1);
}

#[tokio::test]
async fn in_the_middle_of_giving_back() {
    let (town, conversation) = town_with_conversation().await;
    town.worker.desk().refuse = Some("INTERNAL");
    town.billing.books().hang = Some(Hang::Refund);
    killed_when(&town, &conversation, |town| town.billing.books().hang.is_none()).await;
    town.worker.desk().refuse = None;
    conversation.text(USER, "кот", UPDATE, 2).await.unwrap();
    assert_eq!(town.billing.charged()[0].state(), OperationState::Refunded);
    assert!(town.worker.jobs().is_empty(), "what was given back is not made");
    let told = answers(&town.telegram.user(USER)).pop().unwrap();
    assert!(told.text.contains("Все средства возвращены"), "{told:?}");
}

#[tokio::test]
async fn a_refund_that_cannot_be_made_now_is_made_when_the_update_comes_again() {
    let (town, conversation) = town_with_conversation().await;
    town.worker.desk().refuse = Some("INTERNAL");
    town.billing.books().failing_refunds = u32::MAX;
    let error = conversation.text(USER, "кот", UPDATE, 1).await.unwrap_err();
    assert!(error.retryable, "{error}");
    town.billing.books().failing_refunds = 0;
    town.worker.desk().refuse = None;
    conversation.text(USER, "кот", UPDATE, 2).await.unwrap();
    assert_eq!(town.billing.charged()[0].state(), OperationState::Refunded);
    assert!(town.worker.jobs().is_empty());
}

#[tokio::test]
async fn an_update_that_is_given_up_gives_everything_back() {
    let (town, conversation) = town_with_conversation().await;
    town.worker.desk().hang = true;
    killed_when(&town, &conversation, |town| !town.worker.jobs().is_empty()).await;
    conversation.give_up(USER, UPDATE).await.unwrap();
    assert_eq!(town.billing.charged()[0].state(), OperationState::Refunded);
    let told = answers(&town.telegram.user(USER)).pop().unwrap();
    assert!(told.text.contains("Все средства возвращены"), "{told:?}");
}

/// Asked for an amount, with cards as the only way to pay.
async fn asked_for_an_amount() -> (Arc<Town>, Arc<Conversation>) {
    let (town, conversation) = town_with_conversation().await;
    town.billing.books().till.methods = vec![till::yookassa()];
    conversation.press(USER, "v1:own", UPDATE - 1, 1).await.unwrap();
    (town, conversation)
}

fn one_payment_one_message(town: &Town) {
    let payments = town.billing.payments();
    let [payment] = payments.as_slice() else { panic!("{payments:?}") };
    let shown = answers(&town.telegram.user(USER));
    let links = shown.iter().flat_map(|seen| &seen.buttons).filter(|button| !button.url.is_empty());
    assert_eq!(links.map(|link| &link.url).collect::<Vec<_>>(), [&payment.confirmation_url]);
    assert!(town.billing.charged().is_empty(), "an amount is no prompt");
}

#[tokio::test]
async fn between_the_payment_and_its_message() {
    let (town, conversation) = asked_for_an_amount().await;
    town.billing.books().hang = Some(Hang::CreatePayment);
    killed_at(&town, &conversation, "250", |town| town.billing.books().hang.is_none()).await;
    assert_eq!(town.billing.payments().len(), 1);
    conversation.text(USER, "250", UPDATE, 2).await.unwrap();
    one_payment_one_message(&town);
}

#[tokio::test]
async fn after_the_payments_message() {
    let (town, conversation) = asked_for_an_amount().await;
    for attempt in 1..=3 {
        conversation.text(USER, "250", UPDATE, attempt).await.unwrap();
    }
    one_payment_one_message(&town);
}

#[tokio::test]
async fn between_a_press_and_the_invoice() {
    let (town, conversation) = town_with_conversation().await;
    let press = "v1:by:xtr:100000000:RUB";
    town.telegram.fail_method("sendInvoice", Failure::TooManyRequests { retry_after: 60 }, 1);
    let error = conversation.press(USER, press, UPDATE, 1).await.unwrap_err();
    assert!(error.retryable, "{error}");
    for attempt in 2..=3 {
        conversation.press(USER, press, UPDATE, attempt).await.unwrap();
    }
    assert_eq!(town.billing.payments().len(), 1);
    let shown = answers(&town.telegram.user(USER));
    assert_eq!(shown.iter().filter(|seen| seen.invoice.is_some()).count(), 1);
}

#[tokio::test]
async fn between_a_promo_code_and_its_answer() {
    let (town, conversation) = town_with_conversation().await;
    let five = PromoCode { operations: 5, over: None };
    town.billing.books().promotions.codes.insert("GIFT", five);
    conversation.text(USER, "/promo", UPDATE - 1, 1).await.unwrap();
    town.billing.books().hang = Some(Hang::Redeem);
    killed_at(&town, &conversation, "gift", |town| town.billing.books().hang.is_none()).await;
    conversation.text(USER, "gift", UPDATE, 2).await.unwrap();
    let told = answers(&town.telegram.user(USER)).pop().unwrap();
    assert!(told.text.contains("получили: 5 бесплатных операций"), "{told:?}");
    assert!(town.billing.charged().is_empty(), "a code is no prompt");
    assert_eq!(town.billing.books().promotions.redeemed.len(), 1);
}
