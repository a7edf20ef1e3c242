//! What the store keeps is what the ledger decided, on both databases.

use std::time::Duration;

use billing_svc::ledger::*;
use billing_svc::store::{Store, StoreError};

use crate::books::*;
use crate::harness::Database;
use crate::memory::Memory;
use crate::random::Asker;

on_all!(
    random_batches_end_as_in_memory,
    batches_of_any_size_are_written_whole,
    the_committer_answers_as_memory_does,
    what_is_not_committed_is_not_there,
    a_user_with_a_name_of_any_kind_is_found_again,
    lists_are_newest_first_and_of_their_owner,
    the_same_prices_are_published_once,
    the_prices_to_begin_with_undo_nobodys,
    what_is_due_comes_in_pages,
    operations_of_others_are_not_found,
    a_row_that_is_gone_is_noticed,
);

async fn random_batches_end_as_in_memory(database: Database) {
    let database = database.open().await;
    let store = Store::new(database.connection.clone());
    let mut memory = Memory::with(store.publish_prices(&prices()).await.unwrap());
    let mut asker = Asker::new(7);
    let mut now = Timestamp::from_micros(1_700_000_000_000_000);
    for round in 0..300 {
        now = now.plus(Duration::from_secs(60 * (round % 7)));
        let batch = asker.batch(now);
        let expected = memory.run(&batch, now);

        let transaction = store.begin().await.unwrap();
        let state = transaction.load(&needs(&POLICY, &batch), now).await.unwrap();
        let decision = decide(&POLICY, state, &batch, now);
        transaction.apply(&decision.changes).await.unwrap();
        transaction.commit().await.unwrap();

        assert_eq!(decision.outcomes, expected, "round {round}: {batch:#?}");
        asker.learn(&expected);
    }
    assert_eq!(Memory::of_store(&store).await, memory.comparable());
    let report = billing_svc::verify::run(&database.connection).await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert!(report.operations > 50 && report.entries > 100, "too little happened: {report}");
    assert!(report.payments > 20 && report.payment_refunds > 20, "too little was paid: {report}");
    assert!(report.events > 100 && report.topups.len() > 1, "too little was told: {report}");
}

/// SQLite takes rows by powers of two: sizes around them, and some that need many.
async fn batches_of_any_size_are_written_whole(database: Database) {
    let books = Books::open(&database).await;
    let mut memory = Memory::with(books.store.prices().await.unwrap());
    for size in [1, 2, 3, 7, 127, 128, 129, 300, 511] {
        let users: Vec<_> = (0..size).map(|number| user(&format!("{size}:{number}"))).collect();
        let top_ups = users.iter().map(|user| top_up(user, &format!("t:{}", user.as_str()), 10));
        let charges = users.iter().map(|user| charge(user, &format!("c:{}", user.as_str())));
        for batch in [top_ups.collect::<Vec<_>>(), charges.collect()] {
            let now = now();
            let expected = memory.run(&batch, now);
            let transaction = books.store.begin().await.unwrap();
            let state = transaction.load(&needs(&POLICY, &batch), now).await.unwrap();
            let decision = decide(&POLICY, state, &batch, now);
            transaction.apply(&decision.changes).await.unwrap();
            transaction.commit().await.unwrap();
            assert_eq!(decision.outcomes, expected, "{size}");
        }
    }
    assert_eq!(Memory::of_store(&books.store).await, memory.comparable());
    books.prove().await;
}

async fn the_committer_answers_as_memory_does(database: Database) {
    let books = Books::open(&database).await;
    let mut memory = Memory::with(books.store.prices().await.unwrap());
    let mut asker = Asker::new(11);
    for round in 0..40 {
        // Nothing ends within the test, so that only the times differ.
        let mut batch = asker.batch(now());
        batch.retain(|command| {
            !matches!(command, Command::GrantCredits(grant) if grant.expire_time.is_some())
        });
        let expected = memory.run(&batch, now());
        let mut outcomes = Vec::new();
        for command in batch.clone() {
            outcomes.push(books.ask(command).await.unwrap());
        }
        let [outcomes, expected] = [outcomes, expected].map(|list| {
            let list: Vec<_> = list.into_iter().map(without_times).collect();
            list
        });
        assert_eq!(outcomes, expected, "round {round}: {batch:#?}");
        asker.learn(&outcomes);
    }
    books.prove().await;
}

fn without_times(outcome: Result<Outcome, Rejection>) -> Result<Outcome, Rejection> {
    const NEVER: Timestamp = Timestamp::from_micros(0);
    let of_user = |user: UserView| UserView { create_time: None, ..user };
    outcome.map(|outcome| match outcome {
        Outcome::Operation { operation, user, replayed } => Outcome::Operation {
            operation: Operation {
                create_time: NEVER,
                expire_time: NEVER,
                settle_time: None,
                ..operation
            },
            user: of_user(user),
            replayed,
        },
        Outcome::Adjusted { user, replayed } => Outcome::Adjusted { user: of_user(user), replayed },
        Outcome::Granted { grant, user, replayed } => Outcome::Granted {
            grant: Grant { create_time: NEVER, ..grant },
            user: of_user(user),
            replayed,
        },
        Outcome::Payment { payment, refunds, refund_id, user, replayed } => Outcome::Payment {
            payment: Payment {
                create_time: NEVER,
                update_time: NEVER,
                paid_time: payment.paid_time.map(|_| NEVER),
                credit_time: payment.credit_time.map(|_| NEVER),
                ..payment
            },
            refunds: refunds.into_iter().map(without_times_of_refund).collect(),
            refund_id,
            user: of_user(user),
            replayed,
        },
        Outcome::PromoCode { promo_code, replayed } => Outcome::PromoCode {
            promo_code: PromoCode { create_time: NEVER, ..promo_code },
            replayed,
        },
        same @ (Outcome::Prices { .. }
        | Outcome::Referred { .. }
        | Outcome::ReferralCode { .. }
        | Outcome::Swept { .. }) => same,
    })
}

fn without_times_of_refund(refund: PaymentRefund) -> PaymentRefund {
    const NEVER: Timestamp = Timestamp::from_micros(0);
    PaymentRefund {
        create_time: NEVER,
        settle_time: refund.settle_time.map(|_| NEVER),
        next_try: refund.next_try.map(|_| NEVER),
        ..refund
    }
}

async fn what_is_not_committed_is_not_there(database: Database) {
    let books = Books::open(&database).await;
    let payer = user("payer");
    books.top_up(&payer, 10).await;
    let before = Memory::of_store(&books.store).await;

    let batch = [charge(&payer, "1"), charge(&user("new"), "2"), top_up(&payer, "3", 5)];
    let transaction = books.store.begin().await.unwrap();
    let state = transaction.load(&needs(&POLICY, &batch), now()).await.unwrap();
    let decision = decide(&POLICY, state, &batch, now());
    transaction.apply(&decision.changes).await.unwrap();
    drop(transaction);

    assert_eq!(Memory::of_store(&books.store).await, before);
    books.charge(&payer, "1").await;
    books.prove().await;
}

async fn a_user_with_a_name_of_any_kind_is_found_again(database: Database) {
    let books = Books::open(&database).await;
    let names = ["a", "A", "Z:1", "z.1", "_", "-", "0", "tg:18446744073709551615", "a-b", "aB"];
    for name in names {
        books.top_up(&user(name), 6).await;
        books.charge(&user(name), &format!("of-{name}")).await;
    }
    for name in names {
        assert_eq!(books.view(&user(name)).await.held, Amount::units(6), "{name}");
    }
    books.prove().await;
}

async fn lists_are_newest_first_and_of_their_owner(database: Database) {
    let books = Books::open(&database).await;
    let (payer, stranger) = (user("payer"), user("stranger"));
    books.top_up(&payer, 60).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(books.charge(&payer, &format!("a{n}")).await.operation_id);
    }
    assert!(books.ask(charge(&stranger, "b")).await.unwrap().is_err(), "no money");
    ids.reverse();

    let store = &books.store;
    let page = store.operations(&payer, &[], None, 3).await.unwrap();
    assert_eq!(page.iter().map(|o| o.operation_id).collect::<Vec<_>>(), ids[..3]);
    let page = store.operations(&payer, &[], Some(ids[2]), 3).await.unwrap();
    assert_eq!(page.iter().map(|o| o.operation_id).collect::<Vec<_>>(), ids[3..]);
    let states = [OperationState::Declined, OperationState::Completed];
    assert_eq!(store.operations(&payer, &states, None, 10).await.unwrap(), []);
    assert_eq!(store.operations(&stranger, &states, None, 10).await.unwrap().len(), 1);
    assert_eq!(store.user_of(ids[0]).await.unwrap(), Some(payer.clone()));

    let entries = store.entries(&payer, None, 2).await.unwrap();
    let newest = entries[0].sequence;
    assert_eq!(entries.iter().map(|e| e.sequence).collect::<Vec<_>>(), [newest, newest - 1]);
    let entries = store.entries(&payer, Some(2), 10).await.unwrap();
    assert_eq!(entries.iter().map(|e| e.sequence).collect::<Vec<_>>(), [1]);
    books.prove().await;
}

async fn the_same_prices_are_published_once(database: Database) {
    let database = database.open().await;
    let store = Store::new(database.connection.clone());
    assert_eq!(store.prices().await.unwrap(), PriceList::default());
    let first = prices();
    // Instances that start at once.
    let starts = (0..4).map(|_| store.publish_prices(&first));
    for list in futures::future::join_all(starts).await {
        assert_eq!(list.unwrap(), PriceList { version: 1, prices: first.clone() });
    }
    let mut second = prices();
    second[0].amount = Amount::units(11);
    assert_eq!(store.publish_prices(&second).await.unwrap().version, 2);
    assert_eq!(store.publish_prices(&second).await.unwrap().version, 2);
    assert_eq!(store.prices().await.unwrap(), PriceList { version: 2, prices: second });
}

async fn the_prices_to_begin_with_undo_nobodys(database: Database) {
    let database = database.open().await;
    let store = Store::new(database.connection.clone());
    let first = prices();
    let starts = (0..4).map(|_| store.publish_first_prices(&first));
    for list in futures::future::join_all(starts).await {
        assert_eq!(list.unwrap(), PriceList { version: 1, prices: first.clone() });
    }
    let mut second = prices();
    second[0].amount = Amount::units(11);
    let published = store.publish_prices(&second).await.unwrap();
    assert_eq!(store.publish_first_prices(&first).await.unwrap(), published);
    assert_eq!(store.prices().await.unwrap(), published, "as an administrator published them");
    assert_eq!(store.publish_prices(&first).await.unwrap().version, 3, "the operator's file");
}

async fn what_is_due_comes_in_pages(database: Database) {
    let books = Books::open(&database).await;
    let payer = user("payer");
    books.top_up(&payer, 60).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(books.charge(&payer, &format!("a{n}")).await.operation_id);
    }
    assert_eq!(books.store.due_holds(now(), None, 10).await.unwrap(), []);
    let later = now().plus(POLICY.hold);
    let first = books.store.due_holds(later, None, 3).await.unwrap();
    let rest = books.store.due_holds(later, first.last(), 3).await.unwrap();
    let found: Vec<_> = first.iter().chain(&rest).map(|due| due.id).collect();
    assert_eq!(found, ids);
    assert_eq!(books.store.due_grants(later, None, 3).await.unwrap(), []);
    books.prove().await;
}

async fn operations_of_others_are_not_found(database: Database) {
    let books = Books::open(&database).await;
    let (payer, stranger) = (user("payer"), user("stranger"));
    books.top_up(&payer, 6).await;
    let operation_id = books.charge(&payer, "1").await.operation_id;
    let answer = books.ask(Command::Complete { user_id: stranger, operation_id }).await.unwrap();
    assert_eq!(answer, Err(Rejection::OperationNotFound));
    books.prove().await;
}

async fn a_row_that_is_gone_is_noticed(database: Database) {
    let books = Books::open(&database).await;
    books.top_up(&user("payer"), 6).await;
    let (mut payer, _) = books.store.user_with_grants(&user("payer")).await.unwrap();
    let mut ghost = payer.take().unwrap();
    ghost.user_id = user("ghost");
    let transaction = books.store.begin().await.unwrap();
    let changes = Changes { users: vec![ghost], ..Changes::default() };
    let error = transaction.apply(&changes).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    drop(transaction);
    books.prove().await;
}
