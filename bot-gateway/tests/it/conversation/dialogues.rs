//! The seven kinds, what can't be used, and the buttons under a result.

use bytes::Bytes;

use super::town::{Town, answers, last_says};
use crate::harness::until;

/// A PNG of 8 by 8 red pixels, which the user's app can read.
const PNG: [u8; 74] = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x08, 0x08, 0x02, 0x00, 0x00, 0x00, 0x4b, 0x6d, 0x29,
    0xdc, 0x00, 0x00, 0x00, 0x11, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0xf8, 0xaf, 0xa0, 0x80,
    0x15, 0x31, 0x0c, 0x2d, 0x09, 0x00, 0x61, 0x59, 0x4f, 0xc1, 0xfc, 0x00, 0x31, 0x8a, 0x00, 0x00,
    0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

const PICTURE: Bytes = Bytes::from_static(&PNG);

#[tokio::test]
async fn a_photo_with_a_caption_is_edited() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    begin(&user, "edit", "Пришлите фото").await;
    user.send_photo(&PICTURE, Some("в шляпе")).unwrap();
    let job = town.job(1).await;
    assert_eq!((job.kind.as_str(), job.prompt.as_str()), ("edit", "в шляпе"));
    let (mime_type, length) = town.worker.desk().inputs[&job.input_ids[0]].clone();
    assert_eq!(mime_type, "image/jpeg");
    assert!(length > 0, "the photo travels as bytes");
}

#[tokio::test]
async fn photo_and_words_are_asked_for_one_by_one() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    begin(&user, "add_text", "Пришлите фото и текст").await;
    user.send_document("cat.png", "image/png", PICTURE, None).unwrap();
    last_says(&user, "Какой текст").await;
    user.send_text("Привет!");
    let job = town.job(1).await;
    assert_eq!((job.kind.as_str(), job.prompt.as_str()), ("add_text", "Привет!"));
    assert_eq!(town.worker.desk().inputs[&job.input_ids[0]], ("image/png".to_owned(), PNG.len()));
}

#[tokio::test]
async fn an_album_with_a_caption_is_merged_once() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    begin(&user, "merge", "от 2 до 5 фото").await;
    user.send_album(&[PICTURE, PICTURE, PICTURE], Some("вместе")).unwrap();
    let job = town.job(1).await;
    assert_eq!((job.kind.as_str(), job.prompt.as_str()), ("merge", "вместе"));
    assert_eq!(job.input_ids.len(), 3);
    assert_eq!(town.billing.charged().len(), 1);
}

#[tokio::test]
async fn photos_are_merged_one_by_one() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    begin(&user, "merge", "от 2 до 5 фото").await;
    user.send_photo(&PICTURE, Some("вместе")).unwrap();
    last_says(&user, "Нужно ещё хотя бы 1 фото").await;
    user.send_photo(&PICTURE, None).unwrap();
    last_says(&user, "нажмите «Готово»").await;
    user.press("✅ Готово").unwrap();
    let job = town.job(1).await;
    assert_eq!((job.input_ids.len(), job.prompt.as_str()), (2, "вместе"));
}

#[tokio::test]
async fn two_photos_swap_a_face_in_their_order() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    begin(&user, "face_swap", "на котором заменить лицо").await;
    user.send_document("target.png", "image/png", PICTURE, None).unwrap();
    last_says(&user, "новым лицом").await;
    user.send_photo(&PICTURE, None).unwrap();
    let job = town.job(1).await;
    let desk = town.worker.desk();
    let types: Vec<_> = job.input_ids.iter().map(|id| desk.inputs[id].0.as_str()).collect();
    assert_eq!(types, ["image/png", "image/jpeg"]);
}

#[tokio::test]
async fn a_photo_out_of_the_blue_is_asked_about() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    user.send_photo(&PICTURE, None).unwrap();
    let offer = last_says(&user, "Что с ним сделать?").await;
    assert_eq!(offer.buttons.len(), 6);
    user.press("⬆️ Улучшить · 6,00\u{a0}₽").unwrap();
    let job = town.job(1).await;
    assert_eq!((job.kind.as_str(), job.input_ids.len()), ("upscale", 1));
}

#[tokio::test]
async fn what_cannot_be_used_is_answered_and_the_dialogue_goes_on() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    begin(&user, "retouch", "отретушировать").await;
    user.send_sticker();
    last_says(&user, "Стикер").await;
    user.send_voice();
    last_says(&user, "Голосовые").await;
    user.send_text("вот фото");
    last_says(&user, "нужно фото, а не текст").await;
    user.send_document("big.png", "image/png", Bytes::from(vec![0; 25 << 20]), None).unwrap();
    last_says(&user, "до 20 МБ").await;
    user.send_document("a.pdf", "application/pdf", PICTURE, None).unwrap();
    last_says(&user, "Такой файл не подойдёт").await;
    user.send_text("/fly");
    let unknown = last_says(&user, "Такой команды нет").await;
    user.press_on(unknown.id, "v0:of_long_ago").unwrap();
    last_says(&user, "Эта кнопка уже не действует").await;
    assert!(town.billing.charged().is_empty());
    user.send_photo(&PICTURE, None).unwrap();
    assert_eq!(town.job(1).await.kind, "retouch");
}

#[tokio::test]
async fn a_prompt_that_is_too_long_or_empty_is_answered() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user_named(1, "Ann", "en");
    user.send_text(&"x".repeat(5000));
    last_says(&user, "The text is too long: 5000 characters. 2000 fit.").await;
    user.send_text("  ");
    last_says(&user, "The text is empty").await;
    assert!(town.billing.charged().is_empty());
}

#[tokio::test]
async fn a_result_is_gone_on_with_by_its_buttons() {
    let town = Town::new().await;
    let gateway = town.gateway().await;
    let user = town.telegram.user(1);
    user.send_text("кот");
    let first = town.job(1).await;
    gateway.deliver(&first).await;
    let result = last_says(&user, "Готово!").await;
    let data = |label: &str| {
        result.buttons.iter().find(|button| button.text == label).unwrap().data.clone()
    };
    let again = data("🔁 Ещё раз");
    user.press_on(result.id, &again).unwrap();
    user.press_on(result.id, &again).unwrap();
    let second = town.job(2).await;
    assert_eq!((second.kind.as_str(), second.prompt.as_str()), ("generate", "кот"));
    assert_ne!(second.operation_id, first.operation_id);
    until(|| town.telegram.calls_of("answerCallbackQuery").len() == 2).await;
    assert_eq!(town.billing.charged().len(), 2, "pressed twice in a moment, made once");

    user.press_on(result.id, &data("⬆️ Улучшить")).unwrap();
    let third = town.job(3).await;
    assert_eq!((third.kind.as_str(), third.input_ids.len()), ("upscale", 1));
    gateway.deliver(&second).await;
    gateway.deliver(&third).await;

    town.billing.has_only(1, 100_000_000);
    user.press_on(result.id, &data("✏️ Редактировать")).unwrap();
    last_says(&user, "Напишите, что в нём изменить").await;
    user.send_text("в шляпе");
    let fourth = town.job(4).await;
    assert_eq!((fourth.kind.as_str(), fourth.input_ids.len()), ("edit", 1));
    assert_eq!(fourth.prompt, "в шляпе");
}

#[tokio::test]
async fn cancel_leaves_the_dialogue() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    user.send_text("/cancel");
    last_says(&user, "Отменять нечего").await;
    begin(&user, "edit", "Пришлите фото").await;
    user.send_text("/cancel");
    last_says(&user, "Хорошо, отменил").await;
    user.send_photo(&PICTURE, None).unwrap();
    last_says(&user, "Что с ним сделать?").await;
    assert!(answers(&user).iter().all(|seen| !seen.text.is_empty()));
}

async fn begin(user: &sandbox::telegram::TelegramUser, button: &str, invitation: &str) {
    user.send_text("/menu");
    last_says(user, "Что сделаем?").await;
    user.press(button).unwrap();
    last_says(user, invitation).await;
}
