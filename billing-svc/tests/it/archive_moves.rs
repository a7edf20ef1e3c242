//! Operations on their way to the archive and back: all of a page or none, never what is open, beside whoever charges.

use std::time::Duration;

use billing_svc::ledger::*;
use billing_svc::store::{Store, StoreError};
use billing_svc::verify::{self, Invariant};
use futures::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend};
use uuid::Uuid;

use crate::archive::*;
use crate::books::*;
use crate::harness::Database;
use crate::program::Program;
use crate::verify::{Tampering, every_one_is_named};

on_all!(charges_go_on_meanwhile);

mod both {
    use super::*;

    on_both!(
        what_is_open_or_ended_lately_stays,
        a_page_that_fails_half_way_moves_nothing,
        what_fails_on_its_way_back_stays_archived,
        what_is_wrong_with_archived_operations_is_named,
        the_service_archives_what_is_old_enough,
    );
}

on_postgres!(instances_archive_side_by_side, one_instance_moves_at_a_time);

const HOUR: Duration = Duration::from_secs(3600);

/// As it was done at that time, if its id says so.
fn charge_at(user: &UserId, request_id: &str, time: Timestamp) -> Command {
    let Command::Charge(mut charge) = charge(user, request_id) else { unreachable!() };
    let (seconds, micros) = (time.micros() / 1_000_000, time.micros() % 1_000_000);
    let (seconds, nanos) = (u64::try_from(seconds).unwrap(), u32::try_from(micros * 1000).unwrap());
    let time = uuid::Timestamp::from_unix_time(seconds, nanos, 0, 0);
    charge.operation_id = OperationId(Uuid::new_v7(time));
    Command::Charge(charge)
}

/// An hour apart, beginning then: settled at once, settled after ten hours, and open.
async fn write_past(store: &Store, payer: &UserId, start: Timestamp) {
    decided(store, &[top_up(payer, &format!("{payer}-top-up"), 100)], start).await;
    let hour = |n: u32| start.plus(HOUR * n);
    let mut made = Vec::new();
    for (n, name) in (0..).zip(["at-once", "later", "open"]) {
        let asked = charge_at(payer, &format!("{payer}-{name}"), hour(n));
        made.push(operation(decided(store, &[asked], hour(n)).await.remove(0)));
    }
    decided(store, &[complete(&made[0])], hour(0)).await.remove(0).unwrap();
    decided(store, &[refund(&made[1])], hour(10)).await.remove(0).unwrap();
}

async fn what_is_open_or_ended_lately_stays(database: Database) {
    let books = Books::open(&database).await;
    let start = Timestamp::from_micros(1_700_000_000_123_456);
    write_past(&books.store, &user("anna"), start).await;
    let hour = |n: u32| start.plus(HOUR * n);
    let names = async |until| {
        let page = books.store.old_operations(until, None, 9).await.unwrap();
        let names = page.into_iter().map(async |old| {
            let operation = books.store.operation(old.operation_id).await.unwrap().unwrap();
            operation.request_id.to_string()
        });
        join_all(names).await
    };
    assert_eq!(names(start).await, [""; 0], "not older than itself");
    assert_eq!(archive(&books.store, start).await, 0);
    assert_eq!(names(hour(1)).await, ["anna-at-once"]);
    assert_eq!(archive(&books.store, hour(1)).await, 1);
    // It began before, and ended after.
    assert_eq!(names(hour(9)).await, ["anna-later", "anna-open"]);
    assert_eq!(archive(&books.store, hour(9)).await, 0);
    assert_eq!(archive(&books.store, hour(11)).await, 1);
    assert_eq!(archive(&books.store, EVER).await, 0);
    assert_eq!(names(EVER).await, ["anna-open"]);
    books.prove().await;
}

/// Makes every deletion from a table fail, after what came before it.
async fn refuse_deletions(books: &Books, table: &str) {
    let connection = &books.database.connection;
    let statements: &[String] = match connection.get_database_backend() {
        DbBackend::Postgres => &[
            "CREATE FUNCTION refuse() RETURNS trigger AS 'BEGIN RAISE ''refused''; END' LANGUAGE plpgsql"
                .to_owned(),
            format!("CREATE TRIGGER refused BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()"),
        ],
        _ => &[format!(
            "CREATE TRIGGER refused BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )],
    };
    for statement in statements {
        connection.execute_unprepared(statement).await.unwrap();
    }
}

async fn accept_deletions(books: &Books, table: &str) {
    let connection = &books.database.connection;
    let drop = match connection.get_database_backend() {
        DbBackend::Postgres => format!("DROP TRIGGER refused ON {table}"),
        _ => "DROP TRIGGER refused".to_owned(),
    };
    connection.execute_unprepared(&drop).await.unwrap();
}

async fn archived(books: &Books) -> u64 {
    let report = verify::run(&books.database.connection).await.unwrap();
    assert!(report.is_clean(), "{report}");
    report.archived_operations
}

async fn a_page_that_fails_half_way_moves_nothing(database: Database) {
    let books = Books::open(&database).await;
    write_history(&books, &user("anna")).await;
    let page = books.store.old_operations(EVER, None, 100).await.unwrap();
    refuse_deletions(&books, "operations").await;
    let failed = books.store.archive(page.clone(), EVER).await;
    assert!(matches!(failed, Err(StoreError::Refused(_))), "{failed:?}");
    assert_eq!(archived(&books).await, 0);
    accept_deletions(&books, "operations").await;
    assert_eq!(archive_page(&books.store, &page, EVER).await, 5);
    assert_eq!(archived(&books).await, 5);
    books.prove().await;
}

async fn what_fails_on_its_way_back_stays_archived(database: Database) {
    let books = Books::open(&database).await;
    let made = write_history(&books, &user("anna")).await;
    archive(&books.store, EVER).await;
    refuse_deletions(&books, "operations_archive").await;
    assert!(books.ask(refund_of(&made["done"], None)).await.is_err());
    assert_eq!(archived(&books).await, 5);
    accept_deletions(&books, "operations_archive").await;
    let back = operation(books.ask(refund_of(&made["done"], None)).await.unwrap());
    assert_eq!(back.state, OperationState::Refunded);
    assert_eq!(archived(&books).await, 4);
    books.prove().await;
}

const DOUBLE: &str = "INSERT INTO operations
    (user_id, operation_id, request_id, caller, kind, quantity, state, unit_price, price_version, max_price, hold_nanos,
     labels, funding, refunded, refund_reason, refund_comment, decline, create_time, expire_time, settle_time)
    SELECT user_id, operation_id, request_id, caller, kind, quantity, state, unit_price, price_version, max_price, hold_nanos,
     labels, funding, refunded, refund_reason, refund_comment, decline, create_time, expire_time, settle_time
    FROM operations_archive WHERE request_id = 'payer-done'";
const SINGLE: &str = "DELETE FROM operations WHERE request_id = 'payer-done'";

const TAMPERING: &[Tampering] = &[
    (DOUBLE, SINGLE, Invariant::I6, "operations with operation_id"),
    (DOUBLE, SINGLE, Invariant::I6, "operations with request_id payer-done"),
    (
        "UPDATE operations_archive SET unit_price = unit_price + 1 WHERE request_id = 'payer-done'",
        "UPDATE operations_archive SET unit_price = unit_price - 1 WHERE request_id = 'payer-done'",
        Invariant::I4,
        "operations payer",
    ),
    (
        "UPDATE operations_archive SET refunded = refunded + 1 WHERE request_id = 'payer-part'",
        "UPDATE operations_archive SET refunded = refunded - 1 WHERE request_id = 'payer-part'",
        Invariant::I9,
        "operations payer",
    ),
    (
        "UPDATE operations_archive SET labels = 'x' WHERE request_id = 'payer-free'",
        "UPDATE operations_archive SET labels = '{}' WHERE request_id = 'payer-free'",
        Invariant::Readable,
        "operations",
    ),
];

async fn what_is_wrong_with_archived_operations_is_named(database: Database) {
    let books = Books::open(&database).await;
    write_history(&books, &user("payer")).await;
    archive(&books.store, EVER).await;
    every_one_is_named(&books, &[], TAMPERING).await;

    let connection = &books.database.connection;
    let open = "UPDATE operations_archive SET state = 'CHARGED' WHERE request_id = 'payer-done'";
    let refused = connection.execute_unprepared(open).await;
    assert!(refused.is_err(), "the table takes nothing that is open");
    let lost = "DELETE FROM operations_archive WHERE request_id = 'payer-done'";
    connection.execute_unprepared(lost).await.unwrap();
    let report = verify::run(connection).await.unwrap();
    assert!(report.broken.contains_key(&Invariant::I5), "{report}");
}

async fn the_service_archives_what_is_old_enough(database: Database) {
    let books = Books::open(&database).await;
    let days = |n: u64| Duration::from_secs(n * 24 * 60 * 60);
    let ago =
        |n| Timestamp::from_micros(now().micros() - i64::try_from(days(n).as_micros()).unwrap());
    write_past(&books.store, &user("anna"), ago(40)).await;
    write_past(&books.store, &user("boris"), ago(20)).await;
    books.prove().await;

    let program = Program::start(&database, &["--archive-after", "31d"]).await;
    program.until("billing_archived_operations_total", 2.0).await;
    program.stop().await;
    let books = Books::open(&database).await;
    assert_eq!(archived(&books).await, 2);
    books.prove().await;
}

/// Callers charge, settle, repeat and give back, and each of them archives all that is settled in between.
async fn charges_go_on_meanwhile(database: Database) {
    let books = Books::open(&database).await;
    let users: Vec<UserId> = (0..6).map(|n| user(&format!("user-{n}"))).collect();
    join_all(users.iter().map(|user| books.top_up(user, 1000))).await;
    let moved: u64 = join_all(users.iter().map(|user| life_of(&books, user))).await.iter().sum();
    let report = verify::run(&books.database.connection).await.unwrap();
    assert_eq!((report.operations, report.archived_operations), (60, 60), "{report}");
    assert!(moved >= 90, "each that was completed comes back to be given back: {moved}");
    books.prove().await;
}

/// Ten operations, each with what may be asked of it; answers to how many went to the archive.
async fn life_of(books: &Books, user: &UserId) -> u64 {
    let mut moved = 0;
    for round in 0..10 {
        let id = format!("{user}-{round}");
        let made = books.charge(user, &id).await;
        let settled = if round % 2 == 0 { complete(&made) } else { refund(&made) };
        let ended = operation(books.ask(settled.clone()).await.unwrap());
        moved += archive(&books.store, EVER).await;
        for answer in join_all([charge(user, &id), settled].map(|again| books.ask(again))).await {
            let answer = operation(answer.unwrap());
            assert_eq!(answer, ended, "its present state, wherever it stands");
        }
        let back = operation(books.ask(refund_of(&made, None)).await.unwrap());
        assert_eq!((back.state, back.refunded), (OperationState::Refunded, Amount::units(6)));
        let other = books.ask(charge(&crate::books::user("other"), &id)).await.unwrap();
        assert_eq!(other, Err(Rejection::RequestIdReused { field: "user_id" }));
    }
    moved + archive(&books.store, EVER).await
}

async fn instances_archive_side_by_side(database: Database) {
    let instances = [Books::open(&database).await, Books::open(&database).await];
    let users: Vec<UserId> = (0..8).map(|n| user(&format!("user-{n}"))).collect();
    join_all(users.iter().map(|user| write_history(&instances[0], user))).await;
    let all = instances[0].store.old_operations(EVER, None, 100).await.unwrap();
    let moving = instances.iter().map(async |books| {
        let mut moved = 0;
        for page in all.chunks(4) {
            loop {
                match books.store.archive(page.to_vec(), EVER).await {
                    Ok(Some(count)) => break moved += count,
                    Ok(None) | Err(StoreError::Retryable(_)) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
        moved
    });
    let moved: u64 = join_all(moving).await.into_iter().sum();
    assert_eq!((all.len(), moved), (48, 40));
    assert_eq!(archived(&instances[0]).await, 40);
    let [first, second] = instances;
    first.committer.close().await;
    second.prove().await;
}

async fn one_instance_moves_at_a_time(database: Database) {
    let books = Books::open(&database).await;
    write_history(&books, &user("anna")).await;
    let page = books.store.old_operations(EVER, None, 100).await.unwrap();
    let other = database.open().await.connection;
    let transaction = sea_orm::TransactionTrait::begin(&other).await.unwrap();
    let lock = format!("SELECT pg_advisory_xact_lock({})", 0x6b6f_7069_6c6b_6103_i64);
    transaction.execute_unprepared(&lock).await.unwrap();
    assert_eq!(books.store.archive(page.clone(), EVER).await.unwrap(), None);
    assert_eq!(archived(&books).await, 0);
    transaction.rollback().await.unwrap();
    assert_eq!(books.store.archive(page, EVER).await.unwrap(), Some(5));
    books.prove().await;
}
