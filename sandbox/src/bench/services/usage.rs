//! What a process takes of the machine, as Linux tells it.

use std::fmt;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Serialize;

use crate::bench::servers::processor::spent;

/// What a service took of the machine while it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Usage {
    /// How many cores it kept busy, on average.
    pub cores: f64,
    /// How many cores the load, the stand-ins and the relay of the services' logs kept busy beside it.
    pub cores_of_bench: f64,
    /// Resident when it had warmed up, MiB.
    pub memory_before_mib: f64,
    /// Resident at the end, MiB.
    pub memory_after_mib: f64,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.2} cores, and {:.2} for load and stand-ins; {:.0} MiB, then {:.0}",
            self.cores, self.cores_of_bench, self.memory_before_mib, self.memory_after_mib
        )
    }
}

/// A measurement of what a process takes, under way.
#[derive(Debug)]
pub(super) struct Meter {
    process: u32,
    begun: Instant,
    spent: Duration,
    spent_here: Duration,
    memory: f64,
}

impl Meter {
    /// Begins.
    ///
    /// # Errors
    /// There is no such process, or this is no Linux.
    pub(super) fn start(process: u32) -> anyhow::Result<Self> {
        Ok(Self {
            process,
            begun: Instant::now(),
            spent: spent(process)?,
            spent_here: spent(std::process::id())?,
            memory: memory(process)?,
        })
    }

    /// What it took since.
    ///
    /// # Errors
    /// The process has ended.
    pub(super) fn read(&self) -> anyhow::Result<Usage> {
        let seconds = self.begun.elapsed().as_secs_f64();
        let here = spent(std::process::id())? - self.spent_here;
        Ok(Usage {
            cores: (spent(self.process)? - self.spent).as_secs_f64() / seconds,
            cores_of_bench: here.as_secs_f64() / seconds,
            memory_before_mib: self.memory,
            memory_after_mib: memory(self.process)?,
        })
    }
}

/// Resident, MiB.
fn memory(process: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{process}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("can't read {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    Ok(kib.with_context(|| format!("{path} has no VmRSS"))? / 1024.0)
}
