//! What differs between SQLite and PostgreSQL; nothing else of ours knows which one it is.
//!
//! Errors are told apart by SQLSTATE and SQLite's extended codes, never by their text.

mod keys;
mod rows;
mod source;

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    EntityTrait, IsolationLevel, QueryResult, QuerySelect, RuntimeErr, Select, Statement,
    TransactionOptions, TransactionTrait, TryGetable,
    sqlx::{self, postgres::PgDatabaseError, sqlite::SqliteError},
};

use super::StoreError;

pub use keys::Keys;
pub use rows::Rows;

/// Begins a transaction that writes. PostgreSQL: READ COMMITTED, so that what is read after the users are locked is as
/// new as the lock. SQLite: BEGIN IMMEDIATE.
pub async fn begin_write(
    connection: &DatabaseConnection,
) -> Result<DatabaseTransaction, StoreError> {
    service_kit::db::begin_write(connection).await.map_err(failed)
}

/// Begins a transaction that sees everything as it is at its first query. SQLite: any read transaction does.
pub async fn begin_snapshot(
    connection: &DatabaseConnection,
) -> Result<DatabaseTransaction, StoreError> {
    let options = match connection.get_database_backend() {
        DbBackend::Postgres => TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead),
            access_mode: Some(AccessMode::ReadOnly),
            ..TransactionOptions::default()
        },
        _ => TransactionOptions::default(),
    };
    connection.begin_with_options(options).await.map_err(failed)
}

/// Tries, without waiting, to be the only one who holds this number, until the transaction ends. A SQLite file has one process,
/// which never meets itself.
pub async fn try_alone(
    transaction: &impl ConnectionTrait,
    number: i64,
) -> Result<bool, StoreError> {
    match transaction.get_database_backend() {
        DbBackend::Postgres => {
            let lock = format!("SELECT pg_try_advisory_xact_lock({number}) AS alone");
            let statement = Statement::from_string(DbBackend::Postgres, lock);
            let row = transaction.query_one_raw(statement).await.map_err(failed)?;
            row.map_or(Ok(false), |row| row.try_get("", "alone")).map_err(failed)
        }
        _ => Ok(true),
    }
}

/// Locks the rows until the transaction ends. SQLite's writer is alone, and has no such words.
pub fn lock<E: EntityTrait>(select: Select<E>, backend: DbBackend) -> Select<E> {
    match backend {
        DbBackend::Postgres => select.lock_exclusive(),
        _ => select,
    }
}

/// What to do about an error before COMMIT: whatever it is, nothing was changed.
pub fn failed(error: DbErr) -> StoreError {
    match cause(&error) {
        Cause::Race => StoreError::Retryable(error),
        Cause::UniqueKey => StoreError::Conflict(error),
        Cause::Unreadable => StoreError::Corrupt { what: error.to_string() },
        Cause::Unavailable => StoreError::Unavailable(error),
        Cause::Changed | Cause::Statement => StoreError::Refused(error),
    }
}

/// What to do about an error of COMMIT itself. Only where the database says that it rolled back is nothing changed.
pub fn failed_commit(error: DbErr) -> StoreError {
    match cause(&error) {
        Cause::Race => StoreError::Retryable(error),
        Cause::UniqueKey => StoreError::Conflict(error),
        Cause::Changed | Cause::Unreadable | Cause::Unavailable | Cause::Statement => {
            StoreError::OutcomeUnknown(error)
        }
    }
}

/// What to do about an error of a statement that is a transaction of its own and undoes itself by dividing by zero where
/// rows are no longer as they were loaded.
pub fn failed_alone(error: DbErr) -> StoreError {
    match cause(&error) {
        Cause::Changed => StoreError::Conflict(error),
        // It may have been written before the connection was lost.
        Cause::Unavailable => StoreError::OutcomeUnknown(error),
        Cause::Race | Cause::UniqueKey | Cause::Unreadable | Cause::Statement => failed(error),
    }
}

/// The value of a column of a row, counted from 0.
pub fn column<T: TryGetable>(row: &QueryResult, index: usize) -> Result<T, StoreError> {
    row.try_get_by_index(index).map_err(failed)
}

enum Cause {
    Race,
    Changed,
    UniqueKey,
    Unreadable,
    Unavailable,
    Statement,
}

fn cause(error: &DbErr) -> Cause {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => sqlx_cause(error),
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Cause::Unavailable,
        DbErr::Type(_) | DbErr::Json(_) | DbErr::TryIntoErr { .. } => Cause::Unreadable,
        _ => Cause::Statement,
    }
}

fn sqlx_cause(error: &sqlx::Error) -> Cause {
    match error {
        sqlx::Error::Database(error) => {
            if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
                postgres_cause(error.code())
            } else if error.try_downcast_ref::<SqliteError>().is_some() {
                let code = error.code().and_then(|code| code.parse().ok());
                code.map_or(Cause::Statement, sqlite_cause)
            } else {
                Cause::Statement
            }
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Cause::Unreadable,
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => Cause::Unavailable,
        _ => Cause::Statement,
    }
}

/// By SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn postgres_cause(code: &str) -> Cause {
    match code {
        // serialization_failure, deadlock_detected, lock_not_available
        "40001" | "40P01" | "55P03" => Cause::Race,
        // unique_violation
        "23505" => Cause::UniqueKey,
        // division_by_zero: no other statement divides
        "22012" => Cause::Changed,
        // read_only_sql_transaction: a standby, after a failover; statement_completion_unknown;
        // idle_in_transaction_session_timeout
        "25006" | "40003" | "25P03" => Cause::Unavailable,
        // connection exceptions, insufficient resources, operator intervention, system errors
        code if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
            Cause::Unavailable
        }
        _ => Cause::Statement,
    }
}

/// By extended result code: <https://sqlite.org/rescode.html>. The low byte is the primary code.
fn sqlite_cause(code: i32) -> Cause {
    const CONSTRAINT_PRIMARYKEY: i32 = 1555;
    const CONSTRAINT_UNIQUE: i32 = 2067;
    const CONSTRAINT_ROWID: i32 = 2579;
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const READONLY: i32 = 8;
    const IOERR: i32 = 10;
    const FULL: i32 = 13;
    const CANTOPEN: i32 = 14;
    const PROTOCOL: i32 = 15;
    match code {
        CONSTRAINT_PRIMARYKEY | CONSTRAINT_UNIQUE | CONSTRAINT_ROWID => Cause::UniqueKey,
        _ => match code & 0xff {
            BUSY | LOCKED => Cause::Race,
            READONLY | IOERR | FULL | CANTOPEN | PROTOCOL => Cause::Unavailable,
            _ => Cause::Statement,
        },
    }
}
