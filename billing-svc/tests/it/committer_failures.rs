//! A connection that is lost at the worst moment: the caller is told that nobody knows, and can learn it.

use billing_svc::committer::SubmitError;
use billing_svc::ledger::*;
use futures::future::join_all;
use sea_orm::ConnectionTrait;

use crate::books::*;
use crate::harness::Database;
use crate::wire::{Cut, Wire};

on_both!(a_command_that_can_never_be_written_fails_alone);

async fn a_command_that_can_never_be_written_fails_alone(database: Database) {
    let books = Books::open(&database).await;
    let payer = user("payer");
    books.top_up(&payer, 600).await;
    let taken = books.charge(&payer, "first").await.operation_id;
    // Of a new user: whatever is written for them before the id is found to be taken must go.
    let Command::Charge(mut guilty) = charge(&user("new"), "guilty") else { unreachable!() };
    guilty.operation_id = taken;
    let guilty = Command::Charge(guilty);
    let commands = (0..10).map(|n| match n {
        4 => guilty.clone(),
        _ => charge(&payer, &format!("{n}")),
    });
    let answers = join_all(commands.map(|command| books.ask(command))).await;
    for (n, answer) in answers.into_iter().enumerate() {
        match n {
            4 => assert_eq!(answer, Err(SubmitError::Internal)),
            _ => assert!(matches!(answer, Ok(Ok(_))), "{answer:?}"),
        }
    }
    assert_eq!(books.view(&user("new")).await.version, 0, "nothing of it was written");
    books.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_learned_by_asking_again() {
    learned_after(Cut::AfterCommit, charge_6).await;
    learned_after(Cut::AfterCommit, top_up_6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_is_lost_is_learned_by_asking_again() {
    learned_after(Cut::BeforeCommit, charge_6).await;
    learned_after(Cut::BeforeCommit, top_up_6).await;
}

/// Written without locks, so that the statement is the commit.
fn charge_6(user: &UserId, request_id: &str) -> Command {
    charge(user, request_id)
}

/// Written with locks.
fn top_up_6(user: &UserId, request_id: &str) -> Command {
    top_up(user, request_id, 6)
}

async fn learned_after(cut: Cut, command: fn(&UserId, &str) -> Command) {
    let database = Database::postgres().await;
    let wire = Wire::to(&database).await;
    let books = Books::open(&database.through(&wire.address)).await;
    let payer = user("payer");
    books.top_up(&payer, 600).await;

    wire.cut_next(cut);
    let commands = (0..5).map(|n| command(&payer, &format!("{n}")));
    let answers = join_all(commands.map(|command| books.ask(command))).await;
    let unknown = answers.iter().filter(|a| **a == Err(SubmitError::OutcomeUnknown)).count();
    let done = answers.iter().filter(|a| matches!(a, Ok(Ok(_)))).count();
    assert_eq!(unknown + done, 5, "{answers:?}");
    assert!(unknown > 0, "one batch was cut: {answers:?}");

    let mut replays = 0;
    for n in 0..5 {
        match books.ask(command(&payer, &format!("{n}"))).await.unwrap().unwrap() {
            Outcome::Operation { replayed, .. } | Outcome::Adjusted { replayed, .. } => {
                replays += usize::from(replayed);
            }
            other => panic!("{other:?}"),
        }
    }
    match cut {
        Cut::AfterCommit => assert_eq!(replays, 5, "all of it was written"),
        Cut::BeforeCommit => assert_eq!(replays, done, "what was cut was not written"),
        Cut::Not => unreachable!(),
    }
    let view = books.view(&payer).await;
    assert_eq!(view.balance, Amount::units(if view.held > Amount::ZERO { 570 } else { 630 }));
    books.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_unavailable_and_nothing_else() {
    let database = Database::postgres().await;
    let wire = Wire::to(&database).await;
    let books = Books::open(&database.through(&wire.address)).await;
    let payer = user("payer");
    books.top_up(&payer, 600).await;
    wire.go_down();
    let commands = (0..3).map(|n| charge(&payer, &format!("{n}")));
    for answer in join_all(commands.map(|command| books.ask(command))).await {
        assert_eq!(answer, Err(SubmitError::Unavailable));
    }
    assert!(books.store.ping().await.is_err());
    wire.come_back();
    for n in 0..3 {
        let outcome = books.ask(charge(&payer, &format!("{n}"))).await.unwrap();
        assert!(matches!(outcome, Ok(Outcome::Operation { replayed: false, .. })), "{outcome:?}");
    }
    books.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_died_between_batches_are_replaced() {
    let database = Database::postgres().await;
    let books = Books::open(&database).await;
    let payer = user("payer");
    books.top_up(&payer, 600).await;
    let other = Books::open(&database).await;
    for n in 0..5 {
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        other.database.connection.execute_unprepared(kill).await.unwrap();
        books.charge(&payer, &format!("{n}")).await;
    }
    assert_eq!(books.view(&payer).await.held, Amount::units(30));
    other.prove().await;
    books.prove().await;
}
