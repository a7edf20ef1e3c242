//! Topping up: from the menu to a link or an invoice, with no payment made twice.

use std::time::Duration;

use proto::{
    billing::v1::{Payment, PaymentProvider, PaymentState},
    money::to_micros,
};
use sandbox::telegram::{Seen, TelegramUser};

use super::{
    billing::{RUBLE, till},
    town::{Town, answers, asks, last_says, toast_says},
};
use crate::harness::until;

/// Opens the payment menu and waits for it.
async fn menu(user: &TelegramUser) -> Seen {
    asks(user, "/pay", "На сколько пополнить?").await
}

fn labels(seen: &Seen) -> Vec<&str> {
    seen.buttons.iter().map(|button| button.text.as_str()).collect()
}

fn rubles(payment: &Payment) -> i64 {
    to_micros(payment.amount.as_ref().unwrap(), "RUB").unwrap() / RUBLE
}

fn invoices(user: &TelegramUser) -> Vec<Seen> {
    answers(user).into_iter().filter(|seen| seen.invoice.is_some()).collect()
}

#[tokio::test]
async fn the_menu_says_what_is_there_and_what_can_be_bought() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    town.billing.has_only(1, 12 * RUBLE + 500_000);
    user.send_text("/menu");
    last_says(&user, "Что сделаем?").await;
    user.press("payment_menu").unwrap();
    let menu = last_says(&user, "На сколько пополнить?").await;
    assert!(menu.text.starts_with("Баланс: 12,50 ₽\nБесплатных операций: 0 из 3"), "{menu:?}");
    assert_eq!(
        labels(&menu),
        [
            "100,00\u{a0}₽",
            "300,00\u{a0}₽",
            "500,00\u{a0}₽",
            "1000,00\u{a0}₽",
            "✍️ Другая сумма",
            "🔎 Я оплатил, но денег нет",
            "🎟 Промокод",
            "🎁 Пригласить друга",
            "📜 История",
            "🏠 Меню",
        ]
    );
}

#[tokio::test]
async fn a_pack_by_card_becomes_a_link_in_the_same_message() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    let menu = menu(&user).await;
    user.press("300,00\u{a0}₽").unwrap();
    let ways = last_says(&user, "Пополнение на 300,00\u{a0}₽. Как оплатить?").await;
    assert_eq!(
        labels(&ways),
        ["💳 Карта, СБП · 300,00\u{a0}₽", "⭐ Telegram Stars · 222 звезды", "← Назад"]
    );
    assert!(town.billing.payments().is_empty(), "nothing is made before the way is chosen");
    let update_id = user.press("💳 Карта, СБП · 300,00\u{a0}₽").unwrap();
    let link = last_says(&user, "Нажмите «Оплатить»").await;
    assert_eq!((ways.id, link.id), (menu.id, menu.id));
    assert_eq!(labels(&link), ["Оплатить 300,00\u{a0}₽", "🔄 Проверить оплату", "← Назад"]);
    let payments = town.billing.payments();
    let [payment] = payments.as_slice() else { panic!("{payments:?}") };
    assert_eq!(link.buttons[0].url, payment.confirmation_url);
    assert_eq!(payment.request_id, format!("tg-7000000001-{update_id}"));
    assert_eq!((payment.user_id.as_str(), rubles(payment)), ("tg:1", 300));
    assert_eq!(payment.provider(), PaymentProvider::Yookassa);

    user.press("← Назад").unwrap();
    let again = last_says(&user, "На сколько пополнить?").await;
    assert_ne!(again.id, link.id, "the payment keeps its message");
}

#[tokio::test]
async fn a_pack_in_stars_becomes_an_invoice() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    menu(&user).await;
    user.press("300,00\u{a0}₽").unwrap();
    last_says(&user, "Как оплатить?").await;
    user.press("⭐ Telegram Stars · 222 звезды").unwrap();
    until(|| answers(&user).iter().any(|seen| seen.text.contains("Счёт отправил"))).await;
    let sent = invoices(&user);
    let [invoice] = sent.as_slice() else { panic!("{sent:?}") };
    let invoice = invoice.invoice.as_ref().unwrap();
    assert_eq!((invoice.title.as_str(), invoice.stars), ("Пополнение баланса", 222));
    assert!(invoice.description.contains("300,00\u{a0}₽"), "{invoice:?}");
    let call = &town.telegram.calls_of("sendInvoice")[0];
    let payment = &town.billing.payments()[0];
    assert_eq!(call.params["payload"], payment.payment_id.as_str());
}

#[tokio::test]
async fn a_button_pressed_twice_makes_one_payment() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    for (way, payments) in
        [("💳 Карта, СБП · 300,00\u{a0}₽", 1), ("⭐ Telegram Stars · 222 звезды", 2)]
    {
        menu(&user).await;
        user.press("300,00\u{a0}₽").unwrap();
        let ways = last_says(&user, "Как оплатить?").await;
        let data = &ways.buttons.iter().find(|button| button.text == way).unwrap().data;
        town.telegram.deliver_twice(1);
        user.press_on(ways.id, data).unwrap();
        user.press_on(ways.id, data).unwrap();
        // Updates of a chat are handled in order: when this one is answered, those were.
        menu(&user).await;
        assert_eq!(town.billing.payments().len(), payments, "{way}");
    }
    assert_eq!(invoices(&user).len(), 1);
}

#[tokio::test]
async fn the_same_pack_a_while_later_is_a_payment_of_its_own() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    town.billing.books().till.methods = vec![till::yookassa()];
    for payments in [1, 2] {
        menu(&user).await;
        user.press("300,00\u{a0}₽").unwrap();
        last_says(&user, "Нажмите «Оплатить»").await;
        assert_eq!(town.billing.payments().len(), payments);
        town.billing.age_payments(Duration::from_secs(61));
    }
}

#[tokio::test]
async fn an_amount_of_ones_own_is_asked_for_and_read_as_people_write() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    menu(&user).await;
    user.press("✍️ Другая сумма").unwrap();
    last_says(&user, "Напишите сумму от 10,00\u{a0}₽ до 15000,00\u{a0}₽").await;
    for (words, why) in [
        ("много", "Не вижу здесь суммы"),
        ("5", "Это меньше, чем можно"),
        ("1000000", "Это больше, чем можно"),
    ] {
        user.send_text(words);
        let answer = last_says(&user, why).await;
        assert!(answer.text.contains("от 10,00\u{a0}₽ до 15000,00\u{a0}₽"), "{answer:?}");
    }
    user.send_sticker();
    last_says(&user, "Стикер").await;
    town.telegram.deliver_twice(1);
    let update_id = user.send_text("1\u{a0}250,50 ₽");
    let link = last_says(&user, "Пополнение на 1250,50\u{a0}₽").await;
    assert_eq!(link.buttons[0].text, "Оплатить 1250,50\u{a0}₽");
    assert_eq!(town.billing.payments()[0].request_id, format!("tg-7000000001-{update_id}"));
    user.send_text("кот");
    assert_eq!(town.job(1).await.prompt, "кот", "the question is over, words are a prompt again");
    assert_eq!(town.billing.payments().len(), 1);
}

#[tokio::test]
async fn who_changes_their_mind_about_an_amount_is_not_asked_any_more() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    for leave in ["/cancel", "← Назад"] {
        menu(&user).await;
        user.press("✍️ Другая сумма").unwrap();
        last_says(&user, "Напишите сумму").await;
        if leave == "/cancel" {
            user.send_text(leave);
            last_says(&user, "Хорошо, отменил").await;
        } else {
            user.press(leave).unwrap();
            last_says(&user, "На сколько пополнить?").await;
        }
        let jobs = town.worker.jobs().len();
        user.send_text("250");
        assert_eq!(town.job(jobs + 1).await.prompt, "250");
    }
    assert!(town.billing.payments().is_empty());
}

#[tokio::test]
async fn with_one_way_to_pay_it_is_not_asked_for() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    town.billing.books().till.methods = vec![till::stars()];
    let menu = menu(&user).await;
    assert!(!labels(&menu).contains(&"✍️ Другая сумма"), "packs only: {menu:?}");
    user.press("100,00\u{a0}₽").unwrap();
    until(|| invoices(&user).len() == 1).await;
}

#[tokio::test]
async fn without_a_way_to_pay_the_menu_says_so() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    town.billing.books().till.methods = vec![];
    user.send_text("/pay");
    let menu = last_says(&user, "способы оплаты не подключены").await;
    assert!(menu.text.contains("Баланс: 0,00 ₽"));
    assert_eq!(labels(&menu)[0], "🎟 Промокод");
}

#[tokio::test]
async fn what_was_offered_and_is_gone_is_said_so() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    let menu = menu(&user).await;
    town.billing.books().till.methods = vec![];
    user.press("300,00\u{a0}₽").unwrap();
    last_says(&user, "На 300,00\u{a0}₽ сейчас пополнить нельзя").await;
    user.press_on(menu.id, "v1:own").unwrap();
    last_says(&user, "Своей суммой пополнить нельзя").await;
    user.press_on(menu.id, "v1:by:yk:300000000:RUB").unwrap();
    last_says(&user, "Этот способ оплаты сейчас недоступен").await;
    town.billing.books().till.methods = vec![till::yookassa()];
    user.press_on(menu.id, "v1:by:yk:5000000:RUB").unwrap();
    last_says(&user, "На 5,00\u{a0}₽ сейчас пополнить нельзя").await;
    assert!(town.billing.payments().is_empty());
}

#[tokio::test]
async fn a_provider_that_is_down_is_tried_again_as_the_same_payment() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    town.billing.books().till.methods = vec![till::yookassa()];
    town.billing.books().till.down = true;
    menu(&user).await;
    user.press("300,00\u{a0}₽").unwrap();
    last_says(&user, "Платёжный сервис сейчас не отвечает").await;
    town.billing.books().till.down = false;
    user.press("🔁 Попробовать ещё раз").unwrap();
    let link = last_says(&user, "Нажмите «Оплатить»").await;
    let payments = town.billing.payments();
    let [payment] = payments.as_slice() else { panic!("{payments:?}") };
    assert_eq!(payment.state(), PaymentState::Pending);
    assert_eq!(link.buttons[0].url, payment.confirmation_url);
}

#[tokio::test]
async fn each_refusal_of_a_payment_has_words_of_its_own() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    let english = town.telegram.user_named(2, "Ann", "en");
    for (reason, ru, en) in [
        ("LIMIT_EXCEEDED", "Слишком много счетов", "Too many payments"),
        ("USER_BLOCKED", "Аккаунт заблокирован", "Your account is blocked"),
        ("SOMETHING_NEW", "внутренней ошибки", "internal error"),
    ] {
        menu(&user).await;
        town.billing.books().till.refuse = Some(reason);
        user.press("100,00\u{a0}₽").unwrap();
        last_says(&user, "Как оплатить?").await;
        user.press("💳 Карта, СБП · 100,00\u{a0}₽").unwrap();
        last_says(&user, ru).await;
        english.send_text("/pay");
        last_says(&english, "How much would you like to add?").await;
        english.press("100.00\u{a0}₽").unwrap();
        last_says(&english, "How would you like to pay?").await;
        english.press("💳 Card, SBP · 100.00\u{a0}₽").unwrap();
        last_says(&english, en).await;
        town.billing.books().till.refuse = None;
    }
}

#[tokio::test]
async fn a_link_that_no_button_takes_is_written_out() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    town.billing.books().till.methods = vec![till::yookassa()];
    town.billing.books().till.page = "pay.example/".to_owned();
    menu(&user).await;
    user.press("300,00\u{a0}₽").unwrap();
    let payment = last_says(&user, "Нажмите «Оплатить»").await;
    assert!(payment.text.contains("\n\npay.example/"), "{payment:?}");
    assert_eq!(labels(&payment), ["🔄 Проверить оплату", "← Назад"]);
}

#[tokio::test]
async fn in_english_it_is_in_english() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user_named(1, "Ann", "en");
    user.send_text("/pay");
    last_says(&user, "How much would you like to add?").await;
    user.press("✍️ Another amount").unwrap();
    last_says(&user, "Write an amount from 10.00\u{a0}₽ to 15000.00\u{a0}₽").await;
    user.send_text("cat");
    last_says(&user, "I see no amount here.").await;
    user.send_text("300");
    last_says(&user, "Top-up of 300.00\u{a0}₽. How would you like to pay?").await;
    user.press("⭐ Telegram Stars · 222 Stars").unwrap();
    until(|| invoices(&user).len() == 1).await;
    assert_eq!(invoices(&user)[0].invoice.as_ref().unwrap().title, "Balance top-up");
    user.press("🔄 Check the payment").unwrap();
    toast_says(&town, "The payment of 300.00\u{a0}₽ has not arrived yet").await;
}
