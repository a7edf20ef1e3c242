//! Archived operations: whatever could be asked before is answered as before.

use std::collections::BTreeMap;
use std::time::Duration;

use billing_svc::ledger::*;
use billing_svc::store::{FindUsers, Old, Store, StoreError};
use billing_svc::verify;

use crate::books::*;
use crate::harness::Database;
use crate::memory::Memory;
use crate::random::Asker;

on_all!(
    what_was_told_is_told_as_before,
    repeated_charges_are_answered_as_before,
    each_end_is_answered_as_before,
    random_batches_end_as_in_memory_while_all_that_is_settled_is_archived,
);

/// Everything is older.
pub const EVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// Archives all that were settled by then, a few at a time; answers to how many.
pub async fn archive(store: &Store, until: Timestamp) -> u64 {
    let (mut moved, mut last) = (0, None);
    loop {
        let page = store.old_operations(until, last, 3).await.unwrap();
        let Some(end) = page.last() else { return moved };
        last = Some(end.operation_id);
        moved += archive_page(store, &page, until).await;
    }
}

/// However often it loses a race, or meets another who archives.
pub async fn archive_page(store: &Store, page: &[Old], until: Timestamp) -> u64 {
    loop {
        match store.archive(page.to_vec(), until).await {
            Ok(Some(moved)) => return moved,
            Ok(None) | Err(StoreError::Retryable(_)) => tokio::task::yield_now().await,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// An operation of each kind, by its request: open, done, given back, given back in part, free, declined.
pub async fn write_history(books: &Books, payer: &UserId) -> BTreeMap<&'static str, Operation> {
    let id = |name: &str| format!("{payer}-{name}");
    books.ask(top_up(payer, &id("top-up"), 40)).await.unwrap().unwrap();
    let mut made = BTreeMap::new();
    for name in ["done", "open", "back", "part", "free"] {
        let Command::Charge(mut asked) = charge(payer, &id(name)) else { unreachable!() };
        asked.labels = BTreeMap::from([("chat".to_owned(), "ключ \"5\"".to_owned())]);
        asked.hold = Some(Duration::new(3600, 1));
        asked.max_price = Some(Amount::units(60));
        if name == "free" {
            asked.kind = Kind::parse("generate").unwrap();
            asked.quantity = 2;
        }
        made.insert(name, operation(books.ask(Command::Charge(asked)).await.unwrap()));
    }
    for name in ["done", "part", "free"] {
        books.ask(complete(&made[name])).await.unwrap().unwrap();
    }
    books.ask(refund(&made["back"])).await.unwrap().unwrap();
    books.ask(refund_of(&made["part"], Some(Amount::units(2)))).await.unwrap().unwrap();

    let Command::Charge(mut poor) = charge(payer, &id("poor")) else { unreachable!() };
    poor.quantity = 100;
    match books.ask(Command::Charge(poor)).await.unwrap() {
        Err(Rejection::InsufficientFunds { operation_id: Some(id), .. }) => {
            made.insert("poor", books.store.operation(id).await.unwrap().unwrap());
        }
        other => panic!("not refused: {other:?}"),
    }
    made
}

/// As an administrator asks.
pub fn refund_of(operation: &Operation, amount: Option<Amount>) -> Command {
    Command::Refund {
        user_id: operation.user_id.clone(),
        operation_id: operation.operation_id,
        reason: RefundReason::CustomerRequest,
        comment: "a comment".to_owned(),
        amount,
        right: RefundRight::Everything,
    }
}

async fn what_was_told_is_told_as_before(database: Database) {
    let books = Books::open(&database).await;
    let users = [user("anna"), user("boris")];
    let mut made = Vec::new();
    for user in &users {
        made.extend(write_history(&books, user).await.into_values());
    }
    let before = told(&books, &users, &made).await;
    assert_eq!(archive(&books.store, EVER).await, 10);
    assert_eq!(told(&books, &users, &made).await, before);

    let report = verify::run(&books.database.connection).await.unwrap();
    assert_eq!((report.operations, report.archived_operations), (12, 10), "{report}");
    // Newer ones on the same page as archived ones.
    let newer = books.charge(&users[0], "newer").await;
    let list = books.store.operations(&users[0], &[], None, 3).await.unwrap();
    assert_eq!(list[0], newer);
    let of_hers = made.iter().filter(|made| made.user_id == users[0]);
    assert_eq!(list[1].operation_id, of_hers.map(|made| made.operation_id).max().unwrap());
    books.prove().await;
}

/// All that can be read of operations.
async fn told(books: &Books, users: &[UserId], made: &[Operation]) -> Vec<String> {
    let store = &books.store;
    let mut told = Vec::new();
    let mut say = |what: &dyn std::fmt::Debug| told.push(format!("{what:#?}"));
    for operation in made {
        let id = operation.operation_id;
        say(&store.operation(id).await.unwrap().unwrap());
        assert_eq!(store.user_of(id).await.unwrap().as_ref(), Some(&operation.user_id));
        assert_eq!(store.owners(&[id]).await.unwrap(), [Some(operation.user_id.clone())]);
        let owner = store.user_of_charge(&operation.request_id).await.unwrap();
        assert_eq!(owner.as_ref(), Some(&operation.user_id));
        for reference in [id.to_string(), operation.request_id.to_string()] {
            let find = FindUsers { reference: Some(reference), ..FindUsers::default() };
            let found = store.find_users(&find, None, 9, EVER).await.unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].user_id, operation.user_id);
        }
    }
    for user in users {
        use OperationState::{Charged, Completed, Declined, Refunded};
        for states in [&[][..], &[Completed], &[Charged, Declined, Refunded]] {
            let mut before = None;
            loop {
                let page = store.operations(user, states, before, 2).await.unwrap();
                say(&page);
                let Some(last) = page.last() else { break };
                before = Some(last.operation_id);
            }
        }
        let mut before = None;
        loop {
            let page = store.history_of(user, before, 2).await.unwrap();
            say(&page);
            let Some(last) = page.last() else { break };
            before = Some(last.id());
        }
        say(&store.entries(user, None, 100).await.unwrap());
        say(&books.view(user).await);
    }
    say(&store.open_holds(EVER).await.unwrap());
    told
}

async fn repeated_charges_are_answered_as_before(database: Database) {
    let books = Books::open(&database).await;
    let payer = user("anna");
    let made = write_history(&books, &payer).await;
    let mut repeats = Vec::new();
    for first in made.values() {
        let Command::Charge(mut again) = charge(&payer, first.request_id.as_str()) else {
            unreachable!()
        };
        again.kind = first.kind.clone();
        again.quantity = first.quantity;
        again.hold = first.hold;
        again.max_price = first.max_price;
        again.labels = first.labels.clone();
        let others = [
            again.clone(),
            Charge { quantity: 9, ..again.clone() },
            Charge { user_id: user("somebody-else"), ..again },
        ];
        repeats.extend(others.map(Command::Charge));
    }
    let ask = async |repeats: &[Command]| {
        let mut answers = Vec::new();
        for repeat in repeats {
            answers.push(books.ask(repeat.clone()).await.unwrap());
        }
        answers
    };
    let before = ask(&repeats).await;
    assert!(before.contains(&Err(Rejection::RequestIdReused { field: "user_id" })));
    assert_eq!(archive(&books.store, EVER).await, 5);
    assert_eq!(ask(&repeats).await, before);
    // Who only asks changes nothing.
    let report = verify::run(&books.database.connection).await.unwrap();
    assert_eq!(report.archived_operations, 5, "{report}");
    books.prove().await;
}

/// Two users have the same past; one's is archived.
async fn each_end_is_answered_as_before(database: Database) {
    let books = Books::open(&database).await;
    let [anna, boris] = [user("anna"), user("boris")];
    let kept = write_history(&books, &anna).await;
    let archived = write_history(&books, &boris).await;
    let page = books.store.old_operations(EVER, None, 100).await.unwrap();
    let page: Vec<Old> = page.into_iter().filter(|old| old.user_id == boris).collect();

    let extend = |of: &Operation| Command::ExtendHold {
        user_id: of.user_id.clone(),
        operation_id: of.operation_id,
        hold: Duration::from_secs(7200),
    };
    let expire = |of: &Operation| Command::Expire {
        user_id: of.user_id.clone(),
        operation_id: of.operation_id,
    };
    let in_part = |of: &Operation| refund_of(of, Some(Amount::units(3)));
    let whole = |of: &Operation| refund_of(of, None);
    // The last ones change what was completed.
    let asked: [&dyn Fn(&Operation) -> Command; 7] =
        [&complete, &refund, &extend, &expire, &in_part, &whole, &complete];
    for asked in asked {
        for name in kept.keys() {
            archive_page(&books.store, &page, EVER).await;
            let [expected, answer] = [&kept[name], &archived[name]].map(|of| books.ask(asked(of)));
            let (expected, answer) = (expected.await.unwrap(), answer.await.unwrap());
            assert_eq!(shape(answer, &archived[name]), shape(expected, &kept[name]), "{name}");
        }
    }
    let [annas, boriss] = [&kept["done"], &archived["done"]].map(|of| of.operation_id);
    let [annas, boriss] = [books.store.operation(annas), books.store.operation(boriss)];
    let (annas, boriss) = (annas.await.unwrap().unwrap(), boriss.await.unwrap().unwrap());
    assert_eq!((annas.state, annas.refunded), (OperationState::Refunded, Amount::units(3)));
    assert_eq!((boriss.state, boriss.refunded), (OperationState::Refunded, Amount::units(3)));
    books.prove().await;
}

/// An answer without whose it is, which and when.
fn shape(answer: Result<Outcome, Rejection>, of: &Operation) -> String {
    let never = Timestamp::from_micros(0);
    let answer = answer.map(|outcome| match outcome {
        Outcome::Operation { mut operation, mut user, replayed } => {
            operation.create_time = never;
            operation.expire_time = never;
            operation.settle_time = operation.settle_time.map(|_| never);
            user.create_time = None;
            Outcome::Operation { operation, user, replayed }
        }
        other => other,
    });
    let signup = GrantId::signup(&of.user_id).to_string();
    format!("{answer:?}")
        .replace(of.user_id.as_str(), "user")
        .replace(&signup, "signup")
        .replace(&of.operation_id.to_string(), "this")
}

/// The rules as memory has them know of no archive.
async fn random_batches_end_as_in_memory_while_all_that_is_settled_is_archived(database: Database) {
    let database = database.open().await;
    let store = Store::new(database.connection.clone());
    let mut memory = Memory::with(store.publish_prices(&prices()).await.unwrap());
    let mut asker = Asker::new(23);
    let mut now = Timestamp::from_micros(1_700_000_000_000_000);
    let mut moved = 0;
    for round in 0..150 {
        now = now.plus(Duration::from_secs(60 * (round % 7)));
        let batch = asker.batch(now);
        let expected = memory.run(&batch, now);
        assert_eq!(decided(&store, &batch, now).await, expected, "round {round}: {batch:#?}");
        asker.learn(&expected);
        moved += archive(&store, EVER).await;
    }
    assert_eq!(Memory::of_store(&store).await, memory.comparable());
    let report = verify::run(&database.connection).await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert!(moved > report.archived_operations, "none came back: {moved}, {report}");
}

/// A batch as it was decided at that time.
pub async fn decided(
    store: &Store,
    batch: &[Command],
    now: Timestamp,
) -> Vec<Result<Outcome, Rejection>> {
    let transaction = store.begin().await.unwrap();
    let state = transaction.load(&needs(&POLICY, batch), now).await.unwrap();
    let decision = decide(&POLICY, state, batch, now);
    transaction.apply(&decision.changes).await.unwrap();
    transaction.commit().await.unwrap();
    decision.outcomes
}
