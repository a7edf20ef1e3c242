//! Brings a database to the schema of this binary, or says why not.
//!
//! Two instances that start at once on one PostgreSQL take turns (advisory lock); a second SQLite process waits for the
//! write lock and then finds nothing left to do.

use std::{collections::BTreeSet, str::FromStr};

use sea_orm_migration::{
    MigratorTrait, SchemaManager,
    sea_orm::{
        ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, EntityTrait,
        QueryOrder, SqliteTransactionMode, TransactionOptions, TransactionTrait,
    },
    seaql_migrations,
};

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
    for<'c> &'c C: sea_orm_migration::IntoSchemaManagerConnection<'c>,
{
    let table = M::migration_table_name().to_string();
    let applied: Vec<String> = if SchemaManager::new(connection).has_table(table).await? {
        let rows = seaql_migrations::Entity::find()
            .order_by_asc(seaql_migrations::Column::Version)
            .all(connection)
            .await?;
        rows.into_iter().map(|row| row.version).collect()
    } else {
        Vec::new()
    };
    let known: Vec<String> = M::migrations().iter().map(|m| m.name().to_owned()).collect();
    let unknown: Vec<String> =
        applied.iter().filter(|name| !known.contains(name)).cloned().collect();
    if !unknown.is_empty() {
        return Err(MigrateError::Newer { unknown });
    }
    Ok(known.into_iter().filter(|name| !applied.contains(name)).collect())
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
