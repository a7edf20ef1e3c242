//! The other two services, with what they are asked to do by default in `kopilka-bench services`.

use std::fmt::Display;

use indicatif::ProgressBar;
use serde::Serialize;

use super::clock::Clock;
use super::stage::Stage;
use crate::bench::services::{Databases, gateway, worker};

/// Updates for bot-gateway, and how many at once.
const UPDATES: (u64, usize) = (10_000, 64);
/// Jobs for image-worker, and how many it runs at once.
const JOBS: (u64, u32) = (1_000, 8);

/// What was found, for people and for scripts.
#[derive(Debug, Default)]
pub struct Others {
    /// A line each.
    pub lines: Vec<String>,
    /// The same.
    pub figures: Vec<serde_json::Value>,
}

/// Measures each on SQLite and on PostgreSQL.
///
/// # Errors
/// A service can't be started, stalled, or lost something.
pub async fn measure(stage: &mut Stage, clock: &Clock) -> anyhow::Result<Others> {
    let mut others = Others::default();
    let folder = stage.folder().to_owned();
    let server = stage.server_started(clock).await?;
    for postgres in [false, true] {
        for what in ["updates", "jobs"] {
            clock.say(&format!("{what} on {}", if postgres { "PostgreSQL" } else { "SQLite" }));
            let databases = if postgres {
                Databases::postgres(server, what).await?
            } else {
                Databases::sqlite(&folder, what)
            };
            let hidden = ProgressBar::hidden();
            if what == "updates" {
                others.keep(clock, &gateway(&databases, UPDATES.0, UPDATES.1, &hidden).await?)?;
            } else {
                others.keep(clock, &worker(&databases, JOBS.0, JOBS.1, &hidden).await?)?;
            }
        }
    }
    Ok(others)
}

impl Others {
    fn keep<T: Display + Serialize>(&mut self, clock: &Clock, found: &T) -> anyhow::Result<()> {
        clock.say(&found.to_string());
        self.lines.push(found.to_string());
        self.figures.push(serde_json::to_value(found)?);
        Ok(())
    }
}
