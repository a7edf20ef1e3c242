//! What people send that the bot can't use is answered, and costs nothing.

use anyhow::Result;
use sandbox::system::System;

use crate::person::{Person, plain, png};

#[tokio::test]
async fn nonsense_is_answered_helpfully_and_costs_nothing() -> Result<()> {
    let system = System::builder().start().await?;
    let person = Person::of(&system, 1001);
    let chat = &person.chat;

    chat.send_text("/menu");
    let menu = person.told("Что сделаем").await?.id;
    chat.press_on(menu, "edit")?;
    person.told("Пришлите фото и напишите").await?;
    chat.send_sticker();
    person.told("Стикер").await?;
    chat.send_voice();
    person.told("Голосовые").await?;
    chat.send_text("сначала слова");
    person.told("Запомнил").await?;
    let huge = bytes::Bytes::from(vec![0; 25 << 20]);
    chat.send_document("huge.png", "image/png", huge, None)?;
    person.told("до 20 МБ").await?;
    chat.send_document("book.pdf", "application/pdf", png(1), None)?;
    person.told("PNG, JPEG или WebP").await?;
    chat.send_text("/cancel");
    person.told("отменил").await?;

    chat.send_text(&"я".repeat(5_000));
    person.told("Слишком длинный текст: 5000 символов").await?;
    chat.press_on(menu, "create")?;
    person.told("Опишите картинку").await?;
    chat.send_text(" \u{2800}\n ");
    person.told("Пустой текст").await?;
    chat.press_on(menu, "v0:was:here")?;
    person.told("Эта кнопка уже не действует").await?;
    chat.send_text("/nosuchcommand");
    person.told("Такой команды нет").await?;
    chat.send_text("/cancel");
    person.told("отменил").await?;

    assert!(person.operations().await?.is_empty());
    assert_eq!(person.has().await?.version, 0, "nothing was written");
    assert!(system.fal().submits().is_empty());
    system.verify().await
}

#[tokio::test]
async fn an_english_user_is_answered_in_english_and_may_change_that() -> Result<()> {
    let system = System::builder().start().await?;
    let english = system.telegram().user_named(1002, "Visitor", "en");
    english.send_text("/balance");
    let seen = english.sees_text("Balance").await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    assert!(plain(&seen.text).contains("0.00"), "{}", seen.text);
    english.send_text("/language");
    english
        .sees_text("Choose your language")
        .await
        .map_err(|error| anyhow::anyhow!("{error:?}"))?;
    english.press("🇷🇺 Русский")?;
    english
        .sees_text("Теперь говорю по-русски")
        .await
        .map_err(|error| anyhow::anyhow!("{error:?}"))?;
    english.send_text("/balance");
    english.sees_text("Баланс").await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    system.verify().await
}
