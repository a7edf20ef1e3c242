//! `kopilka-bench services`.

use std::fmt::Display;

use indicatif::ProgressBar;
use serde::Serialize;

use super::{Databases, Kind, gateway, worker};
use crate::bench::load::progress_bar;
use crate::bench::servers::{Folder, Postgres};

/// What PostgreSQL and the services' files may take.
const GIB: u64 = 2;

/// `kopilka-bench services`: measures bot-gateway and image-worker, on SQLite and on a PostgreSQL of its own, in about a
/// minute.
#[derive(Debug, clap::Args)]
pub struct ServicesArgs {
    /// How many updates bot-gateway is sent.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub updates: u64,
    /// How many of them at once; Telegram sends up to 100.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub in_flight: u16,
    /// How many jobs image-worker is handed, at most what may wait in its queue.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=9_000))]
    pub jobs: u64,
    /// How many jobs image-worker runs at once: its WORKER_CONCURRENCY.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub concurrency: u32,
    /// Prints one line of JSON for each instead of words.
    #[arg(long)]
    pub json: bool,
}

impl ServicesArgs {
    /// Runs the subcommand.
    ///
    /// # Errors
    /// PostgreSQL or a service can't be started; one of them stalled or lost something.
    pub async fn run(&self) -> anyhow::Result<()> {
        let folder = Folder::new(GIB)?;
        let postgres = Postgres::start(folder.path()).await?;
        for kind in [Kind::Sqlite, Kind::Postgres] {
            let bar = progress_bar(&format!("bot-gateway, {}", kind.name()))?;
            let databases = fresh(kind, &folder, &postgres, "updates").await?;
            let in_flight = usize::from(self.in_flight);
            let measured = gateway(&databases, self.updates, in_flight, &bar).await?;
            self.tell(&bar, &measured)?;
            let bar = progress_bar(&format!("image-worker, {}", kind.name()))?;
            let databases = fresh(kind, &folder, &postgres, "jobs").await?;
            let measured = worker(&databases, self.jobs, self.concurrency, &bar).await?;
            self.tell(&bar, &measured)?;
        }
        Ok(())
    }

    fn tell<T: Serialize + Display>(&self, bar: &ProgressBar, measured: &T) -> anyhow::Result<()> {
        bar.finish_and_clear();
        if self.json {
            println!("{}", serde_json::to_string(measured)?);
        } else {
            println!("{measured}");
        }
        Ok(())
    }
}

async fn fresh(
    kind: Kind,
    folder: &Folder,
    postgres: &Postgres,
    name: &str,
) -> anyhow::Result<Databases> {
    match kind {
        Kind::Sqlite => Ok(Databases::sqlite(folder.path(), name)),
        Kind::Postgres => Databases::postgres(postgres, name).await,
    }
}
