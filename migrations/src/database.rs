//! How the tool opens a database: by a URL of which nothing is ever shown, for it may hold a password.

use std::{
    fs::{File, TryLockError},
    path::Path,
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use sea_orm_migration::sea_orm::{DatabaseConnection, SqlxPostgresConnector, SqlxSqliteConnector};
use sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};

/// How long to wait for a database that does not answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a SQLite file that is in use is asked for again.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// An open database.
pub struct Database {
    pub connection: DatabaseConnection,
    /// Keeps services away from a SQLite file while its schema changes.
    _lock: Option<File>,
}

/// Opens a database to look at it.
pub async fn open(url: &str) -> anyhow::Result<Database> {
    let connection = if url.starts_with("sqlite:") {
        connect_sqlite(sqlite_options(url)?).await?
    } else {
        connect_postgres(url).await?
    };
    Ok(Database { connection, _lock: None })
}

/// Opens a database to change it. A SQLite file must be nobody else's meanwhile; waits for it up to `patience`.
pub async fn open_alone(url: &str, patience: Duration) -> anyhow::Result<Database> {
    if !url.starts_with("sqlite:") {
        return open(url).await;
    }
    let options = sqlite_options(url)?;
    let lock = lock(options.get_filename(), patience).await?;
    Ok(Database { connection: connect_sqlite(options).await?, _lock: Some(lock) })
}

fn sqlite_options(url: &str) -> anyhow::Result<SqliteConnectOptions> {
    SqliteConnectOptions::from_str(url)
        .context("the URL must be sqlite://<file>, or sqlite://<file>?mode=rwc")
}

async fn connect_sqlite(options: SqliteConnectOptions) -> anyhow::Result<DatabaseConnection> {
    let file = options.get_filename().display().to_string();
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(CONNECT_TIMEOUT)
        .connect_with(options.disable_statement_logging())
        .await
        .with_context(|| format!("could not open {file}"))?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

async fn connect_postgres(url: &str) -> anyhow::Result<DatabaseConnection> {
    // CloudNativePG writes postgresql://.
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        bail!("the URL must begin with postgres://, postgresql:// or sqlite://");
    }
    // It names no provider when it checks a server's certificate, and rustls panics where more than one is compiled in: teloxide
    // brings a second one to a build of the whole workspace.
    if CryptoProvider::get_default().is_none() {
        // Refused only where another thread has just chosen.
        drop(aws_lc_rs::default_provider().install_default());
    }
    // The driver takes a mode that it can't read for one that checks nothing.
    if let Ok(mode) = std::env::var("PGSSLMODE") {
        PgSslMode::from_str(&mode).context("PGSSLMODE")?;
    }
    let options = PgConnectOptions::from_str(url)
        .context(
            "the URL can't be read; special characters in user and password are written as %XX",
        )?
        .application_name("kopilka-migrations")
        .disable_statement_logging();
    let place = format!("{}:{}", options.get_host(), options.get_port());
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(CONNECT_TIMEOUT)
        .connect_with(options)
        .await
        .with_context(|| format!("could not connect to {place}"))?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

/// The lock that a service takes too (`service_kit::db`). The operating system drops it with the process.
async fn lock(database: &Path, patience: Duration) -> anyhow::Result<File> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let failed = || format!("could not open {}", Path::new(&path).display());
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(failed)?;
    let give_up = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < give_up => {
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            Err(TryLockError::WouldBlock) => {
                bail!("{} is in use by another process: stop its service first", database.display())
            }
            Err(TryLockError::Error(source)) => return Err(source).with_context(failed),
        }
    }
}
