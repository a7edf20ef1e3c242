//! Brings a database to the schema of this binary, or says why not.
//!
//! Several that start at once take turns; all but the first find nothing left to do. Whoever is killed half-way leaves
//! the schema as it was. Nothing waits for ever.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use sea_orm_migration::{
    IntoSchemaManagerConnection, MigratorTrait,
    sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr},
};

use crate::{
    fit::{Fit, fit},
    turn,
};

/// How long a starting service waits for those who are changing the schema, or hold what a change of its needs.
const PATIENCE: Duration = Duration::from_secs(60);

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
    /// Others held what the change needs, for as long as we were ready to wait.
    #[error(
        "gave up after {} s, and nothing was changed: others hold what the change needs. In the way may be: {}. Try \
         again once they are done",
        waited.as_secs(), in_the_way.join(", ")
    )]
    Busy {
        /// How long it was tried.
        waited: Duration,
        /// Who may be in the way.
        in_the_way: Vec<String>,
    },
    /// The connection broke.
    #[error(
        "the connection to the database was lost: {0}. What was under way is done as a whole or not at all: `status` \
         says which, and `up` can always be repeated"
    )]
    Lost(#[source] DbErr),
    /// The database refused or did not answer.
    #[error("the schema could not be read or changed: {0}")]
    Database(#[source] DbErr),
}

impl From<DbErr> for MigrateError {
    fn from(error: DbErr) -> Self {
        if turn::lost(&error) { Self::Lost(error) } else { Self::Database(error) }
    }
}

/// Makes sure that the database has exactly the schema that `M` describes: applies what is pending (Auto), waiting for
/// up to a minute, or refuses (Check). A schema with changes that `M` doesn't know is refused in both modes.
pub async fn prepare<M: MigratorTrait>(
    connection: &DatabaseConnection,
    mode: MigrateMode,
) -> Result<(), MigrateError> {
    match mode {
        MigrateMode::Auto => up::<M>(connection, PATIENCE).await.map(|_| ()),
        MigrateMode::Check => {
            let pending = pending::<M, _>(connection).await?;
            if pending.is_empty() { Ok(()) } else { Err(MigrateError::Pending { pending }) }
        }
    }
}

/// Applies every change that is pending, all or none, and says which. Where others are changing the schema, or hold a
/// table that a change needs, it waits and tries again, for about as long as `patience`.
pub async fn up<M: MigratorTrait>(
    connection: &DatabaseConnection,
    patience: Duration,
) -> Result<Vec<String>, MigrateError> {
    if pending::<M, _>(connection).await?.is_empty() {
        return Ok(Vec::new());
    }
    let applied = patiently::<M>(connection, patience, Way::Up).await?;
    tracing::info!(?applied, "schema brought up to date");
    Ok(applied)
}

/// Undoes the last `steps` changes, data included, all or none; waits as [`up`] does.
pub async fn down<M: MigratorTrait>(
    connection: &DatabaseConnection,
    steps: u32,
    patience: Duration,
) -> Result<(), MigrateError> {
    patiently::<M>(connection, patience, Way::Down { steps }).await.map(|_| ())
}

/// Where to.
#[derive(Debug, Clone, Copy)]
enum Way {
    Up,
    Down { steps: u32 },
}

/// Changes the schema in a transaction that nobody else's runs beside, again and again while others hold what it needs.
/// Says what was pending.
async fn patiently<M: MigratorTrait>(
    connection: &DatabaseConnection,
    patience: Duration,
    way: Way,
) -> Result<Vec<String>, MigrateError> {
    let begun = Instant::now();
    let give_up = begun + patience;
    loop {
        match once::<M>(connection, give_up, way).await {
            Err(MigrateError::Database(error)) if turn::held_up(&error) => {
                let in_the_way = turn::in_the_way(connection).await;
                tracing::warn!(?in_the_way, "the schema can't be changed yet");
                if !turn::pause(give_up).await {
                    return Err(MigrateError::Busy { waited: begun.elapsed(), in_the_way });
                }
            }
            ended => return ended,
        }
    }
}

async fn once<M: MigratorTrait>(
    connection: &DatabaseConnection,
    give_up: Instant,
    way: Way,
) -> Result<Vec<String>, MigrateError> {
    let transaction = turn::begin(connection, give_up).await?;
    match change::<M>(&transaction, way).await {
        Ok(pending) => {
            transaction.commit().await?;
            Ok(pending)
        }
        Err(error) => {
            // Awaited, so that the locks are free before anything else is tried. Where it fails, the connection is
            // gone and the database undoes it by itself.
            transaction.rollback().await.ok();
            Err(error)
        }
    }
}

async fn change<M: MigratorTrait>(
    transaction: &DatabaseTransaction,
    way: Way,
) -> Result<Vec<String>, MigrateError> {
    // Another one may have been here while we waited.
    let pending = pending::<M, _>(transaction).await?;
    match way {
        Way::Up => M::up(transaction, None).await?,
        Way::Down { steps } => M::down(transaction, Some(steps)).await?,
    }
    Ok(pending)
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
