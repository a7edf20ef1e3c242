//! What was found, as scripts read it (bench/results/latest.json).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

use super::cost::Cost;
use super::machine::{Machine, Versions};
use super::numbers;
use super::ratios::Found;
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
    /// Absent of what calls no service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
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
            cost: None,
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

impl Measurement {
    /// The median throughput of the runs; 0 without any.
    pub fn per_second(&self) -> f64 {
        numbers::median(&self.throughputs()).unwrap_or_default()
    }

    /// How far the runs' throughputs are apart, as a part of the median.
    pub fn spread(&self) -> f64 {
        numbers::spread(&self.throughputs()).unwrap_or_default()
    }

    /// The median over the runs of one of their percentiles, in microseconds; `None` of what has no latencies.
    pub fn latency(&self, percentile: impl Fn(&Latency) -> f64) -> Option<f64> {
        let latencies = self.runs.iter().filter_map(|run| run.latency.as_ref().map(&percentile));
        numbers::median(&latencies.collect::<Vec<_>>())
    }

    /// The median over the runs of a part of what a call costs; `None` where it has no such part.
    pub fn cost(&self, part: impl Fn(&Cost) -> Option<f64>) -> Option<f64> {
        let costs = self.runs.iter().filter_map(|run| part(run.cost.as_ref()?));
        numbers::median(&costs.collect::<Vec<_>>())
    }

    fn throughputs(&self) -> Vec<f64> {
        self.runs.iter().map(|run| run.per_second).collect()
    }
}

/// billing-svc as a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Process {
    /// The most memory that any instance had under all of the load, in MiB. Absent where none was measured.
    pub billing_rss_mib: Option<f64>,
    /// From the start of the process to the first answer of health on a new SQLite file, tables made: milliseconds.
    pub start_sqlite_ms: Option<f64>,
    /// The same on a file that is there.
    pub restart_sqlite_ms: Option<f64>,
}

impl Process {
    /// `name=value` of what was measured: whole MiB and milliseconds.
    pub fn line(&self) -> String {
        let named = [
            ("billing_rss_mib", self.billing_rss_mib),
            ("start_sqlite_ms", self.start_sqlite_ms),
            ("restart_sqlite_ms", self.restart_sqlite_ms),
        ];
        let pairs = named.into_iter().filter_map(|(name, value)| Some((name, value?)));
        pairs.map(|(name, value)| format!("{name}={value:.0}")).collect::<Vec<_>>().join(" ")
    }
}

/// The whole file.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Of this file; rises when a field changes its meaning.
    pub format: u32,
    /// `quick` or `full`.
    pub mode: &'static str,
    /// When it began, ISO 8601.
    pub begun: String,
    /// How long it took.
    pub seconds: f64,
    /// What it ran on.
    pub machine: Machine,
    /// Of what was measured.
    pub versions: Versions,
    /// By program.
    pub settings: BTreeMap<&'static str, BTreeMap<String, String>>,
    /// Users of each database.
    pub users: u32,
    /// Each with all runs and their medians.
    pub measurements: Vec<Summary>,
    /// By name.
    pub ratios: BTreeMap<&'static str, RatioSummary>,
    /// Memory and start.
    pub process: Process,
    /// bot-gateway and image-worker; none with `--quick`.
    pub services: Vec<serde_json::Value>,
}

/// A measurement with what is made of it.
#[derive(Debug, Serialize)]
pub struct Summary {
    #[serde(flatten)]
    measurement: Measurement,
    median_per_second: f64,
    spread: f64,
    median_p50_us: Option<f64>,
    median_p99_us: Option<f64>,
}

impl From<Measurement> for Summary {
    fn from(measurement: Measurement) -> Self {
        Self {
            median_per_second: measurement.per_second(),
            spread: measurement.spread(),
            median_p50_us: measurement.latency(|latency| latency.p50),
            median_p99_us: measurement.latency(|latency| latency.p99),
            measurement,
        }
    }
}

/// A ratio with what it is held to.
#[derive(Debug, Serialize)]
pub struct RatioSummary {
    value: f64,
    rounds: Vec<f64>,
    goal: f64,
    aim: f64,
    reached: bool,
}

impl From<&Found> for RatioSummary {
    fn from(found: &Found) -> Self {
        Self {
            value: found.value,
            rounds: found.rounds.clone(),
            goal: found.ratio.goal,
            aim: found.ratio.aim,
            reached: found.reached(),
        }
    }
}

impl Report {
    /// Writes it as latest.json into a folder, and says where that is.
    ///
    /// # Errors
    /// It can't be written.
    pub fn write(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        let file = folder.join("latest.json");
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(&file, text + "\n").with_context(|| format!("{}", file.display()))?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::ratios;
    use super::super::series::{ONE_TRANSACTION, POSTGRES};
    use super::*;

    fn measured(series: Series, figures: &[f64]) -> Measurement {
        let latency = Latency { p50: 10.0, p90: 20.0, p99: 30.0, p999: 40.0, max: 50.0 };
        let run = |&per_second: &f64| Run {
            per_second,
            calls: 7,
            refused: 0,
            seconds: 2.0,
            latency: Some(latency),
            cost: None,
        };
        Measurement { group: "at_64", series, runs: figures.iter().map(run).collect() }
    }

    #[tokio::test]
    async fn scripts_find_all_runs_and_what_is_made_of_them() {
        let measurements = vec![
            measured(Series::charge(POSTGRES, 64), &[500.0, 520.0, 510.0]),
            measured(Series::charge(ONE_TRANSACTION, 64), &[100.0, 100.0, 100.0]),
        ];
        let found = ratios::found(&measurements);
        let report = Report {
            format: 1,
            mode: "quick",
            begun: "1970-01-01T00:00:00Z".to_owned(),
            seconds: 12.5,
            machine: Machine::here(),
            versions: Versions::of(None).await.unwrap(),
            settings: BTreeMap::new(),
            users: 100_000,
            measurements: measurements.into_iter().map(Summary::from).collect(),
            ratios: found.iter().map(|found| (found.ratio.name, found.into())).collect(),
            process: Process { billing_rss_mib: Some(31.25), ..Process::default() },
            services: Vec::new(),
        };
        let folder = tempfile::tempdir().unwrap();
        let file = report.write(folder.path()).unwrap();
        let read: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();

        let expected = json!({"value": 5.1, "rounds": [5.0, 5.2, 5.1], "goal": 3.5, "aim": 5.0, "reached": true});
        assert_eq!(read["ratios"]["charge_pg_64"], expected);
        let first = &read["measurements"][0];
        assert_eq!(first["series"], "kopilka-pg charge uniform 64");
        assert_eq!(first["group"], "at_64");
        assert_eq!(first["median_per_second"], 510.0);
        assert_eq!(first["median_p99_us"], 30.0);
        assert_eq!(first["runs"].as_array().map(Vec::len), Some(3));
        assert_eq!(first["runs"][1]["latency_us"]["p999"], 40.0);
        assert_eq!(read["process"]["billing_rss_mib"], 31.25);
        assert_eq!(read["begun"], "1970-01-01T00:00:00Z");
        assert!(read["versions"]["sqlite"].as_str().unwrap().starts_with("3."));
        assert!(read["machine"]["processors"].as_u64().unwrap() > 0);
    }

    #[test]
    fn memory_and_start_stand_on_the_line_before_the_last() {
        let process = Process {
            billing_rss_mib: Some(31.6),
            start_sqlite_ms: Some(99.4),
            restart_sqlite_ms: None,
        };
        assert_eq!(process.line(), "billing_rss_mib=32 start_sqlite_ms=99");
        assert_eq!(Process::default().line(), "");
    }
}
