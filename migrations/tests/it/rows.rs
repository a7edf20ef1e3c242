//! What billing has written before a change is there after it, and after it was undone.

use migrations::{BillingMigrator, MigrateMode, down, prepare};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use sea_orm_migration::MigratorTrait;

use crate::place::{Place, WAIT, on_both};

on_both! {
    rows_of_the_first_schema_outlive_every_later_one
    what_only_the_newer_schema_knows_does_not_stop_its_undoing
}

/// Rows of the first schema, as that release wrote them.
const ROWS: [&str; 8] = [
    "INSERT INTO users VALUES ('tg:1', 5000000, 6000000, 1, 'GOOD', 4, 3, 1700000000000000)",
    "INSERT INTO users VALUES ('tg:2', -1, 0, 0, 'IN_DEBT', 1, 0, 1700000000000000)",
    "INSERT INTO grants VALUES ('tg:1', {uuid}, 'SIGNUP', 'OPERATION', 3, 2, 0, 1700000000000000, NULL)",
    "INSERT INTO entries VALUES
        ('tg:1', 1, 'adjustments', 'available', 'MONEY', 11000000, NULL, 'r-1', 1700000000000000, 11000000)",
    "INSERT INTO entries VALUES
        ('tg:1', 2, 'available', 'held', 'MONEY', 6000000, {uuid}, NULL, 1700000000000000, 5000000)",
    "INSERT INTO entries VALUES
        ('tg:1', 3, 'grants', 'grant:x', 'OPERATION', 3, NULL, NULL, 1700000000000000, 3)",
    "INSERT INTO admin_requests VALUES
        ('tg:1', 'r-1', 'ADJUST_BALANCE', 11000000, 'MONEY', NULL, NULL, NULL, NULL, 'why', 'me', 1700000000000000)",
    "INSERT INTO admin_requests VALUES ('tg:1', 'r-2', 'GRANT_CREDITS', 3, 'OPERATION', {uuid}, 'PROMO', 5,
        1800000000000000, 'why', 'me', 1700000000000000)",
];

/// All that the first schema knows of those rows.
const KNOWN: [&str; 4] = [
    "SELECT user_id || ' ' || available || ' ' || held || ' ' || held_operations || ' ' || standing || ' ' || version
        || ' ' || last_entry || ' ' || create_time FROM users ORDER BY user_id",
    "SELECT user_id || ' ' || {hex} || ' ' || kind || ' ' || unit || ' ' || given || ' ' || remaining || ' ' || priority
        || ' ' || create_time || ' ' || coalesce(expire_time, 0) FROM grants",
    "SELECT user_id || ' ' || sequence || ' ' || from_account || ' ' || to_account || ' ' || unit || ' ' || amount || ' '
        || coalesce(request_id, '-') || ' ' || balance_after || ' ' || (operation_id IS NULL)
        FROM entries ORDER BY sequence",
    "SELECT user_id || ' ' || request_id || ' ' || action || ' ' || amount || ' ' || unit || ' ' || coalesce({hex}, '-')
        || ' ' || coalesce(kind, '-') || ' ' || coalesce(priority, -1) || ' ' || coalesce(expire_time, 0) || ' ' || reason
        || ' ' || caller || ' ' || create_time FROM admin_requests WHERE user_id <> '' ORDER BY request_id",
];

async fn rows_of_the_first_schema_outlive_every_later_one(place: Place) {
    let connection = place.open().await;
    BillingMigrator::up(&connection, Some(1)).await.unwrap();
    for row in ROWS {
        execute(&connection, row).await;
    }
    let before = known(&connection).await;
    assert_eq!(before.len(), 8);

    let later = u32::try_from(BillingMigrator::migrations().len() - 1).unwrap();
    prepare::<BillingMigrator>(&connection, MigrateMode::Auto).await.unwrap();
    assert_eq!(known(&connection).await, before);
    let defaults =
        "SELECT u.topups || ' ' || u.last_event || ' ' || g.announced || ' ' || count(e.payment_id)
        FROM users u JOIN grants g ON g.user_id = u.user_id JOIN entries e ON e.user_id = u.user_id
        GROUP BY u.topups, u.last_event, g.announced";
    assert_eq!(select(&connection, defaults).await, ["0 0 0 0"]);
    // The name is still taken.
    let twice = "INSERT INTO admin_requests (user_id, request_id, action, details, reason, caller, create_time)
        VALUES ('', 'r-1', 'PUBLISH_PRICES', '{}', '', '', 0)";
    assert!(connection.execute_unprepared(twice).await.is_err());

    down::<BillingMigrator>(&connection, later, WAIT).await.unwrap();
    assert_eq!(known(&connection).await, before);
    prepare::<BillingMigrator>(&connection, MigrateMode::Auto).await.unwrap();
    assert_eq!(known(&connection).await, before);
}

async fn what_only_the_newer_schema_knows_does_not_stop_its_undoing(place: Place) {
    let connection = place.open().await;
    prepare::<BillingMigrator>(&connection, MigrateMode::Auto).await.unwrap();
    for row in [
        "INSERT INTO users VALUES ('tg:1', 0, 0, 0, 'GOOD', 1, 1, 0, 1, 1)",
        "INSERT INTO entries VALUES ('tg:1', 1, 'topups:yookassa', 'available', 'MONEY', 1, NULL, NULL, 0, 1, {uuid})",
        "INSERT INTO admin_requests (user_id, request_id, action, details, reason, caller, create_time)
            VALUES ('', 'r-9', 'PUBLISH_PRICES', '{}', '', '', 0)",
        "INSERT INTO events VALUES ('tg:1', 1, 'GRANT_GIVEN', '{}', 0, NULL)",
        "INSERT INTO operations_archive VALUES ('tg:1', {uuid}, 'r-1', 'bot', 'generate', 1, 'COMPLETED', 6, 1, NULL, NULL,
            '{}', '[]', 0, NULL, '', NULL, 0, 0, 0)",
    ] {
        execute(&connection, row).await;
    }
    let later = u32::try_from(BillingMigrator::migrations().len() - 1).unwrap();
    down::<BillingMigrator>(&connection, later, WAIT).await.unwrap();
    assert_eq!(select(&connection, "SELECT user_id FROM users").await, ["tg:1"]);
    assert_eq!(select(&connection, "SELECT request_id FROM admin_requests").await, [""; 0]);
    assert_eq!(select(&connection, "SELECT request_id FROM operations").await, ["r-1"]);
    prepare::<BillingMigrator>(&connection, MigrateMode::Auto).await.unwrap();
}

async fn known(connection: &DatabaseConnection) -> Vec<String> {
    let mut known = Vec::new();
    for sql in KNOWN {
        known.extend(select(connection, sql).await);
    }
    known
}

fn translate(connection: &DatabaseConnection, sql: &str) -> String {
    let (uuid, hex) = match connection.get_database_backend() {
        DbBackend::Postgres => ("'0198a3b4-0000-7000-8000-00000000000a'", "grant_id::text"),
        _ => ("X'0198a3b400007000800000000000000a'", "hex(grant_id)"),
    };
    sql.replace("{uuid}", uuid).replace("{hex}", hex)
}

async fn execute(connection: &DatabaseConnection, sql: &str) {
    connection.execute_unprepared(&translate(connection, sql)).await.unwrap();
}

async fn select(connection: &DatabaseConnection, sql: &str) -> Vec<String> {
    let sql = translate(connection, sql);
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}
