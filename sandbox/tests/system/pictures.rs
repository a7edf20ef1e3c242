//! A user asks for a picture, is charged once, and gets it.

use anyhow::Result;
use proto::billing::v1::{OperationState, RefundReason};
use sandbox::fal::Failure;
use sandbox::system::System;

use crate::person::{Person, png, until};

#[tokio::test]
async fn a_prompt_becomes_a_picture_that_is_paid_once() -> Result<()> {
    let system = System::builder().start().await?;
    let person = Person::of(&system, 501);

    person.chat.send_text("/start");
    person.told("бесплатн").await?;
    person.chat.press("create")?;
    person.told("Опишите картинку").await?;
    person.chat.send_text("кот в сапогах");
    person.told("Генерирую").await?;
    let photos = person.chat.sees_photos(1).await?;
    assert!(image::load_from_memory(&photos[0]).is_ok(), "what arrives is a picture");

    let operations = person.settled(1).await?;
    assert_eq!(operations[0].state(), OperationState::Completed);
    assert_eq!(operations[0].kind, "generate");
    assert_eq!(system.fal().submits_of("кот в сапогах"), 1);
    let has = person.has().await?;
    assert_eq!((has.free_operations_left, has.free_operations_total), (2, 3));
    assert_eq!(person.photos(), 1);
    system.verify().await
}

#[tokio::test]
async fn a_result_can_be_had_again_upscaled_and_edited_by_its_buttons() -> Result<()> {
    let system = System::builder().start().await?;
    let person = Person::of(&system, 506);
    person.top_up(100_00).await?;
    person.chat.send_text("маяк");
    person.settled(1).await?;
    let result = person.told("Готово").await?;
    let press = |label: &str| {
        let button = result.buttons.iter().find(|button| button.text.contains(label));
        person
            .chat
            .press_on(result.id, &button.map(|button| button.data.clone()).unwrap_or_default())
    };

    press("Ещё раз")?;
    person.settled(2).await?;
    press("Улучшить")?;
    person.settled(3).await?;
    press("Редактировать")?;
    person.told("Напишите, что в нём изменить").await?;
    person.chat.send_text("сделай ночь");
    let operations = person.settled(4).await?;

    let kinds: Vec<_> = operations.iter().rev().map(|one| one.kind.as_str()).collect();
    assert_eq!(kinds, ["generate", "generate", "upscale", "edit"]);
    assert!(operations.iter().all(|one| one.state() == OperationState::Completed));
    assert_eq!(system.fal().submits_of("маяк"), 2);
    person.chat.sees_photos(4).await?;
    system.verify().await
}

#[tokio::test]
async fn each_kind_takes_its_photos_and_delivers() -> Result<()> {
    let system = System::builder().webhook().start().await?;
    let person = Person::of(&system, 502);
    person.top_up(100_000).await?;
    let chat = &person.chat;
    chat.send_text("/menu");
    let menu = person.told("Что сделаем").await?.id;

    chat.press_on(menu, "edit")?;
    person.told("Пришлите фото и напишите").await?;
    chat.send_photo(&png(10), Some("сделай ночь"))?;
    person.settled(1).await?;

    chat.press_on(menu, "add_text")?;
    person.told("текст, который на нём написать").await?;
    chat.send_photo(&png(20), None)?;
    person.told("Какой текст").await?;
    chat.send_text("С днём рождения");
    person.settled(2).await?;

    chat.press_on(menu, "retouch")?;
    person.told("отретушировать").await?;
    chat.send_photo(&png(30), None)?;
    person.settled(3).await?;

    chat.press_on(menu, "upscale")?;
    person.told("которое нужно улучшить").await?;
    chat.send_photo(&png(40), None)?;
    person.settled(4).await?;

    chat.press_on(menu, "face_swap")?;
    person.told("на котором заменить лицо").await?;
    chat.send_photo(&png(50), None)?;
    person.told("фото с новым лицом").await?;
    chat.send_photo(&png(60), None)?;
    person.settled(5).await?;

    chat.press_on(menu, "merge")?;
    person.told("от 2 до 5 фото").await?;
    chat.send_album(&[png(70), png(80), png(90)], Some("объедини в одно"))?;
    let operations = person.settled(6).await?;

    let mut kinds: Vec<_> = operations.iter().rev().map(|one| one.kind.as_str()).collect();
    kinds.dedup();
    assert_eq!(kinds, ["edit", "add_text", "retouch", "upscale", "face_swap", "merge"]);
    assert!(
        operations.iter().all(|one| one.state() == OperationState::Completed),
        "{operations:#?}"
    );
    let pictures: Vec<_> = system.fal().submits().iter().map(|submit| submit.pictures).collect();
    assert_eq!(pictures, [1, 1, 1, 1, 2, 3], "photos went to fal.ai as bytes");
    person.chat.sees_photos(6).await?;
    for submit in system.fal().submits() {
        let body = submit.body.to_string();
        assert!(!body.contains("/file/bot"), "a getFile link holds the token: {body}");
    }
    system.verify().await
}

#[tokio::test]
async fn what_the_provider_refuses_is_given_back_and_said() -> Result<()> {
    let system = System::builder().start().await?;
    let person = Person::of(&system, 503);

    system.fal().fail_next(Failure::ContentRefused, 1);
    person.chat.send_text("нечто запретное");
    person.told("средства возвращены").await?;
    let operations = person.settled(1).await?;
    assert_eq!(operations[0].state(), OperationState::Refunded);
    assert_eq!(operations[0].refund_reason(), RefundReason::ContentRejected);
    assert_eq!(person.has().await?.free_operations_left, 3);
    assert_eq!(system.fal().submits().len(), 1, "the user's fault is not tried again");
    assert_eq!(person.photos(), 0);

    system.fal().fail_next(Failure::NsfwResult, 1);
    person.chat.send_text("нечто сомнительное");
    let operations = person.settled(2).await?;
    assert_eq!(operations[0].state(), OperationState::Refunded);
    assert_eq!(person.has().await?.free_operations_left, 3);
    assert_eq!(person.photos(), 0, "a refused picture is not shown");
    system.verify().await
}

#[tokio::test]
async fn a_provider_that_stumbles_is_tried_again_and_one_that_is_down_costs_nothing() -> Result<()>
{
    let system = System::builder().start().await?;
    let person = Person::of(&system, 504);

    system.fal().fail_next(Failure::ServerError, 1);
    person.chat.send_text("со второго раза");
    let operations = person.settled(1).await?;
    assert_eq!(operations[0].state(), OperationState::Completed);
    assert_eq!(system.fal().submits_of("со второго раза"), 1);

    system.fal().fail_next(Failure::Unavailable, u32::MAX);
    person.chat.send_text("никогда");
    person.told("средства возвращены").await?;
    let operations = person.settled(2).await?;
    assert_eq!(operations[0].state(), OperationState::Refunded);
    assert_eq!(operations[0].refund_reason(), RefundReason::JobFailed);
    assert_eq!(person.has().await?.free_operations_left, 2);
    assert_eq!(person.photos(), 1);
    system.verify().await
}

#[tokio::test]
async fn who_blocks_the_bot_gets_the_picture_on_coming_back() -> Result<()> {
    let system = System::builder().start().await?;
    let person = Person::of(&system, 505);

    system.fal().hold();
    person.chat.send_text("подожди меня");
    person.told("Генерирую").await?;
    system.fal().accepted(1).await;
    person.chat.block();
    system.fal().release();
    let operation = person.charged().await?;
    until("a delivery to meet the block", async || {
        let refused = |method: &str| {
            let calls = system.telegram().calls_of(method);
            calls.iter().any(|call| call.chat_id == person.chat.id() && call.error == Some(403))
        };
        Ok((refused("editMessageMedia") || refused("sendPhoto")).then_some(()))
    })
    .await?;
    assert_eq!(person.photos(), 0);
    assert_eq!(person.charged().await?.operation_id, operation.operation_id, "still held");

    person.chat.unblock();
    person.chat.send_text("/start");
    person.chat.sees_photos(1).await?;
    let operations = person.settled(1).await?;
    assert_eq!(operations[0].state(), OperationState::Completed);
    assert_eq!(system.fal().submits().len(), 1);
    system.verify().await
}
