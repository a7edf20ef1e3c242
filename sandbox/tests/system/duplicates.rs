//! What arrives twice is done once.

use anyhow::Result;
use proto::billing::v1::OperationState;
use sandbox::system::System;
use sandbox::telegram::Failure;

use crate::person::{Person, png};

#[tokio::test]
async fn an_update_that_is_delivered_twice_is_one_charge_and_one_picture() -> Result<()> {
    for builder in [System::builder(), System::builder().webhook()] {
        let system = builder.start().await?;
        let person = Person::of(&system, 701);
        system.telegram().deliver_twice(u32::MAX);
        let update = person.chat.send_text("дважды");
        person.chat.sees_photos(1).await?;
        system.telegram().redeliver(update);
        // What is handled after it proves that the copies were handled before.
        person.chat.send_text("/balance");
        person.told("Бесплатных операций: 2 из 3").await?;
        let operations = person.settled(1).await?;
        assert_eq!(operations[0].state(), OperationState::Completed);
        assert_eq!(system.fal().submits().len(), 1);
        assert_eq!(person.photos(), 1);
        system.verify().await?;
    }
    Ok(())
}

#[tokio::test]
async fn two_photos_of_an_album_are_merged_by_one_operation() -> Result<()> {
    let system = System::builder().start().await?;
    let person = Person::of(&system, 702);
    system.telegram().deliver_twice(u32::MAX);
    person.chat.send_text("/menu");
    let menu = person.told("Что сделаем").await?.id;
    person.chat.press_on(menu, "merge")?;
    person.told("от 2 до 5 фото").await?;
    person.chat.send_album(&[png(1), png(2)], Some("рядом"))?;
    let operations = person.settled(1).await?;
    assert_eq!(operations[0].kind, "merge");
    assert_eq!(system.fal().submits()[0].pictures, 2);
    person.chat.sees_photos(1).await?;
    system.verify().await
}

#[tokio::test]
async fn a_send_whose_answer_was_lost_does_not_show_a_second_picture() -> Result<()> {
    let system = System::builder().start().await?;
    let person = Person::of(&system, 703);
    system.fal().hold();
    person.chat.send_text("ответ пропадёт");
    person.told("Генерирую").await?;
    system.fal().accepted(1).await;
    for method in ["sendPhoto", "editMessageMedia", "sendMediaGroup"] {
        system.telegram().fail_method(method, Failure::DropAfter, 1);
    }
    system.fal().release();
    let operations = person.settled(1).await?;
    assert_eq!(operations[0].state(), OperationState::Completed);
    assert_eq!(person.photos(), 1);
    system.verify().await
}

#[tokio::test]
async fn telegram_that_says_wait_is_waited_for() -> Result<()> {
    let system = System::builder().start().await?;
    let person = Person::of(&system, 704);
    system.telegram().fail_next(Failure::TooManyRequests { retry_after: 1 }, 3);
    person.chat.send_text("не спеша");
    let operations = person.settled(1).await?;
    assert_eq!(operations[0].state(), OperationState::Completed);
    assert_eq!(person.photos(), 1);
    system.verify().await
}
