//! One change of a schema at a time, which never makes a running service wait long.
//!
//! PostgreSQL: an advisory lock, held by the transaction and so gone with it, however its process ends. Such locks are
//! local to a database, which is what a history belongs to: one number does for all services, and a migrator that
//! was given another service's database waits its turn too before it is refused. A statement that can't have its table
//! within [`TABLE_WAIT`] fails, because whatever comes after it would queue up behind it; the whole change is then
//! undone, others get through, and it is tried again. A migrator whose machine is gone loses its transaction after
//! [`IDLE_LIMIT`]; one that was killed, at its next wait.
//!
//! SQLite: the file's write lock, taken at the beginning (`BEGIN IMMEDIATE`).

use std::time::{Duration, Instant};

use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, RuntimeErr,
    SqliteTransactionMode, SqlxError, Statement, TransactionOptions, TransactionTrait,
};

/// Any number that only we use: the advisory lock of a PostgreSQL database whose schema is being changed.
const LOCK: i64 = 0x6b6f_7069_6c6b_6101;
/// How long a statement of a change waits for a table, and with it everybody who comes after.
const TABLE_WAIT: Duration = Duration::from_secs(2);
/// The pause before another try: those who queued up behind the last one go first.
const PAUSE: Duration = Duration::from_secs(1);
/// After how long PostgreSQL ends a change whose migrator says nothing more.
const IDLE_LIMIT: Duration = Duration::from_secs(30);

/// Begins a change of the schema once nobody else is at it, waiting until `give_up` at the latest.
pub async fn begin(
    connection: &DatabaseConnection,
    give_up: Instant,
) -> Result<DatabaseTransaction, DbErr> {
    let options = TransactionOptions {
        // PostgreSQL ignores it.
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let transaction = connection.begin_with_options(options).await?;
    if connection.get_database_backend() == DbBackend::Postgres {
        let left = give_up.saturating_duration_since(Instant::now()).as_millis().max(1);
        for statement in [
            format!("SET LOCAL idle_in_transaction_session_timeout = '{}s'", IDLE_LIMIT.as_secs()),
            format!("SET LOCAL lock_timeout = '{left}ms'"),
            format!("SELECT pg_advisory_xact_lock({LOCK})"),
            format!("SET LOCAL lock_timeout = '{}s'", TABLE_WAIT.as_secs()),
        ] {
            transaction.execute_unprepared(&statement).await?;
        }
    }
    Ok(transaction)
}

/// Waits a moment, unless it is too late for another try.
pub async fn pause(give_up: Instant) -> bool {
    let again = Instant::now() + PAUSE < give_up;
    if again {
        tokio::time::sleep(PAUSE).await;
    }
    again
}

/// Whether somebody else held what the change needed.
pub fn held_up(error: &DbErr) -> bool {
    let Some(SqlxError::Database(error)) = driver(error) else {
        return false;
    };
    let code = error.code().unwrap_or_default();
    // PostgreSQL's lock_not_available and deadlock_detected. SQLite's BUSY and LOCKED, in the lowest byte.
    matches!(code.as_ref(), "55P03" | "40P01")
        || (code.len() < 5 && code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6)))
}

/// Whether the connection is gone: the database undoes what it was told, or had just finished it.
pub fn lost(error: &DbErr) -> bool {
    match driver(error) {
        Some(SqlxError::Io(_)) => true,
        // Connection exceptions, a server that ends or shuts down, a transaction that said nothing for too long.
        Some(SqlxError::Database(error)) => error.code().is_some_and(|code| {
            code.len() == 5
                && (code.starts_with("08") || code.starts_with("57P0") || code == "25P03")
        }),
        _ => false,
    }
}

fn driver(error: &DbErr) -> Option<&SqlxError> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

/// Who may be in the way, in words for an operator: the oldest open transactions of a PostgreSQL database.
pub async fn in_the_way(connection: &DatabaseConnection) -> Vec<String> {
    if connection.get_database_backend() != DbBackend::Postgres {
        return vec!["another process that writes to the file, or reads it for long".to_owned()];
    }
    let sql = "SELECT format('process %s (%s, %s, begun %s s ago)', pid, coalesce(nullif(application_name, ''), 'unnamed'),
            coalesce(state, 'unknown'), extract(epoch FROM now() - xact_start)::bigint)
        FROM pg_stat_activity
        WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
        ORDER BY xact_start LIMIT 3";
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let rows = connection.query_all_raw(statement).await.unwrap_or_default();
    rows.iter().filter_map(|row| row.try_get_by_index(0).ok()).collect()
}
