//! The ratios that Kopilka is held to: what each compares, and how much it has to be.

use super::numbers;
use super::results::{Measurement, Run};
use super::series::{ECHO, Engine, ONE_TRANSACTION, POSTGRES, POSTGRES_3, SQLITE, Series, Subject};
use crate::bench::load::{Call, Spread};

/// What is compared of two series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Calls a second.
    PerSecond,
    /// The median latency.
    P50,
    /// One in a hundred takes longer.
    P99,
}

impl Figure {
    /// The figure of one run; `None` where that has no latencies.
    fn of(self, run: &Run) -> Option<f64> {
        match self {
            Self::PerSecond => Some(run.per_second),
            Self::P50 => run.latency.map(|latency| latency.p50),
            Self::P99 => run.latency.map(|latency| latency.p99),
        }
    }
}

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Of a throughput.
    More,
    /// Of a latency.
    Less,
}

/// One of the ratios.
#[derive(Debug, Clone, Copy)]
pub struct Ratio {
    /// As it stands in the last line.
    pub name: &'static str,
    /// What is divided.
    pub above: (Series, Figure),
    /// By what.
    pub below: (Series, Figure),
    /// Which way is good.
    pub better: Better,
    /// To reach at least (or at most, where less is better).
    pub goal: f64,
    /// What we aim at.
    pub aim: f64,
}

const fn more(name: &'static str, above: Series, below: Series, goal: f64, aim: f64) -> Ratio {
    let (above, below) = ((above, Figure::PerSecond), (below, Figure::PerSecond));
    Ratio { name, above, below, better: Better::More, goal, aim }
}

const UNIFORM_64: Series = Series::charge(POSTGRES, 64);
const UNIFORM_256: Series = Series::charge(POSTGRES, 256);
const PAST: Subject = Subject::with_history(Engine::Postgres, 10_000_000);

/// All, in the order of the last line.
pub const RATIOS: [Ratio; 9] = [
    more("charge_pg_64", UNIFORM_64, Series::charge(ONE_TRANSACTION, 64), 3.5, 5.0),
    more("charge_pg_256", UNIFORM_256, Series::charge(ONE_TRANSACTION, 256), 5.0, 10.0),
    more("hot_over_uniform", Series::spread(POSTGRES, Spread::One, 64), UNIFORM_64, 0.9, 1.0),
    more("three_over_one", Series::charge(POSTGRES_3, 256), UNIFORM_256, 0.9, 1.1),
    more(
        "charge_sqlite_256",
        Series::charge(SQLITE, 256),
        Series::charge(Subject::Commits, 1),
        3.5,
        5.0,
    ),
    Ratio {
        name: "p50_alone",
        above: (Series::charge(POSTGRES, 1), Figure::P50),
        below: (Series::charge(ONE_TRANSACTION, 1), Figure::P50),
        better: Better::Less,
        goal: 1.1,
        aim: 0.8,
    },
    Ratio {
        name: "p99_over_p50",
        above: (UNIFORM_64, Figure::P99),
        below: (UNIFORM_64, Figure::P50),
        better: Better::Less,
        goal: 3.0,
        aim: 2.0,
    },
    more("history_10m", Series::charge(PAST, 64), UNIFORM_64, 0.85, 0.95),
    more(
        "userinfo_over_echo",
        Series::call(POSTGRES, Call::GetUserInfo, 64),
        Series::call(ECHO, Call::GetUserInfo, 64),
        0.3,
        0.5,
    ),
];

/// What was found of a ratio.
#[derive(Debug, Clone)]
pub struct Found {
    /// Which.
    pub ratio: &'static Ratio,
    /// The median of the rounds.
    pub value: f64,
    /// What each round said.
    pub rounds: Vec<f64>,
}

impl Found {
    /// Is it what it has to be?
    pub fn reached(&self) -> bool {
        match self.ratio.better {
            Better::More => self.value >= self.ratio.goal,
            Better::Less => self.value <= self.ratio.goal,
        }
    }
}

/// The ratios of which both sides were measured in one group, in the order of [`RATIOS`].
pub fn found(measurements: &[Measurement]) -> Vec<Found> {
    let found = RATIOS.iter().filter_map(|ratio| {
        // A series may be measured in several groups: two sides are compared where they took turns.
        let (above, below) = measurements.iter().find_map(|above| {
            if above.series != ratio.above.0 {
                return None;
            }
            let same =
                |below: &&Measurement| below.group == above.group && below.series == ratio.below.0;
            measurements.iter().find(same).map(|below| (above, below))
        })?;
        let of = |measurement: &Measurement, figure: Figure| -> Vec<f64> {
            measurement.runs.iter().filter_map(|run| figure.of(run)).collect()
        };
        let rounds = numbers::ratios(&of(above, ratio.above.1), &of(below, ratio.below.1));
        Some(Found { ratio, value: numbers::median(&rounds)?, rounds })
    });
    found.collect()
}

/// The last line: `name=value` pairs with two decimals.
pub fn line(found: &[Found]) -> String {
    let pairs: Vec<_> =
        found.iter().map(|found| format!("{}={:.2}", found.ratio.name, found.value)).collect();
    pairs.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::results::Latency;
    use super::*;

    fn measured(group: &'static str, series: Series, figures: &[(f64, f64, f64)]) -> Measurement {
        let run = |&(per_second, p50, p99): &(f64, f64, f64)| Run {
            per_second,
            calls: 1,
            refused: 0,
            seconds: 1.0,
            latency: Some(Latency { p50, p90: p50, p99, p999: p99, max: p99 }),
            cost: None,
        };
        Measurement { group, series, runs: figures.iter().map(run).collect() }
    }

    #[test]
    fn the_last_line_has_the_names_and_two_decimals() {
        let ours = [
            (10_000.0, 6000.0, 12_000.0),
            (9_000.0, 5000.0, 15_000.0),
            (12_000.0, 5500.0, 11_000.0),
        ];
        let theirs = [(2_000.0, 1.0, 1.0), (2_000.0, 1.0, 1.0), (2_000.0, 1.0, 1.0)];
        let measurements = [
            measured("64", UNIFORM_64, &ours),
            measured("64", Series::charge(ONE_TRANSACTION, 64), &theirs),
            measured("alone", Series::charge(POSTGRES, 1), &[(1.0, 333.0, 400.0)]),
            measured("alone", Series::charge(ONE_TRANSACTION, 1), &[(1.0, 1000.0, 1100.0)]),
        ];
        let found = found(&measurements);
        assert_eq!(line(&found), "charge_pg_64=5.00 p50_alone=0.33 p99_over_p50=2.00");
        let reached: Vec<_> = found.iter().map(Found::reached).collect();
        assert_eq!(reached, [true, true, true]);
    }

    #[test]
    fn sides_are_compared_that_took_turns() {
        let measurements = [
            measured("64", UNIFORM_64, &[(50.0, 1.0, 1.0)]),
            measured("history", UNIFORM_64, &[(100.0, 1.0, 4.0)]),
            measured("history", Series::charge(PAST, 64), &[(80.0, 1.0, 1.0)]),
        ];
        let found = found(&measurements);
        assert_eq!(line(&found), "p99_over_p50=1.00 history_10m=0.80");
        assert!(!found.last().unwrap().reached(), "0.80 is less than 0.85");
    }

    #[test]
    fn the_line_of_everything_is_in_the_agreed_order() {
        let names: Vec<_> = RATIOS.iter().map(|ratio| ratio.name).collect();
        let agreed = "charge_pg_64 charge_pg_256 hot_over_uniform three_over_one charge_sqlite_256 p50_alone \
                      p99_over_p50 history_10m userinfo_over_echo";
        assert_eq!(names.join(" "), agreed);
    }
}
