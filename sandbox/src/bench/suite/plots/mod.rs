//! Plots, as SVG. Each is drawn where there is something to draw.

mod chart;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use plotters::prelude::IntoLogRange;

use super::results::{Latency, Measurement};
use super::series::{Engine, ONE_TRANSACTION, POSTGRES, SQLITE, Series, Subject};
use crate::bench::load::{Call, Spread};
use chart::{Line, Plot};

/// Where a percentile is drawn, so that each nine is as far from the last one as that from the one before.
type Percentile = (&'static str, fn(&Latency) -> f64);
const PERCENTILES: [Percentile; 5] = [
    ("p50", |latency| latency.p50),
    ("p90", |latency| latency.p90),
    ("p99", |latency| latency.p99),
    ("p99.9", |latency| latency.p999),
    ("max", |latency| latency.max),
];

/// Draws what was measured into a folder: throughput.svg, latency.svg and history.svg.
///
/// # Errors
/// A file can't be written.
pub fn draw(measurements: &[Measurement], folder: &Path) -> anyhow::Result<()> {
    let plots = [
        ("throughput.svg", throughput(measurements)),
        ("latency.svg", latency(measurements)),
        ("history.svg", history(measurements)),
    ];
    for (name, plot) in plots {
        let file = folder.join(name);
        // What an earlier run drew does not belong to this one.
        match std::fs::remove_file(&file) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("{}", file.display())),
        }
        if let Some(svg) = plot? {
            std::fs::write(&file, svg).with_context(|| format!("{}", file.display()))?;
        }
    }
    Ok(())
}

/// Charges a second by how many are in flight. Both axes are logarithmic: the ceiling is far above.
fn throughput(measurements: &[Measurement]) -> anyhow::Result<Option<String>> {
    let mut lines: BTreeMap<Subject, Vec<(f64, f64)>> = BTreeMap::new();
    for measurement in measurements {
        let Series { subject, call, spread, in_flight } = measurement.series;
        let shown = match subject {
            Subject::Kopilka(books, _) => books.operations == 0 && books.grants == 0,
            Subject::Baseline(_) | Subject::Pgbench => true,
            Subject::Commits => false,
        };
        let points = lines.entry(subject).or_default();
        let x = in_flight as f64;
        // Some are measured in more than one group.
        let new = !points.iter().any(|(known, _)| *known == x);
        if shown && new && call == Call::Charge && spread == Spread::Uniform {
            points.push((x, measurement.per_second()));
        }
    }
    let lines = lines.into_iter().map(|(subject, mut points)| {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        (subject.to_string(), points)
    });
    let plot = Plot {
        title: "Charges a second",
        x: "in flight",
        y: "charges a second",
        label: &|x| format!("{x:.0}"),
        ticks: 5,
    };
    plot.draw(lines.collect(), |x, y| (x.log_scale().base(4.0), y.log_scale()))
}

/// Percentiles of the latency at 64 in flight.
fn latency(measurements: &[Measurement]) -> anyhow::Result<Option<String>> {
    let of = |subject: Subject| {
        let series = Series::charge(subject, 64);
        let measured = measurements.iter().find(|measured| measured.series == series)?;
        let points = PERCENTILES.into_iter().enumerate();
        let points = points.filter_map(|(at, (_, percentile))| {
            Some((at as f64, measured.latency(percentile)? / 1e3))
        });
        Some((subject.to_string(), points.collect()))
    };
    let lines = [POSTGRES, SQLITE, ONE_TRANSACTION].into_iter().filter_map(of).collect();
    let label = |x: &f64| {
        let at = PERCENTILES.iter().enumerate().find(|(at, _)| (*at as f64 - x).abs() < 0.01);
        at.map_or_else(String::new, |(_, (name, _))| (*name).to_owned())
    };
    let plot = Plot {
        title: "Latency of a charge, 64 in flight",
        x: "percentile",
        y: "ms",
        label: &label,
        ticks: PERCENTILES.len(),
    };
    plot.draw(lines, |x, y| (x, y.log_scale()))
}

/// Charges a second by how many operations there were before.
fn history(measurements: &[Measurement]) -> anyhow::Result<Option<String>> {
    let of = |engine: Engine| -> Line {
        let points = measurements.iter().filter_map(|measured| match measured.series.subject {
            Subject::Kopilka(books, 1)
                if books.engine == engine && measured.group.starts_with("history") =>
            {
                Some((books.operations as f64 / 1e6, measured.per_second()))
            }
            Subject::Kopilka(..) | Subject::Baseline(_) | Subject::Pgbench | Subject::Commits => {
                None
            }
        });
        let mut points: Vec<_> = points.collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let name = match engine {
            Engine::Postgres => "kopilka-pg",
            Engine::Sqlite => "kopilka-sqlite",
        };
        (name.to_owned(), points)
    };
    let plot = Plot {
        title: "Charges a second as the history grows, 64 in flight",
        x: "millions of past operations",
        y: "charges a second",
        label: &|x| format!("{x:.0}"),
        ticks: 6,
    };
    plot.draw(vec![of(Engine::Postgres), of(Engine::Sqlite)], |x, y| (x, 0.0..y.end))
}

#[cfg(test)]
mod tests {
    use super::super::results::Run;
    use super::*;

    fn measured(group: &'static str, series: Series, per_second: f64) -> Measurement {
        let latency = Latency { p50: 1e3, p90: 2e3, p99: 3e3, p999: 9e3, max: 2e4 };
        let run = Run {
            per_second,
            calls: 1,
            refused: 0,
            seconds: 1.0,
            latency: Some(latency),
            cost: None,
        };
        Measurement { group, series, runs: vec![run; 3] }
    }

    /// Every tag that is opened is closed, in order.
    fn well_formed(svg: &str) -> bool {
        let mut open = Vec::new();
        for tag in svg.split('<').skip(1) {
            let Some((tag, _)) = tag.split_once('>') else { return false };
            let name = tag.split_whitespace().next().unwrap_or_default();
            match name.strip_prefix('/') {
                Some(closed) if open.pop() == Some(closed) => {}
                Some(_) => return false,
                None if tag.ends_with('/') || name.starts_with(['?', '!']) => {}
                None => open.push(name),
            }
        }
        open.is_empty() && svg.contains("<svg")
    }

    #[test]
    fn what_was_measured_is_drawn_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).ok();
        let past = |operations| Subject::with_history(Engine::Postgres, operations);
        let everything = [
            measured("at_1", Series::charge(POSTGRES, 1), 900.0),
            measured("at_64", Series::charge(POSTGRES, 64), 9_000.0),
            measured("at_1", Series::charge(ONE_TRANSACTION, 1), 800.0),
            measured("at_64", Series::charge(ONE_TRANSACTION, 64), 2_000.0),
            measured("history", Series::charge(past(10_000_000), 64), 8_500.0),
            measured("history", Series::charge(past(0), 64), 9_100.0),
        ];
        draw(&everything, folder.path()).unwrap();
        for (name, shown) in [
            ("throughput.svg", ["one-transaction", "kopilka-pg", "in flight"]),
            ("latency.svg", ["one-transaction", "p99.9", "ms"]),
            ("history.svg", ["kopilka-pg", "millions of past operations", "0"]),
        ] {
            let svg = read(name).unwrap();
            assert!(well_formed(&svg), "{name}: {svg}");
            for shown in shown {
                assert!(svg.contains(shown), "{name} shows no {shown}");
            }
        }

        draw(&everything[..1], folder.path()).unwrap();
        assert_eq!(
            read("throughput.svg"),
            None,
            "one point is no line, and what was drawn before is gone"
        );
        assert!(read("latency.svg").is_none() && read("history.svg").is_none());
    }
}
