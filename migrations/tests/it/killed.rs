//! A migrator that is killed in the middle of a change leaves nothing half done, and the next one ends well.

use std::{
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Output},
    str::FromStr,
};

use migrations::BillingMigrator;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};
use sea_orm_migration::MigratorTrait;
use sqlx::{
    Connection, Executor, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

use crate::{
    place::{Place, eventually},
    tool::{self, complaint, lines},
};

const REQUEST: &str = "INSERT INTO admin_requests VALUES
    ('tg:1', 'r-1', 'ADJUST_BALANCE', 1, 'MONEY', NULL, NULL, NULL, NULL, 'why', 'me', 0)";

#[tokio::test]
async fn on_postgresql_while_it_waits_for_a_table() {
    let place = Place::postgres().await;
    let connection = first_schema(&place).await;
    // Three of four changes are made when it comes to this table.
    let holder = connection.begin().await.unwrap();
    holder.execute_unprepared("SELECT * FROM admin_requests").await.unwrap();
    let child = tool::start(&["billing", "up", "--database-url", &place.url]);
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'relation'
        AND application_name = 'kopilka-migrations' AND datname = current_database()";
    eventually(async || number(&connection, waiting).await == 1).await;
    kill(child).await;

    // What it left behind in the server waits for the table no longer than any other, and is undone.
    let there = "SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'kopilka-migrations' AND datname = current_database()";
    eventually(async || number(&connection, there).await == 0).await;
    holder.rollback().await.unwrap();
    nothing_was_done_and_the_next_one_ends_well(&place).await;
    assert_eq!(number(&connection, "SELECT count(*) FROM admin_requests").await, 1);
}

#[tokio::test]
async fn on_postgresql_and_the_next_one_starts_at_once() {
    let place = Place::postgres().await;
    let connection = first_schema(&place).await;
    let holder = connection.begin().await.unwrap();
    holder.execute_unprepared("SELECT * FROM admin_requests").await.unwrap();
    let up = ["billing", "up", "--database-url", &place.url];
    let child = tool::start(&up);
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'relation'
        AND application_name = 'kopilka-migrations' AND datname = current_database()";
    eventually(async || number(&connection, waiting).await == 1).await;
    kill(child).await;
    let next = tool::start(&up);
    eventually(async || number(&connection, waiting).await == 1).await;
    holder.rollback().await.unwrap();
    ended_well(&tool::end(next).await);
}

/// At its commit: all is written, but for the one page that makes it so.
#[tokio::test]
async fn on_sqlite_while_a_reader_holds_up_its_commit() {
    let place = Place::sqlite().await;
    first_schema(&place).await.close().await.unwrap();
    let mut reader = open(&place).await;
    reader.execute("BEGIN").await.unwrap();
    reader.execute("SELECT * FROM users").await.unwrap();
    let child = tool::start(&["billing", "up", "--database-url", &place.url]);
    // What the pages held before is written aside when they are first changed.
    eventually(async || length(&place.file(), "-journal") > 0).await;
    kill(child).await;
    assert!(length(&place.file(), "-journal") > 0);
    reader.close().await.unwrap();
    nothing_was_done_and_the_next_one_ends_well(&place).await;
}

/// With the write-ahead log that services use: part of the change is in it already.
#[tokio::test]
async fn on_sqlite_while_it_moves_rows() {
    const ROWS: i64 = 300_000;
    let place = Place::sqlite().await;
    first_schema(&place).await.close().await.unwrap();
    let options = SqliteConnectOptions::from_str(&place.url).unwrap();
    let options = options.journal_mode(SqliteJournalMode::Wal);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let rows = format!(
        "INSERT INTO admin_requests
        WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
        SELECT 'tg:' || i, 'r-' || i, 'ADJUST_BALANCE', 1, 'MONEY', NULL, NULL, NULL, NULL, 'why', 'me', 0 FROM n"
    );
    connection.execute(sqlx::AssertSqlSafe(rows)).await.unwrap();
    connection.close().await.unwrap();
    assert_eq!(length(&place.file(), "-wal"), 0);

    let child = tool::start(&["billing", "up", "--database-url", &place.url]);
    eventually(async || length(&place.file(), "-wal") > 1_000_000).await;
    kill(child).await;
    nothing_was_done_and_the_next_one_ends_well(&place).await;
    let mut connection = open(&place).await;
    let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM admin_requests");
    assert_eq!(count.fetch_one(&mut connection).await.unwrap(), ROWS);
}

/// Billing's database as the first release made it, with a row.
async fn first_schema(place: &Place) -> DatabaseConnection {
    let connection = place.open().await;
    BillingMigrator::up(&connection, Some(1)).await.unwrap();
    connection.execute_unprepared(REQUEST).await.unwrap();
    connection
}

async fn kill(mut child: Child) {
    child.kill().unwrap();
    let status = tool::end(child).await.status;
    assert_eq!(status.signal(), Some(9), "it had ended before: {status}");
}

async fn nothing_was_done_and_the_next_one_ends_well(place: &Place) {
    let status = tool::run(&["billing", "status", "--database-url", &place.url]);
    assert_eq!(lines(&status, "applied"), 1, "{}", complaint(&status));
    ended_well(&tool::run(&["billing", "up", "--database-url", &place.url]));
}

fn ended_well(output: &Output) {
    assert!(output.status.success(), "{}", complaint(output));
    assert_eq!(lines(output, "applied"), BillingMigrator::migrations().len());
}

async fn number(connection: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

/// A connection that waits for nobody.
async fn open(place: &Place) -> SqliteConnection {
    let options = SqliteConnectOptions::from_str(&place.url).unwrap();
    SqliteConnection::connect_with(&options.busy_timeout(std::time::Duration::ZERO)).await.unwrap()
}

fn length(database: &Path, suffix: &str) -> u64 {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    PathBuf::from(path).metadata().map_or(0, |file| file.len())
}
