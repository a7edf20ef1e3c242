//! Two instances on one PostgreSQL: side by side, never double.

use std::collections::BTreeSet;
use std::time::Duration;

use billing_svc::committer::SubmitError;
use billing_svc::ledger::*;
use billing_svc::sweeper;
use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::books::*;
use crate::harness::Database;

on_postgres!(
    two_instances_charge_the_same_requests_once,
    two_instances_and_one_request_id_of_many_users,
    sweepers_side_by_side_give_each_hold_back_once,
);

async fn two_instances_charge_the_same_requests_once(database: Database) {
    let instances = [Books::open(&database).await, Books::open(&database).await];
    let users: Vec<UserId> = (0..10).map(|n| user(&format!("user-{n}"))).collect();
    // Both may create a user at once.
    let top_ups = instances.iter().flat_map(|books| {
        users.iter().map(move |user| books.ask(top_up(user, &format!("top-up-{user}"), 60)))
    });
    for answer in join_all(top_ups).await {
        answer.unwrap().unwrap();
    }
    for round in 0..6 {
        let both = instances.iter().flat_map(|books| {
            users.iter().map(move |user| books.ask(charge(user, &format!("{user}-{round}"))))
        });
        let answers: Vec<Operation> =
            join_all(both).await.into_iter().map(|answer| operation(answer.unwrap())).collect();
        let ids: BTreeSet<_> = answers.iter().map(|operation| operation.operation_id).collect();
        assert_eq!(ids.len(), users.len(), "each request has one operation");

        // One completes what the other gives back: one of them wins.
        let ends = answers[..users.len()].iter().flat_map(|operation| {
            [instances[0].ask(complete(operation)), instances[1].ask(refund(operation))]
        });
        let ends: Vec<_> = join_all(ends).await.into_iter().map(Result::unwrap).collect();
        for pair in ends.chunks(2) {
            let won = pair.iter().filter(|answer| answer.is_ok()).count();
            assert_eq!(won, 1, "settled once: {pair:?}");
        }
    }
    let [first, second] = instances;
    first.committer.close().await;
    second.prove().await;
}

async fn two_instances_and_one_request_id_of_many_users(database: Database) {
    let instances = [Books::open(&database).await, Books::open(&database).await];
    let users: Vec<UserId> = (0..6).map(|n| user(&format!("user-{n}"))).collect();
    join_all(users.iter().map(|user| instances[0].top_up(user, 60))).await;
    for round in 0..8 {
        let id = format!("shared-{round}");
        let asked = users.iter().enumerate();
        let asked = asked.map(|(n, user)| instances[n % 2].ask(charge(user, &id)));
        let answers: Vec<_> = join_all(asked).await.into_iter().map(Result::unwrap).collect();
        let won = answers.iter().filter(|answer| answer.is_ok()).count();
        let reused = Err(Rejection::RequestIdReused { field: "user_id" });
        let lost = answers.iter().filter(|answer| **answer == reused).count();
        assert_eq!((won, lost), (1, 5), "{answers:?}");
    }
    let [first, second] = instances;
    first.committer.close().await;
    second.prove().await;
}

async fn sweepers_side_by_side_give_each_hold_back_once(database: Database) {
    swept_by(&[Books::open(&database).await, Books::open(&database).await]).await;
    Books::open(&database).await.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweeper_gives_every_page_of_holds_back() {
    let database = Database::sqlite();
    let books = Books::open(&database).await;
    swept_by(std::slice::from_ref(&books)).await;
    books.prove().await;
}

/// More holds than a page, all over at once; and a grant.
async fn swept_by(instances: &[Books]) {
    const HOLDS: i64 = 230;
    let books = &instances[0];
    let payer = user("payer");
    books.top_up(&payer, 6 * HOLDS).await;
    let holds = (0..HOLDS).map(|n| {
        let Command::Charge(mut charge) = charge(&payer, &format!("{n}")) else { unreachable!() };
        charge.hold = Some(Duration::from_millis(1));
        books.ask(Command::Charge(charge))
    });
    for answer in join_all(holds).await {
        operation(answer.unwrap());
    }
    let grant = Command::GrantCredits(GrantCredits {
        user_id: payer.clone(),
        request_id: request("grant"),
        grant_id: GrantId(uuid::Uuid::now_v7()),
        credits: Credits { unit: Unit::Money, amount: 5_000_000 },
        kind: GrantKind::Promo,
        priority: 0,
        expire_time: Some(now().plus(Duration::from_millis(300))),
        reason: String::new(),
        caller: "test".to_owned(),
    });
    books.ask(grant).await.unwrap().unwrap();

    let shutdown = CancellationToken::new();
    let sweepers: Vec<_> = instances
        .iter()
        .map(|books| {
            let interval = Duration::from_millis(20);
            let (store, committer) = (books.store.clone(), books.committer.clone());
            tokio::spawn(sweeper::run(store, committer, interval, shutdown.clone()))
        })
        .collect();
    loop {
        let later = now().plus(Duration::from_secs(60));
        let holds = books.store.due_holds(later, None, 1).await.unwrap();
        let grants = books.store.due_grants(later, None, 1).await.unwrap();
        if holds.is_empty() && grants.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    shutdown.cancel();
    for sweeper in sweepers {
        sweeper.await.unwrap();
    }
    let view = books.view(&payer).await;
    assert_eq!((view.balance, view.held), (Amount::units(6 * HOLDS), Amount::ZERO));
    let back =
        books.store.operations(&payer, &[OperationState::Refunded], None, 1000).await.unwrap();
    assert_eq!(back.len(), HOLDS as usize);
    assert!(back.iter().all(|o| o.refund_reason == Some(RefundReason::Expired)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_extended_meanwhile_is_not_swept() {
    let books = Books::open(&Database::sqlite()).await;
    let payer = user("payer");
    books.top_up(&payer, 6).await;
    let held = books.charge(&payer, "1").await;
    let expire = Command::Expire { user_id: payer.clone(), operation_id: held.operation_id };
    let answer: Result<_, SubmitError> = books.ask(expire).await;
    assert_eq!(answer.unwrap(), Ok(Outcome::Swept { changed: false }));
    assert_eq!(books.view(&payer).await.held, Amount::units(6));
    books.prove().await;
}
