//! Opening a service's database, SQLite or PostgreSQL, so that what it acknowledged is kept.
//!
//! SQLite: WAL with `synchronous=FULL`, foreign keys on, writers wait for each other ([`BUSY_TIMEOUT`]); a library older than
//! [`OLDEST_SQLITE`] is refused (it can corrupt a WAL) and so, after a second, is another process on the same file.
//! PostgreSQL: each connection is rolled back before it is lent, because a `begin()` that was dropped on the wire leaves a
//! transaction open that the next borrower's acknowledged write would vanish with.
//!
//! Writers use [`begin_write`]. A URL's credentials are in no error, log or `Debug` of ours.

mod alone;
mod kept;
mod postgres;
mod sqlite;

use std::{fmt, fs::File, path::PathBuf, time::Duration};

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

pub(crate) use alone::again;
pub use alone::{Alone, lost_race};
pub use kept::{KeptConnection, KeptConnections};
pub use sqlite::OLDEST_SQLITE;

/// How long a SQLite writer waits for another one.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for a connection of the pool.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// An open database.
pub struct Db {
    /// The pool. Clone it freely; it lives on after `Db`, but the SQLite file's lock doesn't: keep `Db` to the end.
    pub connection: DatabaseConnection,
    location: String,
    /// Locks the SQLite file against other processes for as long as it is open.
    _lock: Option<File>,
}

impl Db {
    /// Where it is, for logs: a file's path, or host and database, without credentials.
    pub fn location(&self) -> &str {
        &self.location
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("location", &self.location).finish_non_exhaustive()
    }
}

/// Why a database can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Neither `sqlite://…` nor `postgres://…`, or not well-formed. The URL is left out: it may hold a password.
    #[error(
        "the database URL must be sqlite://<file>?mode=rwc or postgres://<user>:<password>@<host>/<database>"
    )]
    BadUrl,
    /// Not what the driver knows; it would connect without a check.
    #[error("PGSSLMODE must be disable, allow, prefer, require, verify-ca or verify-full")]
    SslMode,
    /// A SQLite database without a file.
    #[error("a database in memory would forget what it acknowledged: name a file")]
    InMemory,
    /// The file's folder could not be made, or its lock file not opened.
    #[error("{path}: {source}")]
    File {
        /// What could not be made or opened.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error("{path} is in use by another process: only one may have a SQLite database open")]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// The SQLite library can corrupt a WAL.
    #[error("SQLite {found} is too old, {oldest} or later is needed")]
    OldLibrary {
        /// The library's version.
        found: String,
        /// The first that will do.
        oldest: String,
    },
    /// No connection.
    #[error("could not connect to {location}: {source}")]
    Connect {
        /// The file, or host and database.
        location: String,
        /// What the driver says.
        source: sqlx::Error,
    },
}

/// Opens a service's own database with up to `max_connections` connections. Makes the SQLite file (with `?mode=rwc`)
/// and its folder; locks it against other processes until the `Db` is dropped.
pub async fn open(url: &str, max_connections: u32) -> Result<Db, DbError> {
    if url.starts_with("sqlite:") {
        sqlite::open(url, max_connections).await
    } else {
        postgres::open(url, max_connections, postgres::Access::ReadWrite).await
    }
}

/// Opens a database to look at it, next to a live service too: takes no lock, makes nothing and can't write.
pub async fn open_read_only(url: &str) -> Result<Db, DbError> {
    if url.starts_with("sqlite:") {
        sqlite::open_read_only(url).await
    } else {
        postgres::open(url, 2, postgres::Access::ReadOnly).await
    }
}

/// Begins a transaction that writes: on SQLite it takes the write lock at once (`BEGIN IMMEDIATE`), waiting up to
/// [`BUSY_TIMEOUT`]; a deferred one would fail when it first writes after another has.
///
/// Call it in a task of the service's own, not in an RPC's future, which is dropped when the client's deadline passes.
pub async fn begin_write(connection: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    connection.begin_with_options(options).await
}

/// Where a service begins the transactions that write, if there are many: a SQLite file's only connection for it, or the pool
/// itself. Close it before the pool.
pub fn writer(pool: &DatabaseConnection) -> DatabaseConnection {
    match pool.get_database_backend() {
        DbBackend::Sqlite => sqlite::writer(pool),
        _ => pool.clone(),
    }
}
