//! What a user is told about money, and what is taken.

use std::time::Duration;

use proto::{billing::v1::OperationState, money::to_micros};

use super::{
    billing::{RUBLE, till::Says},
    town::{Town, answers, last_says, toast_says},
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
async fn each_limit_has_words_of_its_own_and_one_tap_asks_again() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    let english = town.telegram.user_named(2, "Ann", "en");
    let soon = Some(Duration::from_secs(5));
    let tomorrow = Some(Duration::from_secs(7200));
    let day =
        &[("limit", "daily_spend"), ("max", "500.00"), ("left", "3.999"), ("currency", "RUB")];
    // Those with the same words don't follow each other: each answer is waited for by its words.
    let limits: [(&'static [_], _, [_; 2], [_; 2]); 5] = [
        (
            &[("limit", "user_rate")],
            soon,
            ["Слишком много операций подряд", "Подождите немного"],
            ["Too many operations in a row", "Wait a little"],
        ),
        (
            &[("limit", "open_holds"), ("max", "1")],
            soon,
            ["В работе уже 1 операция,", "Дождитесь результата"],
            ["1 operation of yours is already", "Wait for a result"],
        ),
        (
            &[("limit", "open_holds"), ("max", "3")],
            soon,
            ["В работе уже 3 операции,", "Ничего не списано"],
            ["3 operations of yours are already", "Nothing was taken"],
        ),
        (
            day,
            tomorrow,
            [
                "Дневной лимит расходов — 500,00\u{a0}₽. На сегодня осталось 3,99\u{a0}₽",
                "00:00 UTC",
            ],
            ["The daily spending limit is 500.00\u{a0}₽. You have 3.99\u{a0}₽ left", "00:00 UTC"],
        ),
        (
            &[("limit", "of_tomorrow's_release")],
            None,
            ["Слишком много операций подряд", "Ничего не списано"],
            ["Too many operations in a row", "Nothing was taken"],
        ),
    ];
    for (metadata, wait, ru, en) in limits {
        for (user, words, again) in
            [(&user, ru, "🔁 Попробовать ещё раз"), (&english, en, "🔁 Try again")]
        {
            town.billing.books().limit = Some((metadata, wait));
            user.send_text("кот");
            let told = last_says(user, words[0]).await;
            assert!(told.text.contains(words[1]), "{told:?}");
            assert_eq!(told.buttons[0].text, again);
        }
    }
    assert!(town.billing.charged().is_empty());
    // The request is kept: it needs not be written again.
    town.billing.books().limit = None;
    user.press("🔁 Попробовать ещё раз").unwrap();
    assert_eq!(town.job(1).await.prompt, "кот");
    assert_eq!(town.billing.charged().len(), 1);
}

#[tokio::test]
async fn what_no_day_can_hold_is_not_asked_again() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    let metadata =
        &[("limit", "daily_spend"), ("max", "5.00"), ("left", "5.00"), ("currency", "RUB")];
    town.billing.books().limit = Some((metadata, None));
    user.send_text("кот");
    let told = last_says(&user, "дороже дневного лимита расходов (5,00\u{a0}₽)").await;
    assert_eq!(told.buttons[0].text, "🏠 Меню");
}

#[tokio::test]
async fn a_gateway_that_calls_too_often_tries_again_by_itself() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    town.billing.books().limit = Some((&[("limit", "caller_rate")], Some(Duration::ZERO)));
    user.send_text("кот");
    last_says(&user, "Касса не отвечает, пробую ещё раз").await;
    town.billing.books().limit = None;
    assert_eq!(town.job(1).await.prompt, "кот");
    assert_eq!(town.billing.charged().len(), 1);
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

#[tokio::test]
async fn what_is_suggested_covers_what_is_missing_and_the_request_waits_for_it() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    town.billing.has_only(1, 0);
    town.billing.books().prices.insert("generate".to_owned(), 250 * RUBLE);
    user.send_text("кот в скафандре");
    let refusal = last_says(&user, "Не хватает 250,00\u{a0}₽.").await;
    let labels: Vec<_> = refusal.buttons.iter().map(|button| button.text.as_str()).collect();
    assert_eq!(
        labels,
        [
            "➕ Пополнить на 300,00\u{a0}₽",
            "➕ Пополнить на 500,00\u{a0}₽",
            "💰 Оплатить / Баланс",
            "🔁 Попробовать ещё раз",
            "🏠 Меню"
        ]
    );
    // An own amount is asked for beside the request, which waits on, also when its user looks around.
    user.press("🏠 Меню").unwrap();
    last_says(&user, "Что сделаем?").await;
    user.press("💰 Оплатить / Баланс").unwrap();
    last_says(&user, "На сколько пополнить?").await;
    user.press("✍️ Другая сумма").unwrap();
    last_says(&user, "Напишите сумму").await;
    user.send_text("251");
    last_says(&user, "Пополнение на 251,00\u{a0}₽").await;
    town.billing.provider_says(Says::Paid);
    user.press("🔄 Проверить оплату").unwrap();
    let credited = last_says(&user, "✅ Зачислено 251,00\u{a0}₽.").await;
    let retry = credited.buttons.iter().find(|button| button.text == "🔁 Выполнить: 🎨 Создать");
    let retry = retry.unwrap_or_else(|| panic!("{credited:?}"));
    user.press_on(credited.id, &retry.data).unwrap();
    user.press_on(credited.id, &retry.data).unwrap();
    assert_eq!(town.job(1).await.prompt, "кот в скафандре");
    toast_says(&town, "Уже делаю").await;
    assert_eq!(town.billing.charged().len(), 1, "one tap, one charge");
    let working = last_says(&user, "Генерирую…").await;
    assert_ne!(working.id, credited.id, "what says that money came stays");
}

#[tokio::test]
async fn a_debt_is_named_and_its_repayment_offered() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let (user, english) = (town.telegram.user(1), town.telegram.user_named(2, "Ann", "en"));
    town.billing.has_only(1, -120 * RUBLE - 500_000);
    town.billing.has_only(2, -RUBLE);
    user.send_text("/balance");
    last_says(&user, "На балансе долг 120,50\u{a0}₽: он погасится из следующего пополнения.").await;
    user.send_text("кот");
    let refusal = last_says(&user, "На балансе долг 120,50\u{a0}₽, поэтому начать не могу").await;
    assert_eq!(refusal.buttons[0].text, "➕ Пополнить на 300,00\u{a0}₽");
    english.send_text("/menu");
    last_says(&english, "What shall we make?").await;
    english.press("create").unwrap();
    let refusal = last_says(&english, "Your balance is 1.00\u{a0}₽ in debt").await;
    assert_eq!(refusal.buttons[0].text, "➕ Add 100.00\u{a0}₽");
    assert!(town.billing.charged().is_empty());
    town.billing.has_only(1, 100 * RUBLE);
    user.press("🔁 Попробовать ещё раз").unwrap();
    assert_eq!(town.job(1).await.prompt, "кот", "the request waited");
}

#[tokio::test]
async fn who_is_blocked_is_told_and_not_asked_for_money() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    town.billing.block(1);
    user.send_text("кот");
    let refusal = last_says(&user, "Аккаунт заблокирован, поэтому начать не могу").await;
    assert!(refusal.text.contains("/paysupport"));
    user.send_text("/pay");
    let menu = last_says(&user, "Аккаунт заблокирован. Если это ошибка").await;
    assert_eq!(menu.buttons.len(), 1, "{menu:?}");
    user.send_text("/menu");
    last_says(&user, "Что сделаем?").await;
    user.press("create").unwrap();
    let refusal = last_says(&user, "поэтому начать не могу").await;
    assert!(refusal.buttons.iter().all(|button| !button.text.contains("Пополнить")));
}
