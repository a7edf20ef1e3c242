//! Many who look at once: each gets the answer that they would have got alone.

use std::time::Duration;

use billing_svc::ledger::*;
use billing_svc::reader::{ReadError, Reader, Settings};
use futures::future::join_all;
use sea_orm::ConnectionTrait;
use tokio::time::Instant;
use uuid::Uuid;

use crate::books::*;
use crate::harness::Database;
use crate::wire::Wire;

on_both!(
    a_crowd_gets_what_each_would_get_alone,
    an_answer_is_as_new_as_its_call,
    whose_an_operation_is_is_told_to_many,
    a_corrupt_row_fails_only_who_asks_for_it,
    a_grant_that_ended_is_not_shown,
    a_deadline_that_passed_asks_nothing,
    a_caller_that_hangs_up_disturbs_nobody,
    a_full_queue_refuses_at_once,
    closing_answers_what_was_taken,
);

const SETTINGS: Settings = Settings { statements: 2, queue: 1000, batch: 16 };

fn reader(books: &Books, settings: Settings) -> Reader {
    Reader::start(books.store.clone(), POLICY.into(), settings).0
}

/// Users with money, held money, promotional money and free operations.
async fn people(books: &Books) -> Vec<UserId> {
    let people: Vec<UserId> = (0..12).map(|n| user(&format!("user-{n}"))).collect();
    for (n, user) in (0..).zip(&people) {
        books.top_up(user, 10 * (n + 1)).await;
        if n % 2 == 0 {
            books.charge(user, &format!("held-{n}")).await;
        }
        for gift in 0..n % 4 {
            books.ask(gift_of_money(user, gift, None)).await.unwrap().unwrap();
        }
    }
    people
}

fn gift_of_money(user: &UserId, number: i64, expire_time: Option<Timestamp>) -> Command {
    Command::GrantCredits(GrantCredits {
        user_id: user.clone(),
        request_id: request(&format!("{user}-gift-{number}")),
        grant_id: GrantId(Uuid::now_v7()),
        credits: Credits { unit: Unit::Money, amount: Amount::units(number + 1).micros() },
        kind: GrantKind::Promo,
        priority: 0,
        expire_time,
        reason: "a test".to_owned(),
        caller: "test".to_owned(),
    })
}

async fn a_crowd_gets_what_each_would_get_alone(database: Database) {
    let books = Books::open(&database).await;
    let mut asked = people(&books).await;
    asked.push(user("unknown"));
    // Each of them several times, not next to one another.
    let asked: Vec<UserId> = (0..200).map(|n| asked[n * 7 % asked.len()].clone()).collect();
    let reader = reader(&books, SETTINGS);
    let answers = join_all(asked.iter().map(|user| reader.user(user.clone(), None))).await;
    for (asked, answer) in asked.iter().zip(answers) {
        let (user, grants) = books.store.user_with_grants(asked).await.unwrap();
        let expected = match user {
            Some(user) => UserView::of(&user, grants.iter(), now()),
            None => UserView::of_unknown(asked.clone(), &POLICY),
        };
        assert_eq!(answer, Ok(expected));
    }
    books.prove().await;
}

async fn an_answer_is_as_new_as_its_call(database: Database) {
    let books = Books::open(&database).await;
    let payer = user("payer");
    let reader = reader(&books, SETTINGS);
    // Others read the same all the time.
    let noise = tokio::spawn({
        let (reader, payer) = (reader.clone(), payer.clone());
        async move { while reader.user(payer.clone(), None).await.is_ok() {} }
    });
    for n in 1..50 {
        books.top_up(&payer, 1).await;
        let view = reader.user(payer.clone(), None).await.unwrap();
        assert_eq!(view.balance, Amount::units(n));
    }
    reader.close().await;
    noise.await.unwrap();
    books.prove().await;
}

async fn whose_an_operation_is_is_told_to_many(database: Database) {
    let books = Books::open(&database).await;
    let mut asked = vec![(OperationId(Uuid::now_v7()), None)];
    for user in people(&books).await {
        books.top_up(&user, 6).await;
        let operation = books.charge(&user, &format!("{user}-charge")).await;
        asked.push((operation.operation_id, Some(user)));
    }
    let reader = reader(&books, SETTINGS);
    let twice = asked.iter().chain(&asked);
    let answers = join_all(twice.clone().map(|(id, _)| reader.owner(*id, None))).await;
    for ((_, expected), answer) in twice.zip(answers) {
        assert_eq!(answer.as_ref(), Ok(expected));
    }
    books.prove().await;
}

async fn a_corrupt_row_fails_only_who_asks_for_it(database: Database) {
    let books = Books::open(&database).await;
    let people = people(&books).await;
    let tamper = |sql: &'static str| books.database.connection.execute_unprepared(sql);
    tamper("UPDATE grants SET priority = 9999999999 WHERE user_id = 'user-3'").await.unwrap();
    let reader = reader(&books, SETTINGS);
    let asked = people.iter().chain(&people);
    let answers = join_all(asked.clone().map(|user| reader.user(user.clone(), None))).await;
    for (asked, answer) in asked.zip(answers) {
        match asked.as_str() {
            "user-3" => assert_eq!(answer, Err(ReadError::Internal)),
            _ => assert_eq!(answer.unwrap(), books.view(asked).await),
        }
    }
    tamper("UPDATE grants SET priority = 0 WHERE user_id = 'user-3'").await.unwrap();
    reader.user(people[3].clone(), None).await.unwrap();
    books.prove().await;
}

async fn a_grant_that_ended_is_not_shown(database: Database) {
    let books = Books::open(&database).await;
    let payer = user("payer");
    let soon = now().plus(Duration::from_secs(3600));
    books.ask(gift_of_money(&payer, 0, Some(soon))).await.unwrap().unwrap();
    books.ask(gift_of_money(&payer, 1, None)).await.unwrap().unwrap();
    let ids = [payer];
    let balance = async |time| {
        let views = books.store.user_views(&ids, &POLICY, time).await.unwrap();
        views[0].balance
    };
    let just_before = Timestamp::from_micros(soon.micros() - 1);
    assert_eq!(balance(just_before).await, Amount::units(3));
    assert_eq!(balance(soon).await, Amount::units(2));
    books.prove().await;
}

async fn a_deadline_that_passed_asks_nothing(database: Database) {
    let books = Books::open(&database).await;
    let reader = reader(&books, SETTINGS);
    let late = reader.user(user("payer"), Some(Instant::now())).await;
    assert_eq!(late, Err(ReadError::DeadlinePassed));
    let in_time = Instant::now() + Duration::from_secs(60);
    assert!(reader.user(user("payer"), Some(in_time)).await.is_ok());
    books.prove().await;
}

async fn a_caller_that_hangs_up_disturbs_nobody(database: Database) {
    let books = Books::open(&database).await;
    let people = people(&books).await;
    let reader = reader(&books, SETTINGS);
    let mut callers = Vec::new();
    for n in 0..100 {
        let (reader, user) = (reader.clone(), people[n % people.len()].clone());
        callers.push(tokio::spawn(async move { reader.user(user, None).await }));
    }
    for hung_up in callers.iter().step_by(2) {
        hung_up.abort();
    }
    for (n, stayed) in callers.into_iter().enumerate().skip(1).step_by(2) {
        assert_eq!(stayed.await.unwrap().unwrap().user_id, people[n % people.len()]);
    }
    books.prove().await;
}

async fn a_full_queue_refuses_at_once(database: Database) {
    let books = Books::open(&database).await;
    let reader = reader(&books, Settings { statements: 1, queue: 5, batch: 2 });
    // One poll of each caller, before the reader gets to run on this thread's behalf again.
    let answers = join_all((0..200).map(|_| reader.user(user("payer"), None))).await;
    let overloaded = answers.iter().filter(|answer| **answer == Err(ReadError::Overloaded)).count();
    let read = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(overloaded + read, 200, "{answers:?}");
    assert!(overloaded > 0 && read >= 5, "{read} read");
    books.prove().await;
}

async fn closing_answers_what_was_taken(database: Database) {
    let books = Books::open(&database).await;
    let people = people(&books).await;
    let reader = reader(&books, Settings { statements: 2, queue: 500, batch: 3 });
    let callers: Vec<_> = people
        .iter()
        .cycle()
        .take(60)
        .map(|user| Box::pin(reader.user(user.clone(), None)))
        .collect();
    let (answers, ()) = tokio::join!(join_all(callers), reader.clone().close());
    for (user, answer) in people.iter().cycle().zip(answers) {
        assert_eq!(answer.unwrap().user_id, *user);
    }
    assert_eq!(reader.user(user("late"), None).await, Err(ReadError::Closed));
    books.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_unavailable_and_is_read_once_it_is_back() {
    let database = Database::postgres().await;
    let wire = Wire::to(&database).await;
    let books = Books::open(&database.through(&wire.address)).await;
    let people = people(&books).await;
    let reader = reader(&books, SETTINGS);
    wire.go_down();
    for answer in join_all(people.iter().map(|user| reader.user(user.clone(), None))).await {
        assert_eq!(answer, Err(ReadError::Unavailable));
    }
    wire.come_back();
    for user in &people {
        assert_eq!(reader.user(user.clone(), None).await.unwrap(), books.view(user).await);
    }
    books.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_died_while_nobody_looked_cost_no_call() {
    let database = Database::postgres().await;
    let books = Books::open(&database).await;
    let reader = reader(&books, SETTINGS);
    let other = database.open_with(1).await;
    for _ in 0..5 {
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        other.connection.execute_unprepared(kill).await.unwrap();
        assert_eq!(reader.user(user("payer"), None).await.unwrap().version, 0);
    }
    other.connection.close().await.unwrap();
    books.committer.close().await;
}
