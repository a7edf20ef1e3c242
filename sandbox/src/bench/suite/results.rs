//! What was found, as scripts read it (bench/results/latest.json).

use std::time::Duration;

use serde::Serialize;

use super::series::Series;
use crate::bench::load::Measured;

/// One run of a series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Run {
    /// Calls answered as expected, for each second.
    pub per_second: f64,
    /// How many these were.
    pub calls: u64,
    /// Of these, refusals that were asked for.
    pub refused: u64,
    /// How long was measured.
    pub seconds: f64,
    /// Absent of what has none.
    #[serde(rename = "latency_us", skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
}

/// Microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// The median.
    pub p50: f64,
    /// Nine in ten take no longer.
    pub p90: f64,
    /// One in a hundred takes longer.
    pub p99: f64,
    /// One in a thousand takes longer.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

impl From<&Measured> for Run {
    fn from(measured: &Measured) -> Self {
        let us = |duration: Duration| duration.as_secs_f64() * 1e6;
        let latency = Latency {
            p50: us(measured.p50()),
            p90: us(measured.p90()),
            p99: us(measured.p99()),
            p999: us(measured.p99_9()),
            max: us(measured.max()),
        };
        Self {
            per_second: measured.per_second(),
            calls: measured.calls,
            refused: measured.refused,
            seconds: measured.elapsed.as_secs_f64(),
            latency: Some(latency),
        }
    }
}

/// A series with all of its runs.
#[derive(Debug, Clone, Serialize)]
pub struct Measurement {
    /// Which took turns with it.
    pub group: &'static str,
    /// What was measured.
    pub series: Series,
    /// One of each round, in order.
    pub runs: Vec<Run>,
}
