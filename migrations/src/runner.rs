//! Brings a database to the schema of this binary, or says why not.
//!
//! Two instances that start at once on one PostgreSQL take turns (advisory lock); a second SQLite process waits for the
//! write lock and then finds nothing left to do.

use std::{collections::BTreeSet, str::FromStr};

use sea_orm_migration::{
    IntoSchemaManagerConnection, MigratorTrait,
    sea_orm::{
        ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
        SqliteTransactionMode, TransactionOptions, TransactionTrait,
    },
};

use crate::fit::{Fit, fit};

/// Any number that only we use: the advisory lock of a PostgreSQL database whose schema is being changed.
const LOCK: i64 = 0x6b6f_7069_6c6b_6101;

/// What a service does about pending changes when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum MigrateMode {
    /// Apply them.
    Auto,
    /// Refuse to start: the operator applies them with the `migrations` binary.
    Check,
}

impl MigrateMode {
    /// Auto for a SQLite file, Check for PostgreSQL, where several instances and their operator share the schema.
    pub fn default_for(database_url: &str) -> MigrateMode {
        if database_url.starts_with("sqlite:") { MigrateMode::Auto } else { MigrateMode::Check }
    }
}

impl FromStr for MigrateMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        <Self as clap::ValueEnum>::from_str(text, true)
    }
}

/// Why a database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The schema was made by a newer binary; using it could break what that one relies on.
    #[error(
        "the database's schema is newer than this program: it has {unknown:?}, which this program doesn't know. \
         Start the newer release again, or undo these changes with its `migrations` binary (`down`) first"
    )]
    Newer {
        /// The changes that only the newer binary knows.
        unknown: Vec<String>,
    },
    /// Neither older nor newer.
    #[error(
        "the database's schema is not of this program's history: it has {unknown:?}, which this program doesn't know, \
         and lacks {pending:?}. Is it another service's database?"
    )]
    Other {
        /// What this program needs and the schema lacks.
        pending: Vec<String>,
        /// What the schema has and this program doesn't know.
        unknown: Vec<String>,
    },
    /// Check mode, and the schema is older than the binary.
    #[error(
        "the database's schema is older than this program: {pending:?} not applied. Apply with \
         `migrations <billing|gateway|worker> up`, or let the service do it (…_MIGRATE=auto)"
    )]
    Pending {
        /// The changes that have to be applied.
        pending: Vec<String>,
    },
    /// The database refused or did not answer.
    #[error("the schema could not be read or changed: {0}")]
    Database(#[from] DbErr),
}

/// Makes sure that the database has exactly the schema that `M` describes: applies what is pending (Auto) or
/// refuses (Check). A schema with changes that `M` doesn't know is refused in both modes.
pub async fn prepare<M: MigratorTrait>(
    connection: &DatabaseConnection,
    mode: MigrateMode,
) -> Result<(), MigrateError> {
    let pending = pending::<M, _>(connection).await?;
    if pending.is_empty() {
        return Ok(());
    }
    match mode {
        MigrateMode::Check => Err(MigrateError::Pending { pending }),
        MigrateMode::Auto => {
            let transaction = begin_exclusive(connection).await?;
            // Another instance may have been here while we waited for the lock.
            let pending = self::pending::<M, _>(&transaction).await?;
            M::up(&transaction, None).await?;
            transaction.commit().await?;
            tracing::info!(?pending, "schema brought up to date");
            Ok(())
        }
    }
}

/// Undoes the last `steps` changes, data included, in one transaction.
pub async fn down<M: MigratorTrait>(
    connection: &DatabaseConnection,
    steps: u32,
) -> Result<(), MigrateError> {
    let transaction = begin_exclusive(connection).await?;
    pending::<M, _>(&transaction).await?;
    M::down(&transaction, Some(steps)).await?;
    transaction.commit().await?;
    Ok(())
}

/// Each change that `M` knows, oldest first, and whether it is applied. Writes nothing.
pub async fn status<M: MigratorTrait>(
    connection: &DatabaseConnection,
) -> Result<Vec<(String, bool)>, MigrateError> {
    let pending: BTreeSet<String> = pending::<M, _>(connection).await?.into_iter().collect();
    let known = M::migrations().into_iter().map(|m| m.name().to_owned());
    Ok(known
        .map(|name| {
            let applied = !pending.contains(&name);
            (name, applied)
        })
        .collect())
}

/// What is not applied yet, oldest first; an error when something is applied that `M` doesn't know.
async fn pending<M, C>(connection: &C) -> Result<Vec<String>, MigrateError>
where
    M: MigratorTrait,
    C: ConnectionTrait,
    for<'c> &'c C: IntoSchemaManagerConnection<'c>,
{
    match fit::<M, C>(connection).await? {
        Fit::Same => Ok(Vec::new()),
        Fit::Older { pending } => Ok(pending),
        Fit::Newer { unknown } => Err(MigrateError::Newer { unknown }),
        Fit::Other { pending, unknown } => Err(MigrateError::Other { pending, unknown }),
    }
}

async fn begin_exclusive(connection: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let options = TransactionOptions {
        // SQLite's own lock; PostgreSQL ignores it.
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let transaction = connection.begin_with_options(options).await?;
    if connection.get_database_backend() == DbBackend::Postgres {
        let lock = format!("SELECT pg_advisory_xact_lock({LOCK})");
        transaction.execute_unprepared(&lock).await?;
    }
    Ok(transaction)
}
