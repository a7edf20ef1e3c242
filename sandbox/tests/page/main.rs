//! The chat page in a real browser, with the whole product behind it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on stops here"
)]

mod browser;
mod grpc_web;
mod payments;

use std::io::Cursor;
use std::path::PathBuf;

use browser::{PHONE, Visit, WIDE};
use fantoccini::key::Key;
use sandbox::page::{Page, Stage};
use sandbox::system::{Service, System};
use serde_json::json;
use tokio::net::TcpListener;

#[tokio::test]
async fn a_newcomer_gets_a_picture_and_sees_the_money_move() {
    let visit = Visit::start(System::builder(), WIDE, "ru").await;
    visit.reads("#messages", "Нажмите «Запустить»").await;
    visit.picture("empty.png").await;
    visit.click("#start").await;
    visit.press("create").await;
    visit.reads(".row:last-child", "Опишите").await;
    visit.say("Рыжий кот в очках читает газету у окна").await;
    visit.find(".row:not(.mine) .photo img").await;
    visit
        .until("the picture is shown", "document.querySelector('.photo img').naturalWidth > 0")
        .await;
    visit.reads("#free", "2 из 3").await;
    visit.reads(".operation .state", "готово").await;
    visit.reads("#entries", "подарок → удержано").await;
    visit.reads("#entries", "удержано → выручка").await;

    visit.click("[data-money='100']").await;
    visit.reads("#balance", "100,00 ₽").await;
    visit.reads("#entries", "корректировки → баланс").await;
    visit.fits().await;
    visit.picture("wide.png").await;
    visit.end().await;
}

#[tokio::test]
async fn what_is_broken_from_the_page_gives_the_money_back() {
    let builder = System::builder().setting("BILLING_FREE_OPERATIONS", "1");
    let visit = Visit::start(builder, WIDE, "ru").await;
    visit.click("#start").await;
    visit.reads(".row", "Привет").await;
    visit.click("[data-money='100']").await;
    visit.reads("#balance", "100,00 ₽").await;

    visit.choose("#fal-fault", "content_refused").await;
    visit.until("the switch is on", "document.querySelector('#fal-fault.broken') !== null").await;
    visit.say("запретное").await;
    visit.reads(".operation", "всё возвращено: содержание отклонено").await;
    visit.reads("#free", "1 из 1").await;
    visit.reads(".row:not(.mine)", "возвращ").await;

    visit.choose("#fal-fault", "").await;
    visit.say("Рыжий кот в очках читает газету у окна").await;
    visit.reads("#free", "0 из 1").await;
    visit
        .until("one is done", "document.querySelectorAll('[data-state=COMPLETED]').length === 1")
        .await;
    visit.choose("#fal-fault", "content_refused").await;
    visit.until("the switch is on", "document.querySelector('#fal-fault.broken') !== null").await;
    visit.say("Пёс за рулём, и тут генератор отказывает").await;
    visit
        .until(
            "two are refunded",
            "document.querySelectorAll('[data-state=REFUNDED]').length === 2",
        )
        .await;
    visit.reads("#balance", "100,00 ₽").await;
    visit.reads("#held", "0,00 ₽").await;
    visit.reads("#entries", "удержано → баланс").await;
    visit.ask("document.querySelector('.panel .scroll').scrollTo(0, 0)").await;
    visit.picture("screenshot.png").await;
    visit.end().await;
}

#[tokio::test]
async fn on_a_phone_chat_and_account_take_the_screen_in_turn() {
    let visit = Visit::start(System::builder(), PHONE, "ru").await;
    visit.click("#start").await;
    visit.find(".key[data-data=merge]").await;
    visit.fits().await;
    visit.picture("phone-menu.png").await;
    visit.press("merge").await;
    let folder = tempfile::tempdir().unwrap();
    let (red, blue) = (folder.path().join("red.png"), folder.path().join("blue.png"));
    paint(&red, [214, 60, 60]);
    paint(&blue, [50, 90, 210]);
    visit.reads(".row:last-child", "фото").await;
    let files = format!("{}\n{}", red.display(), blue.display());
    visit
        .client
        .find(fantoccini::Locator::Id("files"))
        .await
        .unwrap()
        .send_keys(&files)
        .await
        .unwrap();
    visit.until("both are picked", "document.querySelectorAll('.picked img').length === 2").await;
    visit.fits().await;
    visit.say("склей в один пейзаж").await;
    visit.find(".row.mine .album").await;
    visit.find(".row:not(.mine) .photo img").await;
    let submits = visit.system.fal().submits();
    assert_eq!(submits[0].pictures, 2);
    visit
        .until(
            "the picture is shown",
            "[...document.querySelectorAll('.photo img')].at(-1).naturalWidth > 0",
        )
        .await;
    visit.fits().await;
    visit.picture("phone-chat.png").await;

    visit.reads("#chip", "2/3").await;
    visit.click("#to-panel").await;
    visit.reads(".operation", "Объединить").await;
    visit.fits().await;
    visit.picture("phone-panel.png").await;
    visit.click("#to-chat").await;
    visit.click("#menu").await;
    visit.find("#commands button").await;
    visit.picture("phone-commands.png").await;
    visit.end().await;
}

#[tokio::test]
async fn users_have_chats_of_their_own_and_the_page_speaks_english() {
    let visit = Visit::start(System::builder(), WIDE, "en").await;
    visit.reads("#start", "Start").await;
    visit.click("#start").await;
    visit.reads(".row", "Привет").await;
    visit.click("#people li:nth-child(2) button").await;
    visit.reads("#messages", "Nothing here yet").await;
    visit.reads("#user-id", "tg:5000000002").await;
    visit.click("#start").await;
    visit.press("create").await;
    visit.say("a cat").await;
    visit.reads(".operation .state", "done").await;
    visit.click("#people li:nth-child(1) button").await;
    visit.reads("#operations", "No operations yet").await;

    visit.click("#add-person").await;
    visit.find("#new-name").await.send_keys("Zoë").await.unwrap();
    visit
        .client
        .find(fantoccini::Locator::Css("#new-person .primary"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    visit.reads("#people [aria-current=true]", "Zoë").await;
    visit.click("#language").await;
    visit.reads("#start", "Запустить").await;
    assert_eq!(visit.ask("document.documentElement.lang").await, json!("ru"));
    visit.end().await;
}

#[tokio::test]
async fn a_billing_that_is_down_is_said_and_comes_back() {
    let mut visit = Visit::start(System::builder(), WIDE, "ru").await;
    visit.click("#start").await;
    visit.reads("#free", "3 из 3").await;
    visit.system.kill(Service::Billing).await.unwrap();
    visit.reads("#billing-down:not([hidden])", "Биллинг не отвечает").await;
    visit.picture("billing-down.png").await;
    visit.system.start(Service::Billing).await.unwrap();
    visit.until("it is back", "document.querySelector('#billing-down').hidden").await;

    visit.click("#blocked").await;
    visit.reads("#start", "Разблокировать").await;
    visit.click("#start").await;
    visit.find("#composer:not([hidden])").await;
    visit.click("[data-odd=sticker]").await;
    visit.reads(".row.mine .sticker", "👍").await;
    visit.end().await;
}

#[tokio::test]
async fn with_the_real_telegram_there_is_no_chat_but_anybodys_account() {
    let visit = Visit::start(System::builder(), WIDE, "en").await;
    let operator = visit.system.billing().clone();
    operator.adjust("tg:42", 7_500_000).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let page = Page::start(listener, Stage { telegram: None, fal: None, yookassa: None, operator });
    visit.client.goto(page.url()).await.unwrap();
    visit.reads("#messages", "in the real Telegram").await;
    let id = visit.find("#real-id").await;
    id.send_keys(&format!("42{}", Key::Enter)).await.unwrap();
    visit.reads("#balance", "7.50 ₽").await;
    visit.reads("#fal-fault:disabled", "the real fal.ai").await;
    visit.fits().await;
    visit.picture("real.png").await;
    visit.end().await;
}

fn paint(path: &PathBuf, color: [u8; 3]) {
    let mut png = Cursor::new(Vec::new());
    image::RgbImage::from_pixel(320, 240, image::Rgb(color))
        .write_to(&mut png, image::ImageFormat::Png)
        .unwrap();
    std::fs::write(path, png.into_inner()).unwrap();
}
