//! A PostgreSQL pool that lends only connections with no transaction open.

use std::str::FromStr;

use sea_orm::SqlxPostgresConnector;
use sqlx::{
    Executor, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tracing::subscriber::{NoSubscriber, with_default};

use super::{ACQUIRE_TIMEOUT, Db, DbError};

/// What a pool may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    ReadWrite,
    ReadOnly,
}

pub(super) async fn open(url: &str, max_connections: u32, access: Access) -> Result<Db, DbError> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(DbError::BadUrl);
    }
    choose_crypto();
    // The driver takes a mode that it can't read for one that checks nothing.
    if let Ok(mode) = std::env::var("PGSSLMODE")
        && PgSslMode::from_str(&mode).is_err()
    {
        return Err(DbError::SslMode);
    }
    // Unheard: the driver logs parameters that it doesn't know with their values, and half a password with a `?` in it looks
    // like one.
    let mut options = with_default(NoSubscriber::new(), || PgConnectOptions::from_str(url))
        .map_err(|_| DbError::BadUrl)?
        .application_name("kopilka")
        // The rollback below warns when there is nothing to roll back, which is always.
        .options([("client_min_messages", "error")])
        // An instance that froze with users locked must not stop the other instances for ever.
        .options([("idle_in_transaction_session_timeout", "30s")]);
    options = options.options(match access {
        Access::ReadOnly => vec![("default_transaction_read_only", "on")],
        // What a service asks for has an index, and is prepared once. A plan made while a table was small, or before its first
        // ANALYZE, reads the whole table, and would be kept while it grows. What is left without an index then looks so dear
        // that it would be compiled.
        Access::ReadWrite => vec![("enable_seqscan", "off"), ("jit", "off")],
    });
    let location = format!(
        "postgres://{}:{}/{}",
        options.get_host(),
        options.get_port(),
        options.get_database().unwrap_or_default()
    );
    let pool = PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // The rollback finds a dead connection just as well as a ping would.
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(roll_back(connection)))
        .connect_with(options)
        .await
        .map_err(|source| DbError::Connect { location: location.clone(), source })?;
    Ok(Db {
        connection: SqlxPostgresConnector::from_sqlx_postgres_pool(pool),
        location,
        _lock: None,
    })
}

async fn roll_back(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    connection.execute("ROLLBACK").await?;
    Ok(true)
}

/// The driver names no provider when it checks a server's certificate, and rustls panics where more than one is compiled in:
/// teloxide brings a second one to the gateway.
fn choose_crypto() {
    if CryptoProvider::get_default().is_none() {
        // Refused only where another thread has just chosen.
        drop(aws_lc_rs::default_provider().install_default());
    }
}
