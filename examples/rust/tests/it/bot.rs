//! The bot: its wiring, its menu, and who pays when.

use sandbox::yookassa::{SHOP_ID, YookassaStandIn};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;

use crate::shop::Shop;

#[tokio::test]
async fn wired_it_answers_with_the_menu() {
    let shop = Shop::open(0).await;
    shop.user.send_text("/start");
    let menu = shop.user.sees_text("Что сделать?").await.unwrap();
    let labels: Vec<_> = menu.buttons.iter().map(|button| button.text.as_str()).collect();
    assert_eq!(labels, ["🎨 Создать", "💰 Оплатить / Баланс"]);
    shop.user.press("create").unwrap();
    shop.user.sees_text("/generate кот в шляпе").await.unwrap();
}

#[tokio::test]
async fn the_button_and_the_command_show_the_balance_and_what_is_free() {
    let shop = Shop::open(12).await;
    shop.user.send_text("/start");
    shop.user.sees_text("Что сделать?").await.unwrap();
    shop.user.press("payment_menu").unwrap();
    let balance = "Баланс: 12,00\u{a0}₽\nБесплатных операций: 1 из 1";
    let seen = shop.user.sees_text("Баланс").await.unwrap();
    assert_eq!(seen.text, balance);
    let packs: Vec<_> = seen.buttons.iter().map(|button| button.text.as_str()).collect();
    assert_eq!(packs, ["100 ₽", "300 ₽", "500 ₽"]);
    shop.user.send_text("/balance");
    shop.user.sees(|message| message.text == balance && message.buttons.is_empty()).await.unwrap();
}

#[tokio::test]
async fn a_pack_leads_to_yookassa() {
    let yookassa = YookassaStandIn::start(TcpListener::bind("127.0.0.1:0").await.unwrap());
    let key = yookassa.secret_key();
    let settings = [
        ("YOOKASSA_API_URL", yookassa.url()),
        ("YOOKASSA_SHOP_ID", SHOP_ID.to_owned()),
        ("YOOKASSA_SECRET_KEY", key.expose_secret().to_owned()),
    ];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let shop = Shop::open_with(0, &settings).await;
    shop.user.send_text("/start");
    shop.user.sees_text("Что сделать?").await.unwrap();
    shop.user.press("payment_menu").unwrap();
    shop.user.sees_text("Баланс").await.unwrap();
    shop.user.press("pay:300").unwrap();
    let bill = shop.user.sees_text("Счёт готов.").await.unwrap();
    let payment = yookassa.created("tg:7").await;
    let payment = yookassa.payment(&payment).unwrap();
    assert_eq!(bill.buttons[0].url, payment["confirmation"]["confirmation_url"]);
    assert_eq!(payment["amount"]["value"], "300.00");
}

#[tokio::test]
async fn a_payment_that_cannot_be_made_is_told() {
    let shop = Shop::open(0).await;
    shop.user.send_text("/start");
    shop.user.sees_text("Что сделать?").await.unwrap();
    shop.user.press("payment_menu").unwrap();
    shop.user.sees_text("Баланс").await.unwrap();
    shop.user.press("pay:300").unwrap();
    let sorry = "Оплата сейчас недоступна, попробуйте позже.";
    shop.user.sees(|_| shop.user.chat()["notice"]["text"] == sorry).await.unwrap();
}

#[tokio::test]
async fn an_update_that_comes_twice_is_charged_and_queued_once() {
    let shop = Shop::open(100).await;
    shop.telegram.deliver_twice(1);
    shop.user.send_text("/generate a cat");
    shop.user.sees_text("Генерирую…").await.unwrap();
    shop.settle().await;
    assert_eq!(shop.texts().iter().filter(|text| *text == "Генерирую…").count(), 2, "it came once");
    assert_eq!(shop.jobs.waiting().await.unwrap(), 1);
    assert_eq!(shop.money().await, (100, 0, 0), "the free one");
    shop.user.send_text("/generate a dog");
    shop.settle().await;
    assert_eq!(shop.jobs.waiting().await.unwrap(), 2);
    assert_eq!(shop.money().await, (90, 10, 0));
}

#[tokio::test]
async fn what_is_missing_is_shown_and_nothing_is_queued() {
    let shop = Shop::open(4).await;
    shop.user.send_text("/generate");
    shop.user.sees_text("/generate кот в шляпе").await.unwrap();
    assert_eq!(shop.money().await, (4, 0, 1), "nobody pays for an empty prompt");
    shop.user.send_text("/upscale");
    shop.user.sees_text("Улучшаю…").await.unwrap();
    shop.user.send_text("/upscale");
    let missing = shop.user.sees_text("Не хватает").await.unwrap();
    assert_eq!(missing.text, "Не хватает 2,00\u{a0}₽");
    assert_eq!(missing.buttons.len(), 2, "the menu");
    shop.user.send_text("/generate a cat");
    let missing = shop.user.sees_text("нужно").await.unwrap();
    let words = "Не хватает 6,00\u{a0}₽: нужно 10,00\u{a0}₽, есть 4,00\u{a0}₽. Пополните баланс.";
    assert_eq!(missing.text, words);
    assert_eq!(missing.buttons.len(), 2, "the menu");
    assert_eq!(shop.jobs.waiting().await.unwrap(), 1, "the first");
    assert_eq!(shop.money().await, (4, 0, 0));
}
