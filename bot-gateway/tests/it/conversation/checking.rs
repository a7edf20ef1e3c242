//! Asking where the money is, terms, and help with payments.

use proto::billing::v1::PaymentState;
use sandbox::telegram::{Failure, Seen, TelegramUser};

use super::{
    billing::{RUBLE, till, till::Says},
    town::{Town, answers, asks, last_says, toast_says},
};

/// A payment of this many rubles by card; its message.
async fn payment(town: &Town, user: &TelegramUser, rubles: i64) -> Seen {
    town.billing.books().till.methods = vec![till::yookassa()];
    let menu = asks(user, "/pay", "На сколько пополнить?").await;
    user.press_on(menu.id, &format!("v1:pack:{}:RUB", rubles * RUBLE)).unwrap();
    last_says(user, "Нажмите «Оплатить»").await
}

#[tokio::test]
async fn a_check_says_that_the_money_is_not_there_yet_and_later_that_it_is() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    let link = payment(&town, &user, 300).await;
    user.press("🔄 Проверить оплату").unwrap();
    toast_says(&town, "Оплата 300,00\u{a0}₽ пока не поступила").await;
    assert_eq!(answers(&user).last().unwrap().text, link.text, "the link stays");
    town.billing.provider_says(Says::Paid);
    user.press("🔄 Проверить оплату").unwrap();
    let credited = last_says(&user, "✅ Зачислено 300,00\u{a0}₽.").await;
    assert_eq!(credited.id, link.id);
    user.send_text("/balance");
    last_says(&user, "Баланс: 300,00 ₽").await;
    user.press_on(link.id, &link.buttons[1].data).unwrap();
    asks(&user, "/balance", "Баланс: 300,00 ₽").await;
}

#[tokio::test]
async fn each_end_of_a_payment_has_words_of_its_own() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    for (rubles, says, words) in [
        (100, Says::Canceled, "Платёж на 100,00\u{a0}₽ отменён"),
        (300, Says::PaidOther, "Получено 1,00\u{a0}₽, а пополнение было на 300,00\u{a0}₽"),
    ] {
        payment(&town, &user, rubles).await;
        town.billing.provider_says(says);
        user.press("🔄 Проверить оплату").unwrap();
        last_says(&user, words).await;
    }
}

#[tokio::test]
async fn who_asks_too_often_or_in_vain_is_told() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    payment(&town, &user, 300).await;
    town.billing.books().till.too_often = true;
    user.press("🔄 Проверить оплату").unwrap();
    toast_says(&town, "попробуйте через 21 секунду").await;
    town.billing.books().till.too_often = false;
    town.billing.books().till.down = true;
    user.press("🔄 Проверить оплату").unwrap();
    toast_says(&town, "деньги не пропадут").await;
}

#[tokio::test]
async fn what_can_not_be_said_over_the_chat_is_said_in_it() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    payment(&town, &user, 300).await;
    town.telegram.fail_method("answerCallbackQuery", Failure::DropBefore, 1);
    user.press("🔄 Проверить оплату").unwrap();
    last_says(&user, "пока не поступила").await;
}

#[tokio::test]
async fn nobody_learns_of_the_payments_of_others() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let (user, other) = (town.telegram.user(1), town.telegram.user(2));
    payment(&town, &user, 300).await;
    let payment_id = town.billing.payments()[0].payment_id.clone();
    town.billing.provider_says(Says::Paid);
    let menu = asks(&other, "/menu", "Что сделаем?").await;
    for payment_id in [payment_id.as_str(), "01936d2e-7c1a-7bbb-8ccc-0123456789ab"] {
        other.press_on(menu.id, &format!("v1:check:{payment_id}")).unwrap();
        // When this is answered, the press was.
        asks(&other, "/menu", "Что сделаем?").await;
        toast_says(&town, "Такого платежа нет").await;
    }
    let toasts = town.telegram.calls_of("answerCallbackQuery");
    let refused = toasts.iter().filter(|call| call.params["text"].is_string()).count();
    assert_eq!(refused, 2);
    assert_eq!(town.billing.payments()[0].state(), PaymentState::Pending);
}

#[tokio::test]
async fn who_paid_and_sees_no_money_is_helped() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    user.send_text("/pay");
    last_says(&user, "На сколько пополнить?").await;
    user.press("🔎 Я оплатил, но денег нет").unwrap();
    last_says(&user, "Незачисленных платежей у вас нет").await;

    let first = payment(&town, &user, 100).await;
    let menu = asks(&user, "/pay", "На сколько пополнить?").await;
    user.press("🔎 Я оплатил, но денег нет").unwrap();
    toast_says(&town, "Оплата 100,00\u{a0}₽ пока не поступила").await;

    payment(&town, &user, 300).await;
    user.press_on(menu.id, "v1:where").unwrap();
    let list = last_says(&user, "Платежи, которые ещё не зачислены:").await;
    assert_eq!(list.text.lines().count(), 3);
    assert!(list.text.lines().nth(1).unwrap().contains("ждёт оплаты · 300,00\u{a0}₽"), "{list:?}");
    assert!(list.buttons[1].text.starts_with("🔄 100,00\u{a0}₽"));
    town.billing.provider_says(Says::Paid);
    user.press_on(list.id, &list.buttons[1].data).unwrap();
    let credited = last_says(&user, "✅ Зачислено 100,00\u{a0}₽.").await;
    assert_ne!(credited.id, first.id);
    assert!(answers(&user).iter().any(|seen| seen.text == list.text), "the list stays");
}

#[tokio::test]
async fn paysupport_says_where_to_write_and_shows_the_payments() {
    let town = Town::new().await;
    let _gateway = town.gateway_with(&["--support-contact", "@kopilka_help"]).await;
    let user = town.telegram.user(1);
    payment(&town, &user, 300).await;
    user.send_text("/paysupport");
    let help = last_says(&user, "Куда писать: @kopilka_help").await;
    assert!(help.text.contains("Пополнение, 💳 Карта, СБП · ждёт оплаты"), "{help:?}");
    town.billing.provider_says(Says::Paid);
    user.press_on(help.id, &help.buttons[0].data).unwrap();
    last_says(&user, "✅ Зачислено 300,00\u{a0}₽.").await;
    user.send_text("/paysupport");
    let help = last_says(&user, "Куда писать: @kopilka_help").await;
    assert!(!help.text.contains("ещё не зачислены"), "{help:?}");
}

#[tokio::test]
async fn terms_and_help_have_sensible_words_without_configuration() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user_named(1, "Ann", "en");
    user.send_text("/terms");
    let terms = last_says(&user, "The terms in short").await;
    assert!(!terms.text.contains("In full"), "{terms:?}");
    user.send_text("/paysupport");
    last_says(&user, "see the description of the bot").await;
}

#[tokio::test]
async fn the_terms_link_to_where_they_are_in_full() {
    let town = Town::new().await;
    let _gateway = town.gateway_with(&["--terms-url", "https://kopilka.example/terms"]).await;
    let user = town.telegram.user(1);
    user.send_text("/terms");
    last_says(&user, "Полностью: https://kopilka.example/terms").await;
}
