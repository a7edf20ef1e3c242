//! Which series are measured, in which groups. The series of a group take turns, round by round, on servers that were
//! started for the group and databases that are fresh at its beginning.

use std::collections::BTreeSet;

use anyhow::bail;

use super::ratios::{RATIOS, Ratio};
use super::series::{ECHO, Engine, ONE_TRANSACTION, POSTGRES, POSTGRES_3, SQLITE, Series, Subject};
use crate::bench::load::{Call, Spread};

/// How much time there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Two minutes: the series that a ratio needs.
    Quick,
    /// Everything.
    Full,
}

impl Mode {
    /// As it stands in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Full => "full",
        }
    }
}

/// What is measured.
#[derive(Debug, Clone)]
pub struct Plan {
    /// One after the other.
    pub groups: Vec<Group>,
    /// How long billing-svc takes to start, too.
    pub start: bool,
    /// bot-gateway and image-worker, too.
    pub services: bool,
}

/// What takes turns.
#[derive(Debug, Clone)]
pub struct Group {
    /// As `--only` takes it.
    pub name: &'static str,
    /// In the order of each round.
    pub series: Vec<Series>,
}

/// Everything. SQLite goes first, while no PostgreSQL is there to clean up behind itself; the long histories last.
fn everything() -> Vec<Group> {
    let group = |name, series| Group { name, series };
    vec![
        group("sqlite", sqlite()),
        group("calls_sqlite", CALLS.map(|call| Series::call(SQLITE, call, 64)).to_vec()),
        group("grants_sqlite", grants(Engine::Sqlite)),
        group("history_sqlite", history(Engine::Sqlite, &[1_000_000, 0])),
        group("at_1", sides(1)),
        group("at_16", sides(16)),
        group("at_64", [sides(64), hot()].concat()),
        group("at_256", [sides(256), vec![Series::charge(POSTGRES_3, 256)]].concat()),
        group("reads", reads()),
        group("calls", CALLS.into_iter().flat_map(at_all).collect()),
        group("grants", grants(Engine::Postgres)),
        group("history", history(Engine::Postgres, &[10_000_000, 1_000_000, 0])),
    ]
}

const IN_FLIGHT: [usize; 4] = [1, 16, 64, 256];
/// Besides Charge.
const CALLS: [Call; 5] =
    [Call::ChargeComplete, Call::ChargeRefund, Call::GetUserInfo, Call::Replay, Call::Decline];

fn sqlite() -> Vec<Series> {
    let even = IN_FLIGHT.map(|in_flight| Series::charge(SQLITE, in_flight));
    let hot = [Spread::One, Spread::Zipf].map(|spread| Series::spread(SQLITE, spread, 64));
    // Last, beside what it is compared to: the series of 256.
    let commits = Series::charge(Subject::Commits, 1);
    hot.into_iter().chain(even).chain([commits]).collect()
}

fn sides(in_flight: usize) -> Vec<Series> {
    let subjects = [POSTGRES, ONE_TRANSACTION, Subject::Pgbench, ECHO];
    subjects.map(|subject| Series::charge(subject, in_flight)).to_vec()
}

fn hot() -> Vec<Series> {
    let of =
        |subject| [Spread::One, Spread::Zipf].map(|spread| Series::spread(subject, spread, 64));
    [POSTGRES, ONE_TRANSACTION].into_iter().flat_map(of).collect()
}

fn at_all(call: Call) -> [Series; 4] {
    IN_FLIGHT.map(|in_flight| Series::call(POSTGRES, call, in_flight))
}

fn reads() -> Vec<Series> {
    [POSTGRES, ECHO].map(|subject| Series::call(subject, Call::GetUserInfo, 64)).to_vec()
}

fn grants(engine: Engine) -> Vec<Series> {
    [20, 0].map(|grants| Series::charge(Subject::with_grants(engine, grants), 64)).to_vec()
}

fn history(engine: Engine, operations: &[u64]) -> Vec<Series> {
    let past = |operations| Series::charge(Subject::with_history(engine, operations), 64);
    operations.iter().copied().map(past).collect()
}

/// Is it too long for two minutes?
fn lasting(series: Series) -> bool {
    matches!(series.subject, Subject::Kopilka(books, _) if books.operations > 0)
}

/// Both sides of a ratio, and the group in which they take turns.
fn needed(ratio: &Ratio, groups: &[Group]) -> Option<(&'static str, [Series; 2])> {
    let both = [ratio.above.0, ratio.below.0];
    let group = groups.iter().find(|group| both.iter().all(|side| group.series.contains(side)))?;
    Some((group.name, both))
}

/// What is to be measured: of `only` (names of ratios or groups), or all that the mode has time for.
///
/// # Errors
/// A name is none, or takes longer than the mode.
pub fn plan(mode: Mode, only: &[String]) -> anyhow::Result<Plan> {
    let mut groups = everything();
    let mut wanted: BTreeSet<(&str, String)> = BTreeSet::new();
    let mut want = |group: &'static str, series: &[Series]| {
        wanted.extend(series.iter().map(|series| (group, series.to_string())));
    };
    for name in only {
        if let Some(ratio) = RATIOS.iter().find(|ratio| ratio.name == name.as_str())
            && let Some((group, both)) = needed(ratio, &groups)
        {
            if mode == Mode::Quick && both.into_iter().any(lasting) {
                bail!("{name} takes longer than --quick allows");
            }
            want(group, &both);
        } else if let Some(group) = groups.iter().find(|group| group.name == name.as_str()) {
            want(group.name, &group.series);
        } else if ![START, SERVICES].contains(&name.as_str()) {
            bail!("there is no {name:?}; there are {}", names(&groups).join(", "));
        }
    }
    if only.is_empty() {
        match mode {
            Mode::Full => groups.iter().for_each(|group| want(group.name, &group.series)),
            Mode::Quick => {
                for ratio in &RATIOS {
                    if let Some((group, both)) = needed(ratio, &groups)
                        && !both.into_iter().any(lasting)
                    {
                        want(group, &both);
                    }
                }
            }
        }
    }
    for group in &mut groups {
        let name = group.name;
        group.series.retain(|series| wanted.contains(&(name, series.to_string())));
    }
    groups.retain(|group| !group.series.is_empty());
    let alone = |name: &str| only.iter().any(|wanted| wanted == name);
    let start = only.is_empty() || alone(START);
    let services = (only.is_empty() && mode == Mode::Full) || alone(SERVICES);
    Ok(Plan { groups, start, services })
}

/// Measured besides the groups.
const START: &str = "start_sqlite_ms";
/// The same.
const SERVICES: &str = "services";

/// How many GiB the databases of these groups take at most, with their WAL.
pub fn room(groups: &[Group]) -> u64 {
    let past = |series: &Series| match series.subject {
        Subject::Kopilka(books, _) => books.operations,
        Subject::Baseline(_) | Subject::Pgbench | Subject::Commits => 0,
    };
    let longest = groups.iter().flat_map(|group| &group.series).map(past).max().unwrap_or_default();
    match longest {
        0 => 4,
        1..=1_000_000 => 12,
        _ => 24,
    }
}

/// All that `--only` takes.
fn names(groups: &[Group]) -> Vec<&'static str> {
    let ratios = RATIOS.iter().map(|ratio| ratio.name);
    ratios.chain([START, SERVICES]).chain(groups.iter().map(|group| group.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(mode: Mode, only: &[&str]) -> anyhow::Result<Vec<String>> {
        let only: Vec<_> = only.iter().map(|name| (*name).to_owned()).collect();
        let groups = plan(mode, &only)?.groups;
        let series = groups.iter().flat_map(|group| {
            group.series.iter().map(|series| format!("{}: {series}", group.name))
        });
        Ok(series.collect())
    }

    #[test]
    fn every_ratio_is_found_by_measuring_everything() {
        let groups = plan(Mode::Full, &[]).unwrap().groups;
        for ratio in &RATIOS {
            assert!(needed(ratio, &groups).is_some(), "{}", ratio.name);
        }
    }

    #[test]
    fn two_minutes_have_every_ratio_but_that_of_a_long_history() {
        let groups = plan(Mode::Quick, &[]).unwrap().groups;
        let missing: Vec<_> = RATIOS
            .iter()
            .filter(|ratio| needed(ratio, &groups).is_none())
            .map(|ratio| ratio.name)
            .collect();
        assert_eq!(missing, ["history_10m"]);
    }

    #[test]
    fn one_ratio_needs_its_two_sides_only() {
        let series = of(Mode::Quick, &["charge_pg_64"]).unwrap();
        let expected =
            ["at_64: kopilka-pg charge uniform 64", "at_64: one-transaction charge uniform 64"];
        assert_eq!(series, expected);
    }

    #[test]
    fn what_is_not_there_or_takes_too_long_is_said() {
        let error = of(Mode::Full, &["charge_pg_65"]).unwrap_err().to_string();
        assert!(error.contains("no \"charge_pg_65\"; there are charge_pg_64, "), "{error}");
        let error = of(Mode::Quick, &["history_10m"]).unwrap_err().to_string();
        assert!(error.contains("longer"), "{error}");
        assert!(of(Mode::Full, &["history_10m"]).unwrap().len() == 2);
    }
}
