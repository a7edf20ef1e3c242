//! Many callers at once: nothing double, nothing lost, and each gets its own answer.

use std::time::Duration;

use billing_svc::committer::{Settings, SubmitError};
use billing_svc::ledger::*;
use futures::future::join_all;
use sea_orm::ConnectionTrait;
use tokio::time::Instant;

use crate::books::*;
use crate::harness::Database;

on_all!(
    a_crowd_shares_batches_and_each_gets_its_own_answer,
    the_same_request_at_once_is_charged_once,
    a_request_id_taken_by_another_user_is_refused,
    a_refusal_fails_no_neighbour,
    a_corrupt_row_fails_only_its_own_caller,
    a_caller_that_hangs_up_changes_nothing,
    a_statement_that_is_refused_fails_only_its_own_caller,
    a_deadline_that_passed_writes_nothing,
    a_full_queue_refuses_at_once,
    closing_answers_what_was_taken,
);

async fn a_crowd_shares_batches_and_each_gets_its_own_answer(database: Database) {
    let books = Books::open(&database).await;
    let users: Vec<UserId> = (0..40).map(|n| user(&format!("user-{n}"))).collect();
    join_all(users.iter().map(|user| books.top_up(user, 12))).await;
    let charges = users.iter().flat_map(|user| (0..3).map(move |n| (user, n)));
    let answers =
        join_all(charges.clone().map(|(user, n)| books.ask(charge(user, &format!("{user}-{n}")))))
            .await;
    for ((user, n), answer) in charges.zip(answers) {
        match answer.unwrap() {
            Ok(Outcome::Operation { operation, .. }) => {
                assert_eq!(operation.request_id, request(&format!("{user}-{n}")));
            }
            // Two of three are paid for.
            Err(Rejection::InsufficientFunds { missing, .. }) => {
                assert_eq!(missing, Amount::units(6));
            }
            other => panic!("{other:?}"),
        }
    }
    for user in &users {
        let view = books.view(user).await;
        assert_eq!((view.balance, view.held), (Amount::ZERO, Amount::units(12)));
    }
    books.prove().await;
}

async fn the_same_request_at_once_is_charged_once(database: Database) {
    let books = Books::open(&database).await;
    let payer = user("payer");
    books.top_up(&payer, 600).await;
    let answers = join_all((0..50).map(|_| books.ask(charge(&payer, "the-one")))).await;
    let ids: std::collections::BTreeSet<_> =
        answers.into_iter().map(|answer| operation(answer.unwrap()).operation_id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(books.view(&payer).await.held, Amount::units(6));
    books.prove().await;
}

async fn a_request_id_taken_by_another_user_is_refused(database: Database) {
    let books = Books::open(&database).await;
    let users: Vec<UserId> = (0..8).map(|n| user(&format!("user-{n}"))).collect();
    join_all(users.iter().map(|user| books.top_up(user, 60))).await;
    for round in 0..10 {
        let id = format!("shared-{round}");
        let answers = join_all(users.iter().map(|user| books.ask(charge(user, &id)))).await;
        let (won, lost): (Vec<_>, Vec<_>) =
            answers.into_iter().map(Result::unwrap).partition(Result::is_ok);
        assert_eq!(won.len(), 1, "{won:?}");
        for lost in lost {
            assert_eq!(lost, Err(Rejection::RequestIdReused { field: "user_id" }));
        }
    }
    books.prove().await;
}

async fn a_refusal_fails_no_neighbour(database: Database) {
    let books = Books::open(&database).await;
    let rich = user("rich");
    books.top_up(&rich, 600).await;
    let commands = (0..30).map(|n| match n % 3 {
        0 => charge(&rich, &format!("rich-{n}")),
        1 => charge(&user("poor"), &format!("poor-{n}")),
        _ => Command::Complete {
            user_id: user("poor"),
            operation_id: OperationId(uuid::Uuid::now_v7()),
        },
    });
    let answers = join_all(commands.map(|command| books.ask(command))).await;
    let done = answers.iter().filter(|answer| matches!(answer, Ok(Ok(_)))).count();
    let refused = answers.iter().filter(|answer| matches!(answer, Ok(Err(_)))).count();
    assert_eq!((done, refused), (10, 20));
    books.prove().await;
}

async fn a_corrupt_row_fails_only_its_own_caller(database: Database) {
    let books = Books::open(&database).await;
    let (good, bad) = (user("good"), user("bad"));
    books.top_up(&good, 600).await;
    books.top_up(&bad, 60).await;
    let broken = books.charge(&bad, "broken").await;
    let tamper = |sql: &'static str| books.database.connection.execute_unprepared(sql);
    tamper("UPDATE operations SET labels = 'not json' WHERE request_id = 'broken'").await.unwrap();

    let commands = (0..20).map(|n| match n {
        7 => complete(&broken),
        _ => charge(&good, &format!("good-{n}")),
    });
    let answers = join_all(commands.map(|command| books.ask(command))).await;
    for (n, answer) in answers.into_iter().enumerate() {
        match n {
            7 => assert_eq!(answer, Err(SubmitError::Internal)),
            _ => assert!(matches!(answer, Ok(Ok(_))), "{answer:?}"),
        }
    }
    tamper("UPDATE operations SET labels = '{}' WHERE request_id = 'broken'").await.unwrap();
    books.ask(complete(&broken)).await.unwrap().unwrap();
    books.prove().await;
}

async fn a_caller_that_hangs_up_changes_nothing(database: Database) {
    let books = Books::open(&database).await;
    let payer = user("payer");
    books.top_up(&payer, 600).await;
    let mut callers = Vec::new();
    for n in 0..40 {
        let (committer, command) = (books.committer.clone(), charge(&payer, &format!("{n}")));
        callers.push(tokio::spawn(async move { committer.submit(command, None).await }));
    }
    for hung_up in callers.iter().step_by(2) {
        hung_up.abort();
    }
    for stayed in callers.into_iter().skip(1).step_by(2) {
        operation(stayed.await.unwrap().unwrap());
    }
    // Whatever became of the others: the same request again learns it.
    for n in 0..40 {
        books.charge(&payer, &format!("{n}")).await;
    }
    assert_eq!(books.view(&payer).await.held, Amount::units(240));
    books.prove().await;
}

async fn a_deadline_that_passed_writes_nothing(database: Database) {
    let books = Books::with(&database, Settings { lanes: 1, queue: 10, batch: 1 }).await;
    let payer = user("payer");
    let late = books.committer.submit(top_up(&payer, "late", 5), Some(Instant::now())).await;
    assert_eq!(late, Err(SubmitError::DeadlinePassed));

    // Another holds what the lane needs, for as long as it takes the deadline to pass.
    books.top_up(&payer, 1).await;
    let other = books.store.begin().await.unwrap();
    let needs = Needs { users: [payer.clone()].into(), ..Needs::default() };
    other.load(&needs, now()).await.unwrap();
    let patient = books.ask(top_up(&payer, "patient", 2));
    let soon = Instant::now() + Duration::from_millis(100);
    let hasty = async {
        let hasty = books.committer.submit(top_up(&payer, "hasty", 5), Some(soon)).await;
        assert_eq!(hasty, Err(SubmitError::OutcomeUnknown), "its caller can't know");
        other.roll_back().await.unwrap();
    };
    // The patient one first: it is in a batch of its own, waiting, while the hasty one waits behind it.
    let (patient, ()) = tokio::join!(patient, hasty);
    patient.unwrap().unwrap();
    books.top_up(&payer, 4).await;
    assert_eq!(books.view(&payer).await.balance, Amount::units(7));
    books.prove().await;
}

async fn a_statement_that_is_refused_fails_only_its_own_caller(database: Database) {
    let books = Books::open(&database).await;
    let (good, bad) = (user("good"), user("bad"));
    books.top_up(&good, 600).await;
    let Command::Charge(mut free) = charge(&bad, "free") else { unreachable!() };
    free.kind = Kind::parse("generate").unwrap();
    let held = operation(books.ask(Command::Charge(free)).await.unwrap());
    let tamper = |sql: &'static str| books.database.connection.execute_unprepared(sql);
    // What comes back would be more than was given, which a CHECK forbids.
    tamper("UPDATE grants SET remaining = 3 WHERE user_id = 'bad'").await.unwrap();
    let commands = (0..10).map(|n| match n {
        3 => refund(&held),
        _ => charge(&good, &format!("good-{n}")),
    });
    let answers = join_all(commands.map(|command| books.ask(command))).await;
    for (n, answer) in answers.into_iter().enumerate() {
        match n {
            3 => assert_eq!(answer, Err(SubmitError::Internal)),
            _ => assert!(matches!(answer, Ok(Ok(_))), "{answer:?}"),
        }
    }
    tamper("UPDATE grants SET remaining = 2 WHERE user_id = 'bad'").await.unwrap();
    books.ask(refund(&held)).await.unwrap().unwrap();
    books.prove().await;
}

async fn a_full_queue_refuses_at_once(database: Database) {
    let books = Books::with(&database, Settings { lanes: 1, queue: 5, batch: 2 }).await;
    let payer = user("payer");
    books.top_up(&payer, 600).await;
    // One poll of each caller, before the lane gets to run on this thread's behalf again.
    let answers = join_all((0..200).map(|n| books.ask(charge(&payer, &format!("{n}"))))).await;
    let overloaded =
        answers.iter().filter(|answer| matches!(answer, Err(SubmitError::Overloaded))).count();
    let done = answers.iter().filter(|answer| matches!(answer, Ok(Ok(_)))).count();
    assert_eq!(overloaded + done, 200, "{answers:?}");
    assert!(overloaded > 0 && done >= 5, "{done} done");
    assert_eq!(books.view(&payer).await.held, Amount::units(6 * done as i64));
    books.prove().await;
}

async fn closing_answers_what_was_taken(database: Database) {
    let books = Books::with(&database, Settings { lanes: 2, queue: 500, batch: 3 }).await;
    let payer = user("payer");
    books.top_up(&payer, 600).await;
    let callers: Vec<_> =
        (0..60).map(|n| Box::pin(books.ask(charge(&payer, &format!("{n}"))))).collect();
    let (answers, ()) = tokio::join!(join_all(callers), books.committer.clone().close());
    for answer in answers {
        operation(answer.unwrap());
    }
    assert_eq!(books.ask(charge(&payer, "late")).await, Err(SubmitError::Closed));
    assert_eq!(books.view(&payer).await.held, Amount::units(360));
    books.prove().await;
}
