//! What a call costs each side.

use std::time::Duration;

use serde::Serialize;

use super::series::Series;
use super::stage::{Servers, Stage};
use crate::bench::servers::processor::{spent, spent_by_family};

/// Of one call on average, its run's warm-up included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    /// Microseconds on a processor, of all instances that were called.
    pub service_us: f64,
    /// The same of PostgreSQL with all its processes. Absent where it has no part in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgres_us: Option<f64>,
    /// The same of the load generator.
    pub load_us: f64,
    /// What PostgreSQL wrote to its write-ahead log: with whole pages, the first time that one is changed after a checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wal_bytes: Option<f64>,
}

/// A measurement under way.
#[derive(Debug)]
pub struct Meter {
    services: Vec<u32>,
    before: Spent,
}

/// Since each process began.
#[derive(Debug)]
struct Spent {
    services: Duration,
    load: Duration,
    postgres: Option<(Duration, u64)>,
}

impl Meter {
    /// Begins.
    ///
    /// # Errors
    /// A server has ended, or this is no Linux.
    pub async fn start(stage: &Stage, servers: &Servers, series: &Series) -> anyhow::Result<Self> {
        let services = servers.processes(series);
        let before = Spent::now(stage, series, &services).await?;
        Ok(Self { services, before })
    }

    /// What each of so many calls has cost.
    ///
    /// # Errors
    /// A server has ended.
    pub async fn read(&self, stage: &Stage, series: &Series, calls: u64) -> anyhow::Result<Cost> {
        let after = Spent::now(stage, series, &self.services).await?;
        let each = |sum: f64| sum / calls.max(1) as f64;
        let us = |after: Duration, before: Duration| {
            each(after.saturating_sub(before).as_secs_f64() * 1e6)
        };
        let postgres = after.postgres.zip(self.before.postgres);
        Ok(Cost {
            service_us: us(after.services, self.before.services),
            postgres_us: postgres.map(|(after, before)| us(after.0, before.0)),
            load_us: us(after.load, self.before.load),
            wal_bytes: postgres.map(|(after, before)| each((after.1 - before.1) as f64)),
        })
    }
}

impl Spent {
    async fn now(stage: &Stage, series: &Series, services: &[u32]) -> anyhow::Result<Self> {
        let mut sum = Duration::ZERO;
        for process in services {
            sum += spent(*process)?;
        }
        let postgres = match stage.postgres().filter(|_| series.subject.on_postgres()) {
            Some(server) => Some((spent_by_family(server.id())?, server.wal().await?)),
            None => None,
        };
        Ok(Self { services: sum, load: spent(std::process::id())?, postgres })
    }
}
