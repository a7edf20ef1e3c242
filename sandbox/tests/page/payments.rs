//! Money in, as a person at the page brings it about and sees it.

use fantoccini::Locator;
use sandbox::page::{Page, Stage};
use sandbox::system::System;
use sandbox::yookassa::Call;
use serde_json::json;
use tokio::net::TcpListener;

use crate::browser::{PHONE, Visit, WIDE};

/// Asks the bot for a payment of 300 ₽ by card, up to the link.
async fn ask_for_300(visit: &Visit) {
    visit.click("#start").await;
    visit.reads(".row", "Привет").await;
    visit.say("/pay").await;
    visit.press("v1:pack:300000000:RUB").await;
    visit.push("Карта").await;
    visit.reads("a.key", "Оплатить").await;
    visit.click("#tab-payments").await;
    visit.reads("#payments .state", "ждёт оплаты").await;
    let shown = visit.ask("document.querySelector('#payments').textContent").await;
    assert!(!shown.as_str().unwrap().contains("зачислено"), "{shown}");
}

#[tokio::test]
async fn a_top_up_is_paid_on_the_checkout_page_and_arrives() {
    let visit = Visit::start(System::builder(), WIDE, "ru").await;
    ask_for_300(&visit).await;
    visit.picture("link.png").await;
    visit.push("Оплатить").await;
    let chat = visit.client.window().await.unwrap();
    let tab = visit.other_window(&chat).await;
    visit.client.switch_to_window(tab).await.unwrap();
    visit.reads(".amount", "300,00 ₽").await;
    visit.fits().await;
    visit.picture("checkout.png").await;
    visit.click("[value=bank_card]").await;
    // Back in the chat, where the money is already, or comes while one looks.
    visit.reads("#balance", "300,00 ₽").await;
    visit.client.close_window().await.unwrap();
    visit.client.switch_to_window(chat).await.unwrap();

    visit.reads(".row:not(.mine)", "Зачислено 300").await;
    visit.reads("#payments .state", "зачислен").await;
    visit.reads("#payments", "ЮKassa, карта").await;
    visit.reads("#entries", "пополнения (ЮKassa) → баланс").await;
    visit.picture("paid.png").await;
    visit.click("#tab-events").await;
    visit.reads("#events", "Платёж 300,00 ₽, ЮKassa").await;
    visit.reads("#events .state", "зачислен").await;
    visit.fits().await;
    visit.picture("events.png").await;
    visit.system.reconcile().await.unwrap();
    visit.end().await;
}

#[tokio::test]
async fn a_stars_invoice_is_paid_in_the_chat_as_often_as_one_likes_and_refunded() {
    let visit = Visit::start(System::builder(), PHONE, "ru").await;
    visit.click("#start").await;
    visit.reads(".row", "Привет").await;
    visit.say("/pay").await;
    visit.press("v1:pack:100000000:RUB").await;
    visit.push("Stars").await;
    visit.reads(".invoice", "Пополнение баланса").await;
    visit.reads(".invoice .stars", "⭐ 75").await;
    visit.push("Заплатить ⭐ 75").await;
    visit.reads("#confirm-payment p", "⭐ 75").await;
    visit.fits().await;
    visit.picture("stars-confirm.png").await;
    visit.click("#confirm-payment .primary").await;
    visit.reads(".service", "Вы перевели боту Kopilka ⭐ 75").await;
    visit.reads("#balance", "100,00 ₽").await;
    visit.reads(".row:not(.mine)", "Зачислено 100").await;

    visit.push("Заплатить ⭐ 75").await;
    visit.click("#confirm-payment .primary").await;
    visit.reads("#balance", "200,00 ₽").await;
    visit.fits().await;
    visit.picture("stars.png").await;

    visit.click("#to-panel").await;
    visit.act("refund").await;
    visit.click("#sum .primary").await;
    visit.reads("#balance", "100,00 ₽").await;
    visit.reads("#payments li:first-child .state", "возвращён").await;
    visit.reads("#payments", "повторная оплата того же счёта").await;
    visit.fits().await;
    visit.picture("stars-panel.png").await;
    visit.click("#to-chat").await;
    visit.reads(".service", "Kopilka возвращает вам ⭐ 75").await;
    assert_eq!(visit.system.telegram().stars_less_refunded(), 75);
    visit.end().await;
}

#[tokio::test]
async fn a_stars_payment_that_telegram_does_not_tell_of_is_found_all_the_same() {
    let visit = Visit::start(System::builder(), WIDE, "ru").await;
    visit.click("#lose_payments").await;
    visit.until("it is lost", "document.querySelector('#lose_payments').checked").await;
    visit.click("#start").await;
    visit.reads(".row", "Привет").await;
    visit.say("/pay").await;
    visit.press("v1:pack:100000000:RUB").await;
    visit.push("Stars").await;
    visit.push("Заплатить ⭐ 75").await;
    visit.click("#confirm-payment .primary").await;
    visit.reads(".service", "Вы перевели боту Kopilka ⭐ 75").await;
    visit.push("Проверить оплату").await;
    visit.reads("#balance", "100,00 ₽").await;
    visit.end().await;
}

#[tokio::test]
async fn a_forged_notification_changes_nothing_and_two_at_once_credit_once() {
    let visit = Visit::start(System::builder(), WIDE, "ru").await;
    ask_for_300(&visit).await;
    visit.act("forge").await;
    visit.reads("#toast", "Поддельное уведомление отправлено").await;
    // Billing has asked YooKassa, and knows better.
    let asked = async || {
        let asked = visit.system.yookassa().requests_of(Call::GetPayment);
        (!asked.is_empty()).then_some(())
    };
    visit.system.until("billing asks YooKassa", asked).await.unwrap();
    visit.picture("forged.png").await;
    // What is shown is newer than that: this money came later.
    visit.click("[data-money='100']").await;
    visit.reads("#balance", "100,00 ₽").await;
    let state = visit.ask("document.querySelector('#payments .payment').dataset.state").await;
    assert_eq!(state, json!("PENDING"));

    visit.act("pay").await;
    visit.reads("#balance", "400,00 ₽").await;
    visit.act("notify_twice").await;
    visit.reads("#toast", "Kopilka ответила: 200, 200").await;
    visit.act("notify").await;
    visit.system.yookassa().all_taken().await;
    visit.reads("#payments .state", "зачислен").await;
    visit.click("[data-money='100']").await;
    visit.reads("#balance", "500,00 ₽").await;
    let credits = "[...document.querySelectorAll('#entries tr')].filter((row) => row.textContent.includes('пополнения')).length";
    assert_eq!(visit.ask(credits).await, json!(1));
    visit.end().await;
}

#[tokio::test]
async fn a_dispute_leads_into_debt_and_out_of_it_when_it_is_won() {
    let visit = Visit::start(System::builder(), WIDE, "ru").await;
    ask_for_300(&visit).await;
    visit.act("pay").await;
    visit.reads("#balance", "300,00 ₽").await;
    visit.click("[data-money='-10']").await;
    visit.reads("#balance", "290,00 ₽").await;

    visit.act("dispute").await;
    visit.reads("#standing:not([hidden])", "Долг 10,00 ₽").await;
    visit.reads("#balance", "−10,00 ₽").await;
    visit.reads("#payments .state", "оспорен").await;
    visit.picture("debt.png").await;
    visit.click("#tab-events").await;
    visit.reads("#events", "Появился долг").await;
    visit.reads("#events", "Оспаривание 300,00 ₽").await;

    visit.act("dispute_won").await;
    visit.reads("#balance", "290,00 ₽").await;
    visit.until("no debt", "document.querySelector('#standing').hidden").await;
    visit.reads("#payments .state", "зачислен").await;
    visit.end().await;
}

#[tokio::test]
async fn late_and_wrong_sums_and_refunds_are_seen_for_what_they_are() {
    let visit = Visit::start(System::builder(), WIDE, "ru").await;
    ask_for_300(&visit).await;
    visit.act("cancel").await;
    visit.reads("#payments .state", "отменён").await;
    visit.act("pay_late").await;
    visit.reads("#balance", "300,00 ₽").await;

    visit.act("cabinet_refund").await;
    visit.enter("#sum-amount", "100,00").await;
    visit.click("#sum .primary").await;
    visit.reads("#balance", "200,00 ₽").await;
    visit.reads("#payments .state", "возвращён частично").await;
    visit.reads("#payments", "возвращено 100,00 ₽").await;
    visit.act("refund").await;
    visit.click("#sum .primary").await;
    visit.reads("#balance", "0,00 ₽").await;
    visit.reads("#payments .state", "возвращён").await;

    visit.say("/pay").await;
    visit.press("v1:pack:500000000:RUB").await;
    visit.push("Карта").await;
    visit
        .until("two payments", "document.querySelectorAll('#payments .payment').length === 2")
        .await;
    visit.act("pay_other").await;
    visit.enter("#sum-amount", "499,50").await;
    visit.picture("sum.png").await;
    visit.click("#sum .primary").await;
    visit.reads("#payments .state", "пришла другая сумма").await;
    visit.reads("#payments", "пришло 499,50 ₽").await;
    visit.act("credit").await;
    visit.reads("#balance", "500,00 ₽").await;
    visit.picture("refunds.png").await;
    visit.end().await;
}

#[tokio::test]
async fn what_was_never_credited_is_given_back_whole() {
    let visit = Visit::start(System::builder(), WIDE, "ru").await;
    ask_for_300(&visit).await;
    visit.act("pay_other").await;
    visit.enter("#sum-amount", "1").await;
    visit.click("#sum .primary").await;
    visit.reads("#payments .state", "пришла другая сумма").await;
    visit.act("refund").await;
    visit.reads("#payments .state", "возвращён").await;
    visit
        .until("in whole", "!document.querySelector('#payments').textContent.includes('частично')")
        .await;
    visit.reads("#balance", "0,00 ₽").await;
    assert_eq!(visit.system.yookassa().paid_less_refunded("RUB"), 0);
    visit.end().await;
}

#[tokio::test]
async fn a_yookassa_that_fails_and_then_tells_nothing_loses_nobody_money() {
    let visit = Visit::start(System::builder(), WIDE, "ru").await;
    visit.choose("#yookassa-fault", "server_error").await;
    visit.until("it fails", "document.querySelector('#yookassa-fault.broken') !== null").await;
    visit.click("#silent").await;
    visit.until("it is silent", "document.querySelector('#silent').checked").await;
    visit.click("#start").await;
    visit.reads(".row", "Привет").await;
    visit.say("/pay").await;
    visit.press("v1:pack:300000000:RUB").await;
    visit.push("Карта").await;
    visit.reads(".row", "Платёжный сервис сейчас не отвечает").await;
    visit.choose("#yookassa-fault", "").await;
    visit.until("it works", "document.querySelector('#yookassa-fault.broken') === null").await;
    visit.push("Попробовать ещё раз").await;
    visit.reads("a.key", "Оплатить").await;
    visit.act("pay").await;
    visit.push("Проверить оплату").await;
    visit.reads("#balance", "300,00 ₽").await;
    visit.reads("#payments .state", "зачислен").await;
    visit.system.reconcile().await.unwrap();
    visit.end().await;
}

#[tokio::test]
async fn a_promo_code_of_the_panel_is_redeemed_in_the_chat() {
    let visit = Visit::start(System::builder(), WIDE, "ru").await;
    visit.click("#start").await;
    visit.reads("#free", "3 из 3").await;
    visit.click("#add-promo").await;
    visit.enter("#promo-code", "spring-26").await;
    visit.enter("#promo-count", "5").await;
    visit.picture("promo.png").await;
    visit.click("#promo .primary").await;
    visit.reads("#toast", "/promo SPRING-26").await;
    visit.say("/promo spring-26").await;
    visit.reads("#free", "8 из 8").await;
    visit.click("#tab-events").await;
    visit.reads("#events", "по промокоду").await;
    visit.end().await;
}

#[tokio::test]
async fn nothing_is_done_from_the_page_to_payments_at_the_real_yookassa() {
    let visit = Visit::start(System::builder(), WIDE, "ru").await;
    ask_for_300(&visit).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stage = Stage { yookassa: None, ..visit.system.stage() };
    let page = Page::start(listener, stage);
    visit.client.goto(page.url()).await.unwrap();
    visit.click("#tab-payments").await;
    visit.reads("#payments .state", "ждёт оплаты").await;
    let acts = visit.client.find_all(Locator::Css("#payments .acts")).await.unwrap();
    assert!(acts.is_empty());
    // What happened before this page was there.
    visit.reads("#events", "Платёж 300,00 ₽, ЮKassa").await;
    visit.reads("#yookassa-fault:disabled", "настоящая ЮKassa").await;
    visit.end().await;
}
