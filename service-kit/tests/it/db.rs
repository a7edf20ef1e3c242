//! Opening databases.

use std::{env, process::Command};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use service_kit::db::{self, DbError, begin_write};

use crate::{
    guarded::Log,
    place::{Place, on_both},
};

on_both! {
    a_read_only_opening_reads_next_to_a_live_one_and_can_not_write
}

async fn read(connection: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

async fn run(connection: &impl ConnectionTrait, sql: &str) {
    connection.execute_unprepared(sql).await.unwrap();
}

async fn a_read_only_opening_reads_next_to_a_live_one_and_can_not_write(place: Place) {
    let live = place.open().await;
    run(&live.connection, "CREATE TABLE t (n bigint NOT NULL)").await;
    run(&live.connection, "INSERT INTO t VALUES (41)").await;

    let looking = db::open_read_only(&place.url).await.unwrap();
    run(&live.connection, "UPDATE t SET n = 42").await;
    assert_eq!(read(&looking.connection, "SELECT n FROM t").await, 42);
    assert!(looking.connection.execute_unprepared("DELETE FROM t").await.is_err());
    drop(live);
    assert_eq!(read(&looking.connection, "SELECT n FROM t").await, 42);
}

#[tokio::test]
async fn sqlite_keeps_what_it_acknowledged() {
    let place = Place::sqlite().await;
    let db = place.open().await;
    let pragma =
        async |name: &str| read(&db.connection, &format!("SELECT * FROM pragma_{name}")).await;
    assert_eq!(pragma("synchronous").await, 2, "FULL");
    assert_eq!(pragma("foreign_keys").await, 1);
    assert_eq!(pragma("busy_timeout").await, 10_000);
    let statement = Statement::from_string(DbBackend::Sqlite, "PRAGMA journal_mode");
    let mode = db.connection.query_one_raw(statement).await.unwrap().unwrap();
    assert_eq!(mode.try_get_by_index::<String>(0).unwrap(), "wal");
}

#[tokio::test]
async fn a_sqlite_file_is_opened_once() {
    let place = Place::sqlite().await;
    let db = place.open().await;
    assert!(matches!(db::open(&place.url, 1).await, Err(DbError::InUse { .. })));
    drop(db);
    place.open().await;
}

/// Runs itself a second time as a process, with the URL in this variable.
const SECOND_PROCESS: &str = "KOPILKA_TEST_SECOND_PROCESS";

#[tokio::test]
async fn a_second_process_is_refused_the_sqlite_file() {
    if let Ok(url) = env::var(SECOND_PROCESS) {
        let refusal = db::open(&url, 1).await.unwrap_err().to_string();
        assert!(refusal.contains("in use by another process"), "{refusal}");
        return;
    }
    let place = Place::sqlite().await;
    let _open = place.open().await;
    let second = Command::new(env::current_exe().unwrap())
        .args(["--exact", "db::a_second_process_is_refused_the_sqlite_file"])
        .env(SECOND_PROCESS, &place.url)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&second.stdout);
    assert!(second.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn sqlite_writers_that_read_first_wait_for_each_other() {
    let place = Place::sqlite().await;
    let db = place.open().await;
    run(&db.connection, "CREATE TABLE t (n bigint NOT NULL)").await;
    run(&db.connection, "INSERT INTO t VALUES (0)").await;
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let connection = db.connection.clone();
        writers.spawn(async move {
            for _ in 0..5 {
                let transaction = begin_write(&connection).await.unwrap();
                let statement = Statement::from_string(DbBackend::Sqlite, "SELECT n FROM t");
                let row = transaction.query_one_raw(statement).await.unwrap().unwrap();
                let n: i64 = row.try_get_by_index(0).unwrap();
                run(&transaction, &format!("UPDATE t SET n = {}", n + 1)).await;
                transaction.commit().await.unwrap();
            }
        });
    }
    writers.join_all().await;
    assert_eq!(read(&db.connection, "SELECT n FROM t").await, 40);
}

#[tokio::test]
async fn a_transaction_left_open_takes_nothing_of_the_next_borrower_with_it() {
    let place = Place::postgres().await;
    let db = db::open(&place.url, 1).await.unwrap();
    run(&db.connection, "CREATE TABLE t (n bigint NOT NULL)").await;
    // What a `begin()` dropped on the wire leaves behind: the pool doesn't know of the transaction.
    let pool = db.connection.get_postgres_connection_pool();
    let mut left = pool.acquire().await.unwrap();
    sqlx::query("BEGIN").execute(&mut *left).await.unwrap();
    sqlx::query("INSERT INTO t VALUES (1)").execute(&mut *left).await.unwrap();
    drop(left);

    run(&db.connection, "INSERT INTO t VALUES (2)").await;
    let other = db::open(&place.url, 1).await.unwrap();
    assert_eq!(read(&other.connection, "SELECT coalesce(sum(n), 0)::bigint FROM t").await, 2);
}

#[tokio::test]
async fn no_error_shows_the_password() {
    let nobody_listens = "postgres://user:hunter2@127.0.0.1:1/db";
    for url in
        [nobody_listens, "postgres://user:hunter2@[/db", "mysql://user:hunter2@host/db", "hunter2"]
    {
        let error = db::open(url, 1).await.unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    let place = Place::postgres().await;
    let db = place.open().await;
    assert!(!format!("{db:?} {}", db.location()).contains("password"));
}

/// What looks like a parameter of the URL may be the rest of a password with a `?` in it.
#[tokio::test]
async fn no_log_shows_what_stands_behind_a_question_mark() {
    let (log, _heard) = Log::open();
    tracing::warn!("heard");
    let url = "postgres://user@127.0.0.1:1/db?password2=hunter2";
    assert!(matches!(db::open(url, 1).await, Err(DbError::Connect { .. })));
    let said = log.text();
    assert!(said.contains("heard") && !said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn a_mode_of_tls_that_nobody_knows_is_refused() {
    if env::var("PGSSLMODE").is_ok() {
        let refusal = db::open("postgres://user@127.0.0.1:1/db", 1).await.unwrap_err();
        assert!(refusal.to_string().contains("PGSSLMODE"), "{refusal}");
        return;
    }
    let again = Command::new(env::current_exe().unwrap())
        .args(["--exact", "db::a_mode_of_tls_that_nobody_knows_is_refused"])
        .env("PGSSLMODE", "verify_full")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&again.stdout);
    assert!(again.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_made_by_looking() {
    let place = Place::sqlite().await;
    assert!(matches!(db::open_read_only(&place.url).await, Err(DbError::Connect { .. })));
    let file = place.url.trim_start_matches("sqlite://").trim_end_matches("?mode=rwc");
    assert!(!std::path::Path::new(file).exists());
}
