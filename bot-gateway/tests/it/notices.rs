//! What happened to users' money is told to them, once.

use std::time::SystemTime;

use bot_gateway::notices;
use proto::{
    billing::v1::{Payment, PaymentProvider, PaymentState},
    money::from_micros,
};
use sandbox::telegram::{Failure, Seen, TelegramUser};
use sea_orm::ConnectionTrait;
use service_kit::db::Db;

use crate::{
    conversation::billing::RUBLE,
    harness::{World, until},
};

/// A payment of 300 rubles that stands so.
pub fn payment(user: &TelegramUser, id: &str, state: PaymentState) -> Payment {
    let mut payment = Payment {
        payment_id: id.to_owned(),
        user_id: format!("tg:{}", user.id()),
        amount: Some(from_micros(300 * RUBLE, "RUB")),
        ..Payment::default()
    };
    payment.set_provider(PaymentProvider::Yookassa);
    payment.set_state(state);
    if state == PaymentState::Credited {
        payment.credited = payment.amount.clone();
        payment.credit_time = Some(SystemTime::now().into());
    }
    payment
}

/// The bot's messages, oldest first.
pub fn told(user: &TelegramUser) -> Vec<Seen> {
    user.messages().into_iter().filter(|seen| seen.from_bot).collect()
}

/// How often the user was told that money arrived, in messages of their own.
fn arrivals(user: &TelegramUser) -> usize {
    let arrived = |seen: &&Seen| !seen.edited && seen.text.contains("Зачислено 300,00");
    told(user).iter().filter(arrived).count()
}

/// A message of the bot that shows the payment; answers its id.
pub async fn shown(world: &World, user: &TelegramUser, payment_id: &str) -> i64 {
    let message = world.message_of_the_bot(user).await;
    let (store, db) = world.store().await;
    let id = i32::try_from(message).unwrap();
    store.payment_messages().remember(payment_id, user.id(), id).await.unwrap();
    close(db).await;
    message
}

async fn close(db: Db) {
    db.connection.clone().close().await.unwrap();
}

#[tokio::test]
async fn money_that_arrives_is_told_with_the_balance_and_the_payments_message_says_so() {
    let world = World::new().await;
    let user = world.telegram.user(1);
    let message = shown(&world, &user, "p").await;
    world.bank.billing.has_only(1, 310 * RUBLE);
    let gateway = world.gateway(&[]).await;
    world.bank.payment_becomes(payment(&user, "p", PaymentState::Credited));
    world.all_done(notices::TABLE, 1).await;
    let [own, arrival] = told(&user).try_into().unwrap();
    assert_eq!(own.id, message);
    assert!(own.edited && own.text.contains("300,00"), "{own:?}");
    assert!(arrival.text.contains("Зачислено 300,00\u{a0}₽"), "{arrival:?}");
    assert!(arrival.text.contains("Баланс: 310,00\u{a0}₽"), "{arrival:?}");
    assert!(!arrival.buttons.is_empty());
    until(|| world.bank.acknowledged() == 1).await;
    gateway.stop().await;
}

#[tokio::test]
async fn events_that_come_again_are_not_told_again() {
    let world = World::new().await;
    let user = world.telegram.user(1);
    let gateway = world.gateway(&[]).await;
    for id in ["p", "q"] {
        world.bank.payment_becomes(payment(&user, id, PaymentState::Credited));
    }
    world.all_done(notices::TABLE, 2).await;
    world.bank.repeats_everything();
    until(|| world.bank.acknowledged() == 2).await;
    // Restarted, and once more from the beginning.
    gateway.stop().await;
    world.bank.repeats_everything();
    let gateway = world.gateway(&[]).await;
    until(|| world.bank.acknowledged() == 2).await;
    // Credited again, as far as events go: a refund of it failed.
    world.bank.payment_becomes(payment(&user, "p", PaymentState::Credited));
    world.bank.payment_becomes(payment(&user, "last", PaymentState::Credited));
    world.all_done(notices::TABLE, 3).await;
    assert_eq!(arrivals(&user), 3);
    gateway.stop().await;
}

#[tokio::test]
async fn two_gateways_on_one_database_tell_each_user_once() {
    let world = World::on_postgres().await;
    let users: Vec<_> = (1..=10).map(|id| world.telegram.user(id)).collect();
    let (one, other) = (world.gateway(&[]).await, world.gateway(&[]).await);
    for user in &users {
        for round in 0..3 {
            let id = format!("p-{}-{round}", user.id());
            world.bank.payment_becomes(payment(user, &id, PaymentState::Credited));
        }
    }
    world.bank.repeats_everything();
    world.all_done(notices::TABLE, 30).await;
    until(|| world.bank.acknowledged() == 30).await;
    for user in &users {
        assert_eq!(arrivals(user), 3, "user {}", user.id());
    }
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn an_answer_of_telegram_that_is_lost_brings_no_second_message() {
    let world = World::new().await;
    let user = world.telegram.user(1);
    let gateway = world.gateway(&[]).await;
    // The message arrives, its answer does not.
    world.telegram.fail_method("sendMessage", Failure::DropAfter, 1);
    world.bank.payment_becomes(payment(&user, "p", PaymentState::Credited));
    world.all_done(notices::TABLE, 1).await;
    assert_eq!(arrivals(&user), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn killed_while_it_tells_a_gateway_never_tells_twice() {
    let world = World::new().await;
    let user = world.telegram.user(1);
    let message = shown(&world, &user, "p").await;
    let before = world.telegram.calls_of("sendMessage").len();
    let mut gateway = world.process();
    // Nothing arrives, and who comes next can't know that.
    world.telegram.fail_method("sendMessage", Failure::Hang, 1);
    world.bank.payment_becomes(payment(&user, "p", PaymentState::Credited));
    let sent = || world.telegram.calls_of("sendMessage").len();
    until(|| sent() == before + 1).await;
    gateway.kill().await.unwrap();
    let edits = world.telegram.calls_of("editMessageText").len();

    let gateway = world.gateway(&[]).await;
    world.all_done(notices::TABLE, 1).await;
    assert_eq!(sent(), before + 1, "the message was sent again");
    let edited = world.telegram.calls_of("editMessageText");
    assert!(edited.len() > edits, "the payment's message was to be brought up to date");
    assert_eq!(told(&user).last().unwrap().id, message);
    gateway.stop().await;
}

#[tokio::test]
async fn an_outage_of_telegram_is_waited_out_and_told_once() {
    let world = World::new().await;
    let user = world.telegram.user(1);
    shown(&world, &user, "p").await;
    let gateway = world.gateway(&[]).await;
    world.telegram.fail_method("editMessageText", Failure::DropAfter, 1);
    world.telegram.fail_method("sendChatAction", Failure::DropBefore, 1);
    for id in ["p", "q"] {
        world.bank.payment_becomes(payment(&user, id, PaymentState::Credited));
    }
    world.all_done(notices::TABLE, 2).await;
    assert_eq!(arrivals(&user), 2);
    gateway.stop().await;
}

#[tokio::test]
async fn who_can_not_be_told_keeps_nobody_waiting() {
    let world = World::new().await;
    let (gone, user) = (world.telegram.user(1), world.telegram.user(2));
    gone.block();
    let gateway = world.gateway(&[]).await;
    world.bank.payment_becomes(payment(&gone, "p", PaymentState::Credited));
    let mut elsewhere = payment(&user, "w", PaymentState::Credited);
    elsewhere.user_id = "web:7".to_owned();
    world.bank.payment_becomes(elsewhere);
    world.bank.payment_becomes(payment(&user, "q", PaymentState::Credited));
    world.all_done(notices::TABLE, 3).await;
    assert_eq!(arrivals(&user), 1);
    assert!(told(&gone).is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn one_tap_runs_the_request_that_waited_for_the_money() {
    let world = World::new().await;
    let user = world.telegram.user(1);
    world.bank.billing.has_only(1, 0);
    let gateway = world.gateway(&[]).await;
    user.send_text("кот в скафандре");
    world.inbox_becomes(|rows| rows.iter().any(|(_, state)| state == "done")).await;
    assert!(world.bank.billing.charged().is_empty());
    world.bank.billing.has_only(1, 300 * RUBLE);
    world.bank.payment_becomes(payment(&user, "p", PaymentState::Credited));
    let arrival = user.sees(|message| message.text.contains("Зачислено")).await.unwrap();
    let retry = arrival.buttons.iter().find(|button| button.data.starts_with("v1:retry:"));
    user.press(&retry.expect("no way to go on").data).unwrap();
    until(|| !world.bank.billing.charged().is_empty()).await;
    assert_eq!(world.bank.billing.charged()[0].kind, "generate");
    gateway.stop().await;
}

#[tokio::test]
async fn an_event_that_could_not_be_kept_comes_again() {
    let world = World::new().await;
    let user = world.telegram.user(1);
    let gateway = world.gateway(&[]).await;
    let behind = sea_orm::Database::connect(world.database_url()).await.unwrap();
    behind.execute_unprepared("ALTER TABLE notices RENAME TO away").await.unwrap();
    let watches = world.bank.books().watches;
    world.bank.payment_becomes(payment(&user, "p", PaymentState::Credited));
    until(|| world.bank.books().watches > watches + 1).await;
    assert_eq!(world.bank.acknowledged(), 0);
    behind.execute_unprepared("ALTER TABLE away RENAME TO notices").await.unwrap();
    until(|| arrivals(&user) == 1).await;
    until(|| world.bank.acknowledged() == 1).await;
    gateway.stop().await;
}
