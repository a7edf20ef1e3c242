//! What a user is told about money, and what is taken.

use proto::{billing::v1::OperationState, money::to_micros};

use super::{
    billing::RUBLE,
    town::{Town, answers, last_says},
};
use crate::harness::until;

#[tokio::test]
async fn a_text_is_a_drawing_charged_once_and_says_what_was_taken() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    town.telegram.deliver_twice(1);
    let update_id = user.send_text("кот в скафандре");
    let job = town.job(1).await;
    let working = last_says(&user, "⏳ Генерирую…").await;
    assert!(working.text.contains("Списана бесплатная операция (осталось 2 из 3)"), "{working:?}");
    let operations = town.billing.charged();
    assert_eq!(operations.len(), 1);
    assert_eq!(operations[0].request_id, format!("tg-7000000001-{update_id}"));
    assert_eq!(operations[0].labels["update_id"], update_id.to_string());
    assert_eq!((job.kind.as_str(), job.prompt.as_str()), ("generate", "кот в скафандре"));
    assert_eq!((job.user_id.as_str(), &job.operation_id), ("tg:1", &operations[0].operation_id));
    let reply_to = job.reply_to.unwrap();
    assert_eq!((reply_to.chat_id, reply_to.message_id), (1, working.id));
}

#[tokio::test]
async fn the_invitation_shows_the_price_and_what_pays() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    user.send_text("/menu");
    last_says(&user, "Что сделаем?").await;
    user.press("create").unwrap();
    let invitation = last_says(&user, "Опишите картинку").await;
    assert!(invitation.text.contains("Цена: 10,00\u{a0}₽"));
    assert!(invitation.text.contains("Бесплатная операция (останется 2 из 3)"), "{invitation:?}");
    town.billing.has_only(1, 25 * RUBLE);
    user.press("create").unwrap();
    last_says(&user, "10,00\u{a0}₽ с баланса").await;
    user.send_text("кот");
    town.job(1).await;
    last_says(&user, "Списано: 10,00\u{a0}₽ с баланса").await;
}

#[tokio::test]
async fn too_little_says_what_is_missing_and_keeps_the_request() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    town.billing.has_only(1, 6 * RUBLE + 500_000);
    user.send_text("кот");
    let refusal = last_says(&user, "Не хватает 3,50\u{a0}₽.").await;
    assert!(refusal.text.contains("Цена: 10,00\u{a0}₽, на балансе: 6,50\u{a0}₽."));
    assert!(refusal.buttons.iter().any(|button| button.data == "payment_menu"));
    town.billing.has_only(1, 10 * RUBLE);
    user.press("🔁 Попробовать ещё раз").unwrap();
    assert_eq!(town.job(1).await.prompt, "кот");
    assert_eq!(town.billing.charged().len(), 1);
}

#[tokio::test]
async fn a_price_that_rose_is_asked_about() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    town.billing.has_only(1, 100 * RUBLE);
    user.send_text("/menu");
    last_says(&user, "Что сделаем?").await;
    user.press("create").unwrap();
    last_says(&user, "Опишите картинку").await;
    town.billing.books().prices.insert("generate".to_owned(), 12 * RUBLE);
    user.send_text("кот");
    last_says(&user, "Цена изменилась: теперь 12,00\u{a0}₽").await;
    assert!(town.billing.charged().is_empty());
    user.press("✅ Да, 12,00\u{a0}₽").unwrap();
    town.job(1).await;
    let operation = &town.billing.charged()[0];
    assert_eq!(to_micros(operation.price.as_ref().unwrap(), "RUB").unwrap(), 12 * RUBLE);
}

#[tokio::test]
async fn who_wants_to_be_asked_is_asked() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    user.send_text("/menu");
    last_says(&user, "Что сделаем?").await;
    user.press("⚙️ Настройки").unwrap();
    last_says(&user, "Если включить").await;
    user.press("Спрашивать перед списанием: нет").unwrap();
    until(|| answers(&user).last().is_some_and(|seen| seen.buttons[0].text.ends_with("да"))).await;
    user.send_text("кот");
    let question = last_says(&user, "Начинаем?").await;
    assert!(question.text.contains("Цена: 10,00\u{a0}₽"), "{question:?}");
    assert!(town.billing.charged().is_empty());
    let yes = question.buttons[0].data.clone();
    user.press_on(question.id, &yes).unwrap();
    user.press_on(question.id, &yes).unwrap();
    town.job(1).await;
    until(|| town.telegram.calls_of("answerCallbackQuery").len() == 4).await;
    assert_eq!(town.billing.charged().len(), 1, "a button pressed twice charges once");
    let working = last_says(&user, "Генерирую…").await;
    assert_eq!(working.id, question.id, "the question became the progress");
}

#[tokio::test]
async fn each_refusal_has_words_of_its_own() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    for (reason, words) in [
        ("USER_BLOCKED", "заблокирован"),
        ("IN_DEBT", "долг"),
        ("UNKNOWN_KIND", "недоступна"),
        ("SOMETHING_NEW", "внутренней ошибки"),
    ] {
        town.billing.books().refuse = Some(reason);
        user.send_text("кот");
        last_says(&user, words).await;
    }
    town.billing.books().refuse = None;
    user.send_text("кот");
    town.job(1).await;
}

#[tokio::test]
async fn a_job_that_the_worker_refuses_is_refunded_and_told() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    town.worker.desk().refuse = Some("INVALID_FIELD");
    user.send_text("кот");
    let told = last_says(&user, "Все средства возвращены").await;
    assert_eq!(answers(&user).len(), 1, "«Генерирую…» became the answer");
    assert_eq!(town.billing.charged()[0].state(), OperationState::Refunded);
    town.worker.desk().refuse = None;
    user.press_on(told.id, &told.buttons[0].data).unwrap();
    assert_eq!(town.job(1).await.prompt, "кот");
}

#[tokio::test]
async fn a_fourth_job_waits_for_one_of_three() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    town.billing.has_only(1, 100 * RUBLE);
    for n in 1..=4 {
        user.send_text(&format!("кот {n}"));
    }
    last_says(&user, "У вас уже 3 задания в работе.").await;
    assert_eq!(town.billing.charged().len(), 3);
}
