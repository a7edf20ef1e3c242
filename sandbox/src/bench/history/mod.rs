//! A billing database with a past: users who have money, and operations that were charged and completed over the last year.
//!
//! Everything is written by set-based SQL in one transaction, so a seeding that is broken off leaves the database as it
//! was. Indexes and keys are taken away before and made again after, as their definitions in the database say: ten million
//! operations would else take an hour. `billing-svc verify` finds nothing wrong with the outcome.

mod indexes;
mod rows;

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, Statement};
use secrecy::{ExposeSecret, SecretString};
use service_kit::db;

use indexes::Indexes;
use rows::{CHUNK, Part, Past};

/// The tables that are filled.
const TABLES: [&str; 5] = ["users", "grants", "operations", "entries", "admin_requests"];
/// How often the bar is drawn while one statement runs.
const TICK: Duration = Duration::from_millis(200);

/// What the past holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed {
    /// Users `bench:0`, `bench:1`…, at least one. Each was given 10^15 micros by an administrator.
    pub users: u32,
    /// COMPLETED operations of the kind `generate`, paid from balances, spread evenly over the users and the last year.
    pub operations: u64,
    /// Live promotional grants of each user, of 10^12 micros each, with priorities 0, 1, 2…: each charge has to read
    /// them all and takes from the first. Every second one expires in a year.
    pub grants: u32,
}

/// `kopilka-bench seed`: fills the empty, migrated database of a billing-svc that is stopped.
#[derive(Debug, clap::Args)]
pub struct SeedArgs {
    /// The database: `postgres://…` or `sqlite://…`. It has billing's tables, and no rows in them: start billing-svc once, or
    /// use `migrations billing up`.
    #[arg(
        long,
        env = "BILLING_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        value_parser = secret
    )]
    pub database_url: SecretString,
    /// How many users, bench:0 and on; each has a balance of 10^9 units.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub users: u32,
    /// How many completed operations, spread over users and the last year.
    #[arg(long, default_value_t = 0)]
    pub operations: u64,
    /// How many live promotional grants each user has; an operation's price is taken from the first.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1000))]
    pub grants: u32,
}

fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(SecretString::from(text))
}

impl SeedArgs {
    /// Runs the subcommand.
    ///
    /// # Errors
    /// As [`seed`].
    pub async fn run(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let past = Seed { users: self.users, operations: self.operations, grants: self.grants };
        seed(self.database_url.expose_secret(), &past).await?;
        println!(
            "{} users, {} operations, {} grants each, in {}",
            HumanCount(self.users.into()),
            HumanCount(self.operations),
            self.grants,
            HumanDuration(begun.elapsed())
        );
        Ok(())
    }
}

/// Fills an empty, migrated, idle billing database; on PostgreSQL it is vacuumed, analysed and checkpointed afterwards.
/// Shows its progress on a terminal.
///
/// # Errors
/// The database can't be opened, is in use, has no tables of billing-svc or has rows in them; the numbers don't fit. All is
/// as it was then.
pub async fn seed(database_url: &str, seed: &Seed) -> anyhow::Result<()> {
    let past = Past::new(seed)?;
    // One connection: what is set for it holds for every statement here, and for nobody else.
    let database = db::open(database_url, 1).await?;
    let progress = bar(past.parts().iter().map(|part| part.count).sum());
    let filled = fill(&database.connection, &past, &progress).await;
    progress.finish_and_clear();
    filled
}

fn bar(rows: u64) -> ProgressBar {
    let bar = ProgressBar::new(rows);
    if let Ok(style) = ProgressStyle::with_template("{elapsed} {wide_bar} {percent} % {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
    bar
}

async fn fill(
    connection: &DatabaseConnection,
    past: &Past,
    progress: &ProgressBar,
) -> anyhow::Result<()> {
    if connection.get_database_backend() == DbBackend::Sqlite {
        // 1 GB, so that the tables' trees are written once.
        connection.execute_unprepared("PRAGMA cache_size = -1000000").await?;
    }
    let transaction = db::begin_write(connection).await?;
    prepare(&transaction).await?;
    empty(&transaction).await?;
    let indexes = Indexes::of(&transaction, &TABLES).await?;
    indexes.take_away(&transaction).await?;
    write(&transaction, past, progress).await?;
    indexes.make_again(&transaction, progress).await?;
    transaction.commit().await?;
    tidy(connection, progress).await
}

/// Nobody else may use the tables, and this session takes what memory it needs.
async fn prepare(transaction: &DatabaseTransaction) -> anyhow::Result<()> {
    if transaction.get_database_backend() == DbBackend::Sqlite {
        return Ok(()); // the file is locked
    }
    for (name, value) in [
        ("lock_timeout", "5s"),
        ("statement_timeout", "0"),
        ("synchronous_commit", "off"),
        ("work_mem", "256MB"),
        ("maintenance_work_mem", "1GB"),
    ] {
        transaction.execute_unprepared(&format!("SET LOCAL {name} = '{value}'")).await?;
    }
    let lock = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", TABLES.join(", "));
    transaction.execute_unprepared(&lock).await.context(
        "billing's tables can't be had: migrate the database first, and stop billing-svc",
    )?;
    Ok(())
}

/// Users of somebody's must not find themselves among ours.
async fn empty(transaction: &DatabaseTransaction) -> anyhow::Result<()> {
    for table in TABLES {
        let any = format!("SELECT count(*) AS found FROM (SELECT 1 FROM {table} LIMIT 1) AS one");
        let any = Statement::from_string(transaction.get_database_backend(), any);
        let row = transaction.query_one_raw(any).await.with_context(|| {
            format!("the table {table} can't be read: is the database migrated?")
        })?;
        let found: i64 = row.context("a count has a row")?.try_get("", "found")?;
        ensure!(found == 0, "the table {table} has rows: only an empty database is filled");
    }
    Ok(())
}

async fn write(
    transaction: &DatabaseTransaction,
    past: &Past,
    progress: &ProgressBar,
) -> anyhow::Result<()> {
    let backend = transaction.get_database_backend();
    for Part { what, count, statements } in past.parts() {
        let mut chunk = 0..count.min(CHUNK);
        while !chunk.is_empty() {
            progress.set_message(format!(
                "{what}: {} of {}",
                HumanCount(chunk.start),
                HumanCount(count)
            ));
            for statement in statements {
                transaction.execute_unprepared(&past.sql(statement, backend, &chunk)).await?;
            }
            progress.inc(chunk.end - chunk.start);
            chunk = chunk.end..count.min(chunk.end + CHUNK);
        }
    }
    Ok(())
}

/// What the database would else do while something is measured.
async fn tidy(connection: &DatabaseConnection, progress: &ProgressBar) -> anyhow::Result<()> {
    progress.set_message("tidying");
    if connection.get_database_backend() == DbBackend::Sqlite {
        connection.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        return Ok(());
    }
    let vacuum = format!("VACUUM (FREEZE, ANALYZE) {}", TABLES.join(", "));
    connection.execute_unprepared(&vacuum).await?;
    if let Err(error) = connection.execute_unprepared("CHECKPOINT").await {
        eprintln!("the database is filled, but this role may make no checkpoint: {error}");
    }
    Ok(())
}
