//! What can be looked at: greeting, balance, prices, history, language; and cancelling a job.

use proto::images::v1::JobState;

use super::{
    billing::{RUBLE, till, till::Says},
    town::{Town, last_says},
};
use crate::harness::until;

#[tokio::test]
async fn a_new_user_is_greeted_with_the_menu_and_waiting_results_are_asked_for() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    user.send_text("/start");
    let greeting = last_says(&user, "Для начала у вас 3 бесплатные операции.").await;
    let data: Vec<_> = greeting.buttons.iter().map(|button| button.data.as_str()).collect();
    assert_eq!(
        data[..8],
        ["create", "edit", "merge", "add_text", "face_swap", "retouch", "upscale", "payment_menu"]
    );
    until(|| town.worker.desk().retried == ["tg:1"]).await;
    user.send_text("кот");
    town.job(1).await;
    user.send_text("/start");
    last_says(&user, "С возвращением!").await;
}

#[tokio::test]
async fn the_balance_is_said_in_the_words_of_the_contract() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    user.send_text("/balance");
    assert_eq!(
        last_says(&user, "Баланс").await.text,
        "Баланс: 0,00 ₽\nБесплатных операций: 3 из 3"
    );
    town.billing.has_only(1, 12 * RUBLE + 500_000);
    user.send_text("/balance");
    last_says(&user, "Баланс: 12,50 ₽\nБесплатных операций: 0 из 3").await;
    user.send_text("/menu");
    last_says(&user, "Что сделаем?").await;
    user.press("payment_menu").unwrap();
    last_says(&user, "На сколько пополнить?").await;
}

#[tokio::test]
async fn the_price_list_is_shown() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    user.send_text("/prices");
    let prices = last_says(&user, "Цены:").await;
    assert!(prices.text.contains("🎨 Создать — 10,00\u{a0}₽ (можно бесплатной операцией)"));
    assert_eq!(prices.text.lines().count(), 8);
}

#[tokio::test]
async fn the_history_is_leafed_through() {
    let town = Town::new().await;
    let gateway = town.gateway().await;
    let user = town.telegram.user(1);
    user.send_text("/history");
    last_says(&user, "Операций и платежей пока нет").await;
    town.billing.has_only(1, 1000 * RUBLE);
    for n in 1..=9 {
        user.send_text(&format!("кот {n}"));
        let job = town.job(n).await;
        gateway.deliver(&job).await;
    }
    user.send_text("/history");
    let first = last_says(&user, "История, страница 1:").await;
    assert_eq!(first.text.lines().count(), 9);
    assert!(first.text.contains("🎨 Создать · в работе · 10,00\u{a0}₽ с баланса"), "{first:?}");
    user.press("Старше →").unwrap();
    let second = last_says(&user, "История, страница 2:").await;
    assert_eq!((second.id, second.text.lines().count()), (first.id, 2));
    user.press("← Новее").unwrap();
    last_says(&user, "История, страница 1:").await;
}

#[tokio::test]
async fn the_history_lists_payments_and_refunds_among_operations() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user_named(1, "Ann", "en");
    user.send_text("a cat");
    town.job(1).await;
    town.billing.books().till.methods = vec![till::yookassa()];
    user.send_text("/pay");
    last_says(&user, "How much would you like to add?").await;
    user.press("300.00\u{a0}₽").unwrap();
    last_says(&user, "Press “Pay”").await;
    town.billing.provider_says(Says::Paid);
    user.press("🔄 Check the payment").unwrap();
    last_says(&user, "✅ 300.00\u{a0}₽ added").await;
    town.billing.refund_payments(100 * RUBLE);
    user.send_text("/history");
    let history = last_says(&user, "History, page 1:").await;
    let rows: Vec<_> = history.text.lines().skip(1).collect();
    let [refund, payment, operation] = rows.as_slice() else { panic!("{rows:?}") };
    assert!(refund.ends_with("UTC · Top-up refund · on its way · −100.00\u{a0}₽"), "{refund}");
    let credited = "UTC · Top-up, 💳 Card, SBP · credited · +300.00\u{a0}₽";
    assert!(payment.ends_with(credited), "{payment}");
    assert!(operation.ends_with("🎨 Create · in progress · free operation"), "{operation}");
}

#[tokio::test]
async fn the_language_is_telegrams_until_it_is_chosen() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user_named(1, "Ann", "en");
    user.send_text("/balance");
    last_says(&user, "Free operations: 3 of 3").await;
    user.send_text("/language");
    last_says(&user, "Choose your language").await;
    user.press("🇷🇺 Русский").unwrap();
    last_says(&user, "Теперь говорю по-русски").await;
    user.send_text("/balance");
    last_says(&user, "Бесплатных операций: 3 из 3").await;
}

#[tokio::test]
async fn the_menu_of_commands_is_set_in_both_languages() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    until(|| town.telegram.calls_of("setMyCommands").len() == 2).await;
    assert_eq!(town.telegram.commands("ru")[2]["description"], "Баланс и бесплатные операции");
    assert_eq!(town.telegram.commands("en")[2]["description"], "Balance and free operations");
}

#[tokio::test]
async fn a_job_that_waits_can_be_canceled_and_one_that_runs_can_not() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    town.worker.desk().state = JobState::Queued;
    user.send_text("кот");
    let job = town.job(1).await;
    user.send_text("/cancel");
    last_says(&user, "ещё не начались").await;
    town.worker.desk().state = JobState::Running;
    let offer = last_says(&user, "ещё не начались").await;
    user.press_on(offer.id, &offer.buttons[0].data).unwrap();
    last_says(&user, "отменить нельзя").await;
    town.worker.desk().state = JobState::Queued;
    user.press_on(offer.id, &offer.buttons[0].data).unwrap();
    last_says(&user, "Отменяю, средства вернутся").await;
    assert_eq!(town.worker.desk().canceled, [job.operation_id]);
}
