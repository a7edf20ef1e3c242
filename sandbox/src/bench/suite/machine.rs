//! What it ran on, and in which versions.

use std::process::{Command, Stdio};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::bench::servers::Postgres;

/// Figures of two machines can't be compared, and hardly their ratios.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's own name.
    pub processor: String,
    /// How many run at once.
    pub processors: usize,
    /// Whole GiB.
    pub memory_gib: u64,
    /// Of Linux.
    pub kernel: String,
}

impl Machine {
    /// This one; what it doesn't tell is empty.
    pub fn here() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            let value = line.and_then(|line| line.split_once(':'));
            value.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let memory = field(&read("/proc/meminfo"), "MemTotal");
        let kib = memory.trim_end_matches(" kB").parse::<u64>().unwrap_or_default();
        Self {
            processor: field(&read("/proc/cpuinfo"), "model name"),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: kib >> 20,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }
}

/// Of what was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Versions {
    kopilka: &'static str,
    /// Absent outside of a checkout. `-dirty`: with changes that were not committed.
    commit: Option<String>,
    /// Absent where it was not needed.
    postgres: Option<String>,
    sqlite: String,
}

impl Versions {
    /// Asks each.
    ///
    /// # Errors
    /// PostgreSQL is gone.
    pub async fn of(postgres: Option<&Postgres>) -> anyhow::Result<Self> {
        let postgres = match postgres {
            Some(postgres) => Some(postgres.version().await?),
            None => None,
        };
        let mut connection = SqliteConnectOptions::new().in_memory(true).connect().await?;
        let sqlite = sqlx::query_scalar("SELECT sqlite_version()")
            .fetch_one(&mut connection)
            .await
            .context("SQLite's version")?;
        connection.close().await?;
        Ok(Self { kopilka: env!("CARGO_PKG_VERSION"), commit: commit(), postgres, sqlite })
    }
}

fn commit() -> Option<String> {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty", "--exclude=*"]).stdin(Stdio::null());
    let output = git.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
