//! A SQLite file: its folder, its lock, its pragmas.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    str::FromStr,
    time::{Duration, Instant},
};

use sea_orm::{DatabaseConnection, SqlxSqliteConnector};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{ACQUIRE_TIMEOUT, BUSY_TIMEOUT, Db, DbError};

/// SQLite libraries before this one can corrupt a WAL.
pub const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

/// Pages of 4 KiB that the connection which writes may keep in memory: a big transaction changes thousands, and each that has to
/// make room is written and read once more.
const WRITER_PAGES: &str = "6000";
/// The same for each of the others, which forget them all whenever something was written.
const READER_PAGES: &str = "500";
/// Statements that it keeps prepared: each table's come in several sizes.
const WRITER_STATEMENTS: usize = 256;
/// Bytes that all connections together should keep within; beyond it they give back pages that they did not change.
const HEAP: &str = "33554432";
/// Pages in the write-ahead log before they are copied into the file. A page that many transactions change is copied once, so the
/// log is let grow to some such transactions: 32 MiB.
const WAL_PAGES: &str = "8000";

/// How long a held lock is asked for again, and how often.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const LOCK_PAUSE: Duration = Duration::from_millis(20);

pub(super) async fn open(url: &str, max_connections: u32) -> Result<Db, DbError> {
    let (options, path) = parse(url)?;
    make_folder(&path)?;
    let lock = lock(&path).await?;
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("cache_size", READER_PAGES)
        .pragma("soft_heap_limit", HEAP)
        .pragma("wal_autocheckpoint", WAL_PAGES)
        .busy_timeout(BUSY_TIMEOUT);
    connect(options, &path, max_connections, Some(lock)).await
}

pub(super) async fn open_read_only(url: &str) -> Result<Db, DbError> {
    let (options, path) = parse(url)?;
    // Not `mode=ro`: that can't read a file whose WAL a killed process left behind.
    let options =
        options.create_if_missing(false).pragma("query_only", "ON").busy_timeout(BUSY_TIMEOUT);
    connect(options, &path, 2, None).await
}

/// One connection for all that writes, made when it is first used: while it is the only one, the pages that it keeps stay
/// true, and writers wait for each other in a queue, not by asking again and again.
pub(super) fn writer(pool: &DatabaseConnection) -> DatabaseConnection {
    let options = pool.get_sqlite_connection_pool().connect_options();
    let options = (*options)
        .clone()
        .pragma("cache_size", WRITER_PAGES)
        .statement_cache_capacity(WRITER_STATEMENTS);
    SqlxSqliteConnector::from_sqlx_sqlite_pool(pool_options(1).connect_lazy_with(options))
}

fn parse(url: &str) -> Result<(SqliteConnectOptions, PathBuf), DbError> {
    let options = SqliteConnectOptions::from_str(url).map_err(|_| DbError::BadUrl)?;
    let path = options.get_filename().to_owned();
    if path.as_os_str().is_empty() || is_memory(&path, url) {
        return Err(DbError::InMemory);
    }
    Ok((options, path))
}

fn is_memory(path: &Path, url: &str) -> bool {
    // How sqlx names one.
    path.to_string_lossy().starts_with("file:sqlx-in-memory") || url.contains("mode=memory")
}

fn make_folder(path: &Path) -> Result<(), DbError> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    fs::create_dir_all(folder).map_err(|source| DbError::File { path: folder.to_owned(), source })
}

/// The operating system drops the lock with the process, however it ends; the lock file itself stays. A lock that is held is
/// asked for again for [`LOCK_PATIENCE`]: its process may be ending, or a child that was just forked may hold a copy.
async fn lock(path: &Path) -> Result<File, DbError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock_path = PathBuf::from(name);
    let failed = |source| DbError::File { path: lock_path.clone(), source };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(failed)?;
    let give_up = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < give_up => {
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            Err(TryLockError::WouldBlock) => return Err(DbError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}

async fn connect(
    options: SqliteConnectOptions,
    path: &Path,
    max_connections: u32,
    lock: Option<File>,
) -> Result<Db, DbError> {
    let location = path.display().to_string();
    let failed = |source| DbError::Connect { location: location.clone(), source };
    let pool = pool_options(max_connections).connect_with(options).await.map_err(failed)?;
    check_library(&library_version(&pool).await.map_err(failed)?)?;
    Ok(Db { connection: SqlxSqliteConnector::from_sqlx_sqlite_pool(pool), location, _lock: lock })
}

fn pool_options(max_connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A file doesn't go away: no ping before each use, no end of life.
        .test_before_acquire(false)
        .max_lifetime(None)
        .idle_timeout(None)
}

async fn library_version(pool: &SqlitePool) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("SELECT sqlite_version()").fetch_one(pool).await
}

fn check_library(found: &str) -> Result<(), DbError> {
    let numbers: Vec<u32> = found.split('.').map_while(|part| part.parse().ok()).collect();
    if numbers.as_slice() >= OLDEST_SQLITE.as_slice() {
        return Ok(());
    }
    Err(DbError::OldLibrary {
        found: found.to_owned(),
        oldest: OLDEST_SQLITE.map(|number| number.to_string()).join("."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_that_can_corrupt_a_wal_are_refused() {
        for found in ["3.51.3", "3.51.10", "3.52.0", "4.0.0"] {
            assert!(check_library(found).is_ok(), "{found}");
        }
        for found in ["3.51.2", "3.45.0", "2.99.99", "", "nonsense"] {
            assert!(matches!(check_library(found), Err(DbError::OldLibrary { .. })), "{found}");
        }
    }

    #[test]
    fn a_database_in_memory_is_refused() {
        for url in ["sqlite::memory:", "sqlite://:memory:", "sqlite://a.db?mode=memory", "sqlite:"]
        {
            assert!(matches!(parse(url), Err(DbError::InMemory)), "{url}");
        }
    }
}
