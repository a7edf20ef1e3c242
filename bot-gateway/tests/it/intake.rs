//! Long polling, the order of handling, and the start.

use sandbox::telegram::Failure;
use tokio::process::Command;

use crate::harness::{World, until, until_async};

#[tokio::test]
async fn killed_and_started_again_it_keeps_every_update_once() {
    let world = World::new().await;
    // More than are handled at once, so that some are handled, some taken, some only kept when it is killed.
    let users: Vec<_> = (1..=60).map(|id| world.telegram.user(id)).collect();
    let mut gateway = world.process();
    for _ in 0..2 {
        let answered = world.telegram.calls_of("sendMessage").len();
        for user in &users {
            user.send_text("/help");
        }
        until(|| world.telegram.calls_of("sendMessage").len() > answered).await;
        gateway.kill().await.unwrap();
        gateway = world.process();
    }
    // What it had at hand when it was killed comes again when the leases of 30 s have run out.
    until_async(async || {
        let rows = world.inbox().await;
        rows.len() == 120 && rows.iter().all(|(_, state)| state == "done")
    })
    .await;
    for user in &users {
        let answers = user.messages().iter().filter(|message| message.from_bot).count();
        assert!(answers >= 2, "user {} got {answers} answers", user.id());
    }
    gateway.kill().await.unwrap();
}

#[tokio::test]
async fn an_update_that_telegram_sends_twice_is_answered_once() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let user = world.telegram.user(4);
    world.telegram.deliver_twice(2);
    user.send_text("/help");
    user.send_text("/help");
    world
        .inbox_becomes(|rows| rows.len() == 2 && rows.iter().all(|(_, state)| state == "done"))
        .await;
    assert_eq!(user.messages().iter().filter(|message| message.from_bot).count(), 2);
    until(|| world.telegram.unconfirmed() == 0).await;
    gateway.stop().await;
}

#[tokio::test]
async fn one_chat_waits_for_itself_and_for_nobody_else() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let (slow, quick) = (world.telegram.user(1), world.telegram.user(2));
    world.telegram.fail_method("sendMessage", Failure::TooManyRequests { retry_after: 5 }, 1);
    slow.send_text("/help");
    slow.send_text("/language");
    world.inbox_becomes(|rows| rows.iter().any(|(_, state)| state == "leased")).await;
    until(|| !world.telegram.calls_of("sendMessage").is_empty()).await;

    quick.send_text("/help");
    let help = quick.sees(|message| !message.text.is_empty()).await.unwrap().text;
    assert!(
        slow.messages().iter().all(|message| !message.from_bot),
        "the slow chat was answered too early"
    );

    world
        .inbox_becomes(|rows| rows.len() == 3 && rows.iter().all(|(_, state)| state == "done"))
        .await;
    let answers: Vec<String> = slow
        .messages()
        .into_iter()
        .filter(|message| message.from_bot)
        .map(|message| message.text)
        .collect();
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0], help);
    assert_ne!(answers[1], help);
    gateway.stop().await;
}

#[tokio::test]
async fn polling_goes_on_after_telegram_failed() {
    let world = World::new().await;
    world.telegram.fail_method("getMe", Failure::BadGateway, 1);
    world.telegram.fail_method("getUpdates", Failure::ServerError, 1);
    let gateway = world.gateway(&[]).await;
    let user = world.telegram.user(6);
    user.send_text("/help");
    user.sees(|message| !message.text.is_empty()).await.unwrap();
    gateway.stop().await;
}

#[tokio::test]
async fn a_wrong_token_ends_the_start() {
    let world = World::new().await;
    let wrong = ["--telegram-bot-token", "7000000001:wrong"].map(str::to_owned);
    let mut args = world.arguments();
    args.drain(..2);
    args.extend(wrong);
    args.extend(["--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"].map(str::to_owned));
    let ended = Command::new(env!("CARGO_BIN_EXE_bot-gateway")).args(args).output().await.unwrap();
    assert!(!ended.status.success());
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("TELEGRAM_BOT_TOKEN is not valid"), "{said}");
    assert!(!said.contains("7000000001:wrong"), "the token was shown: {said}");
}

#[tokio::test]
async fn the_menus_are_set_in_both_languages() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let (ru, en) = (world.telegram.commands("ru"), world.telegram.commands("en"));
    assert!(ru.as_array().is_some_and(|commands| !commands.is_empty()));
    assert!(en.as_array().is_some_and(|commands| !commands.is_empty()));
    assert_ne!(ru, en);
    gateway.stop().await;
}
