//! Events are given out once, each user's in order, and no reader misses one.

use std::collections::BTreeMap;
use std::sync::Arc;

use billing_svc::ledger::*;
use billing_svc::store::{Acked, Store, StoreError};
use futures::future::join_all;

use crate::books::*;
use crate::harness::Database;

on_all!(
    positions_count_up_and_each_users_events_are_in_order,
    a_clock_that_went_back_changes_no_order,
    givers_side_by_side_give_each_event_out_once,
    an_acknowledgement_never_goes_back_nor_ahead,
    what_is_told_is_read_back_as_it_was,
);

async fn positions_count_up_and_each_users_events_are_in_order(database: Database) {
    let books = Books::open(&database).await;
    let store = &books.store;
    assert_eq!(store.give_out_events().await.unwrap(), 0);
    let told = store.given_out();
    books.pay_in(&user("a"), "a1", 10).await;
    books.pay_in(&user("b"), "b1", 10).await;
    assert_eq!(store.events_after(0, 10).await.unwrap(), [], "not given out yet");
    assert!(!told.has_changed().unwrap());

    // Each payment was paid, then credited.
    assert_eq!(store.give_out_events().await.unwrap(), 4);
    assert!(told.has_changed().unwrap());
    books.pay_in(&user("a"), "a2", 10).await;
    assert_eq!(store.give_out_events().await.unwrap(), 2);
    assert_eq!(store.give_out_events().await.unwrap(), 0);

    let mut events = store.events_after(0, 4).await.unwrap();
    let last = events.last().unwrap().0;
    events.extend(store.events_after(last, 4).await.unwrap());
    let seen: Vec<_> =
        events.iter().map(|(at, event)| (*at, event.user_id.as_str(), event.sequence)).collect();
    let expected = [(1, "a", 1), (2, "a", 2), (3, "b", 1), (4, "b", 2), (5, "a", 3), (6, "a", 4)];
    assert_eq!(seen, expected);
    books.prove().await;
}

fn event(user_id: &UserId, sequence: i64, micros: i64) -> Event {
    let body = EventBody::StandingChanged {
        from: Standing::Good,
        to: Standing::Blocked,
        paid_balance: Amount::ZERO,
    };
    Event { user_id: user_id.clone(), sequence, body, create_time: Timestamp::from_micros(micros) }
}

async fn write(store: &Store, events: Vec<Event>) -> Result<(), StoreError> {
    let transaction = store.begin().await?;
    transaction.apply(&Changes { events, ..Changes::default() }).await?;
    transaction.commit().await
}

async fn a_clock_that_went_back_changes_no_order(database: Database) {
    let database = database.open().await;
    let store = Store::new(database.connection.clone());
    let (a, b) = (user("a"), user("b"));
    let events = vec![event(&a, 1, 500), event(&a, 2, 100), event(&b, 1, 300), event(&a, 3, 600)];
    write(&store, events).await.unwrap();
    assert_eq!(store.give_out_events().await.unwrap(), 4);
    let seen = store.events_after(0, 10).await.unwrap();
    let seen: Vec<_> = seen.iter().map(|(_, e)| (e.user_id.as_str(), e.sequence)).collect();
    assert_eq!(seen, [("b", 1), ("a", 1), ("a", 2), ("a", 3)]);
}

/// Writers, givers and a reader at once: the reader asks for what is after the last position it saw.
async fn givers_side_by_side_give_each_event_out_once(database: Database) {
    const USERS: i64 = 6;
    const EVENTS: i64 = 25;
    let database = database.open().await;
    let store = Arc::new(Store::new(database.connection.clone()));
    let again = |error: &StoreError| matches!(error, StoreError::Retryable(_));
    let writers = (0..USERS).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            for sequence in 1..=EVENTS {
                let event = event(&user(&format!("u{n}")), sequence, sequence);
                while let Err(error) = write(&store, vec![event.clone()]).await {
                    assert!(again(&error), "{error:?}");
                }
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let all = u64::try_from(USERS * EVENTS).unwrap();
    let given = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let givers = (0..3).map(|_| {
        let (store, given) = (store.clone(), given.clone());
        tokio::spawn(async move {
            use std::sync::atomic::Ordering::SeqCst;
            while given.load(SeqCst) < all {
                match store.give_out_events().await {
                    Ok(count) => drop(given.fetch_add(count, SeqCst)),
                    Err(error) => assert!(again(&error), "{error:?}"),
                }
                tokio::task::yield_now().await;
            }
        })
    });
    let givers: Vec<_> = givers.collect();

    let (mut position, mut last): (i64, BTreeMap<UserId, i64>) = (0, BTreeMap::new());
    while u64::try_from(position).unwrap() < all {
        for (at, event) in store.events_after(position, 7).await.unwrap() {
            assert_eq!(at, position + 1, "one was missed");
            position = at;
            let before = last.insert(event.user_id.clone(), event.sequence).unwrap_or(0);
            assert_eq!(event.sequence, before + 1, "{}", event.user_id);
        }
        tokio::task::yield_now().await;
    }
    for ended in join_all(writers.into_iter().chain(givers)).await {
        ended.unwrap();
    }
    assert_eq!(given.load(std::sync::atomic::Ordering::SeqCst), all, "each once");
}

async fn an_acknowledgement_never_goes_back_nor_ahead(database: Database) {
    let books = Books::open(&database).await;
    let store = &books.store;
    books.pay_in(&user("a"), "a1", 10).await;
    books.pay_in(&user("a"), "a2", 10).await;
    store.give_out_events().await.unwrap();
    assert_eq!(store.consumer("gateway").await.unwrap(), 0);
    assert_eq!(store.ack("gateway", 5).await.unwrap(), Acked::NotGivenOut { last: 4 });
    assert_eq!(store.consumer("gateway").await.unwrap(), 0);
    for (position, expected) in [(2, 2), (4, 4), (3, 4), (4, 4), (0, 4)] {
        assert_eq!(store.ack("gateway", position).await.unwrap(), Acked::At(expected));
        assert_eq!(store.consumer("gateway").await.unwrap(), expected);
    }
    assert_eq!(store.consumer("other").await.unwrap(), 0);
    assert_eq!(store.ack("other", 0).await.unwrap(), Acked::At(0));
    // Two gateways of one name at once.
    let acks = (1..=4).rev().map(|position| store.ack("both", position));
    join_all(acks).await;
    assert_eq!(store.consumer("both").await.unwrap(), 4);
    books.prove().await;
}

/// One of each kind, with every optional part there and not there.
async fn what_is_told_is_read_back_as_it_was(database: Database) {
    let database = database.open().await;
    let store = Store::new(database.connection.clone());
    let payer = user("payer");
    let id = uuid::Uuid::now_v7;
    let settled = OperationSettled {
        operation_id: OperationId(id()),
        kind: Kind::parse("upscale").unwrap(),
        refunded: Amount::units(6),
        free_operations: 2,
        reason: RefundReason::Expired,
    };
    let grant = |expire_time| Grant {
        grant_id: GrantId(id()),
        user_id: payer.clone(),
        kind: GrantKind::Compensation,
        unit: Unit::Money,
        given: 10,
        remaining: 3,
        priority: -1,
        create_time: now(),
        expire_time,
        announced: true,
    };
    let changed = |provider, parked| EventBody::PaymentChanged {
        payment_id: PaymentId(id()),
        provider,
        state: PaymentState::Paid,
        amount: Amount::units(9),
        parked,
    };
    let bodies = [
        changed(Provider::Sandbox, None),
        changed(Provider::TelegramStars, Some(ParkReason::CurrencyMismatch)),
        EventBody::RefundChanged {
            payment_id: PaymentId(id()),
            refund_id: RefundId(id()),
            provider: Provider::Yookassa,
            origin: RefundOrigin::Dispute,
            state: RefundState::Reversed,
            amount: Amount::units(-1),
        },
        EventBody::OperationRefunded(settled.clone()),
        EventBody::OperationExpired(settled),
        EventBody::GrantExpiring { grant: grant(Some(now())) },
        EventBody::GrantGiven { grant: grant(None), cause: GiftCause::Invited },
        EventBody::StandingChanged {
            from: Standing::Good,
            to: Standing::InDebt,
            paid_balance: Amount::from_micros(-1),
        },
    ];
    let events: Vec<Event> = (1..)
        .zip(bodies)
        .map(|(sequence, body)| Event { body, ..event(&payer, sequence, 1) })
        .collect();
    write(&store, events.clone()).await.unwrap();
    store.give_out_events().await.unwrap();
    let read = store.events_after(0, 100).await.unwrap();
    assert_eq!(read.into_iter().map(|(_, event)| event).collect::<Vec<_>>(), events);
}
