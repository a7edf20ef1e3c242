//! Transactions that lock nothing: what they write stands only where nobody was faster.

use std::collections::BTreeSet;
use std::time::Duration;

use billing_svc::ledger::*;
use billing_svc::store::{Store, StoreError, Transaction};
use billing_svc::verify;

use crate::archive::archive;
use crate::books::*;
use crate::harness::Database;
use crate::memory::Memory;
use crate::random::Asker;

on_postgres!(
    random_batches_without_locks_end_as_in_memory,
    what_another_changed_meanwhile_is_a_conflict_and_nothing_is_written,
    a_batch_that_meets_another_instance_is_run_again,
    what_is_in_the_archive_needs_locks,
);

async fn random_batches_without_locks_end_as_in_memory(database: Database) {
    let database = database.open().await;
    let store = Store::new(database.connection.clone());
    assert!(store.can_compare());
    let mut memory = Memory::with(store.publish_prices(&prices()).await.unwrap());
    let mut asker = Asker::new(23);
    let mut now = Timestamp::from_micros(1_700_000_000_000_000);
    let mut compared = 0;
    for round in 0..300 {
        now = now.plus(Duration::from_secs(60 * (round % 7)));
        let batch = asker.batch(now);
        let (alone, others): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(Command::is_of_one_user);
        for batch in [others, alone] {
            let expected = memory.run(&batch, now);
            let transaction = match batch.iter().all(Command::is_of_one_user) {
                true => store.begin_comparing().await.unwrap(),
                false => store.begin().await.unwrap(),
            };
            let decision = decided(&transaction, &batch, now).await;
            compared += usize::from(batch.iter().all(Command::is_of_one_user));
            if !decision.changes.is_empty() {
                transaction.apply(&decision.changes).await.unwrap();
            }
            transaction.commit().await.unwrap();
            assert_eq!(decision.outcomes, expected, "round {round}: {batch:#?}");
            asker.learn(&expected);
        }
    }
    assert!(compared >= 300, "{compared}");
    assert_eq!(Memory::of_store(&store).await, memory.comparable());
    let report = verify::run(&database.connection).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

async fn decided(transaction: &Transaction, batch: &[Command], now: Timestamp) -> Decision {
    let state = transaction.load(&needs(&POLICY, batch), now).await.unwrap();
    decide(&POLICY, state, batch, now)
}

async fn what_another_changed_meanwhile_is_a_conflict_and_nothing_is_written(database: Database) {
    let books = Books::open(&database).await;
    let (payer, other, new) = (user("payer"), user("other"), user("new"));
    books.top_up(&payer, 600).await;
    books.top_up(&other, 600).await;
    let held = books.charge(&payer, "held").await;
    let grant = GrantId(uuid::Uuid::now_v7());
    let given = Command::GrantCredits(GrantCredits {
        user_id: payer.clone(),
        request_id: request("grant"),
        grant_id: grant,
        credits: Credits { unit: Unit::Money, amount: 5_000_000 },
        kind: GrantKind::Promo,
        priority: 0,
        expire_time: None,
        reason: String::new(),
        caller: "test".to_owned(),
    });
    let changes = [
        charge(&payer, "faster"),
        top_up(&payer, "top-up", 5),
        given,
        Command::RevokeGrant {
            user_id: payer.clone(),
            grant_id: grant,
            by: Administrator {
                request_id: request("revoke"),
                caller: "test".to_owned(),
                reason: "a test".to_owned(),
            },
        },
        complete(&held),
        free_of_charge(&new, "first-of-the-new-one"),
    ];
    for (n, change) in changes.into_iter().enumerate() {
        // Another's row comes first, and what is new in any case.
        let batch = [
            charge(&other, &format!("other-{n}")),
            charge(&payer, &format!("{n}")),
            free_of_charge(&new, &format!("new-{n}")),
        ];
        let transaction = books.store.begin_comparing().await.unwrap();
        let decision = decided(&transaction, &batch, now()).await;
        assert!(decision.outcomes.iter().all(Result::is_ok), "{:?}", decision.outcomes);
        let name = change.name();
        books.ask(change).await.unwrap().unwrap();
        let before = Memory::of_store(&books.store).await;

        let error = transaction.apply(&decision.changes).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict(_)), "{name}: {error:?}");
        assert_eq!(Memory::of_store(&books.store).await, before, "{name}");
    }
    books.prove().await;
}

fn free_of_charge(user: &UserId, request_id: &str) -> Command {
    let Command::Charge(charge) = charge(user, request_id) else { unreachable!() };
    Command::Charge(Charge { kind: Kind::parse("gift").unwrap(), ..charge })
}

async fn a_batch_that_meets_another_instance_is_run_again(database: Database) {
    let instances = [Books::open(&database).await, Books::open(&database).await];
    let payer = user("payer");
    instances[0].top_up(&payer, 6 * 400).await;
    let charges = (0..400).map(|n| {
        let instance = &instances[n % 2];
        let payer = payer.clone();
        async move { instance.charge(&payer, &format!("{n}")).await.operation_id }
    });
    let ids: BTreeSet<_> = futures::future::join_all(charges).await.into_iter().collect();
    assert_eq!(ids.len(), 400);
    let view = instances[0].view(&payer).await;
    assert_eq!((view.paid_balance, view.held), (Amount::ZERO, Amount::units(6 * 400)));
    let [first, second] = instances;
    first.committer.close().await;
    second.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_of_the_same_users_in_any_order_wait_but_never_for_each_other() {
    let database = Database::postgres().await;
    let books = Books::open(&database).await;
    let users: Vec<UserId> = (0..20).map(|n| user(&format!("user-{n}"))).collect();
    futures::future::join_all(users.iter().map(|user| books.top_up(user, 6000))).await;
    let mut lost = 0;
    for round in 0..40 {
        let mut written = Vec::new();
        for backwards in [false, true] {
            let name = |n: usize| format!("{round}-{backwards}-{n}");
            let mut batch: Vec<Command> =
                users.iter().enumerate().map(|(n, user)| charge(user, &name(n))).collect();
            if backwards {
                batch.reverse();
            }
            let transaction = books.store.begin_comparing().await.unwrap();
            let changes = decided(&transaction, &batch, now()).await.changes;
            written.push(async move { transaction.apply(&changes).await });
        }
        let both = futures::future::join_all(written.into_iter().map(tokio::spawn)).await;
        for end in both.into_iter().map(Result::unwrap) {
            match end {
                Ok(()) => {}
                // A deadlock would be retryable.
                Err(StoreError::Conflict(_)) => lost += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    assert_eq!(lost, 40, "one of two");
    books.prove().await;
}

async fn what_is_in_the_archive_needs_locks(database: Database) {
    let books = Books::open(&database).await;
    let payer = user("payer");
    books.top_up(&payer, 60).await;
    let done = books.charge(&payer, "1").await;
    books.ask(complete(&done)).await.unwrap().unwrap();
    assert_eq!(archive(&books.store, now().plus(Duration::from_secs(1))).await, 1);

    let batch = [refund(&done)];
    let transaction = books.store.begin_comparing().await.unwrap();
    let error = transaction.load(&needs(&POLICY, &batch), now()).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
    drop(transaction);
    let refused = books.ask(refund(&done)).await.unwrap();
    assert!(refused.is_err(), "it was delivered: {refused:?}");
    let replay = books.ask(charge(&payer, "1")).await.unwrap().unwrap();
    assert!(matches!(replay, Outcome::Operation { replayed: true, .. }), "{replay:?}");
    books.prove().await;
}

/// Else a change of another could go unnoticed.
#[test]
fn whoever_has_something_written_has_a_version_of_their_own_for_it() {
    let mut memory = Memory::with(PriceList { version: 1, prices: prices() });
    let mut asker = Asker::new(5);
    let mut now = Timestamp::from_micros(1_700_000_000_000_000);
    let mut seen = 0;
    for round in 0..600 {
        now = now.plus(Duration::from_secs(60 * (round % 7)));
        let batch = asker.batch(now);
        let before = memory.state.clone();
        let changes = decide(&POLICY, before.clone(), &batch, now).changes;
        assert_eq!(changes.users.len(), changes.versions.len());
        for (user, loaded) in changes.users.iter().zip(&changes.versions) {
            assert_eq!(*loaded, before.users[&user.user_id].version, "{user:?}");
            assert!(user.version > *loaded, "{user:?}");
        }
        let raised: BTreeSet<&UserId> =
            changes.users.iter().chain(&changes.new_users).map(|user| &user.user_id).collect();
        let declined = |operation: &&Operation| operation.state != OperationState::Declined;
        let touched = (changes.entries.iter().map(|row| &row.user_id))
            .chain(changes.events.iter().map(|row| &row.user_id))
            .chain(changes.grants.iter().chain(&changes.new_grants).map(|row| &row.user_id))
            .chain(changes.operations.iter().map(|row| &row.user_id))
            .chain(changes.new_operations.iter().filter(declined).map(|row| &row.user_id));
        for user in touched {
            assert!(raised.contains(user), "{user} in {batch:#?}");
            seen += 1;
        }
        asker.learn(&memory.run(&batch, now));
    }
    assert!(seen > 1000, "{seen}");
}
