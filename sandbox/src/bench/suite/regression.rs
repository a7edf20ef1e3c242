//! Compares the ratios with those that were committed (bench/baseline.json). Ratios, because figures of two machines can't
//! be compared; and only those that fell by a lot, because machines are noisy.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::ratios::{Better, Found};

/// How much worse is told, as a part of what it was.
const TOLERATED: f64 = 0.15;

/// What was committed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// When it was measured, ISO 8601.
    pub recorded: String,
    /// `quick` or `full`.
    pub mode: String,
    /// On what.
    pub machine: Machine,
    /// By name.
    pub ratios: BTreeMap<String, f64>,
}

impl Baseline {
    /// What was found now.
    pub fn now(mode: &str, machine: &Machine, found: &[Found]) -> Self {
        // As the last line has them: more digits would only tell noise.
        let two = |value: f64| (value * 100.0).round() / 100.0;
        let ratios = found.iter().map(|found| (found.ratio.name.to_owned(), two(found.value)));
        Self {
            recorded: Timestamp::now().to_string(),
            mode: mode.to_owned(),
            machine: machine.clone(),
            ratios: ratios.collect(),
        }
    }

    /// Reads the file; `None` where there is none.
    ///
    /// # Errors
    /// It can't be read, or is no baseline.
    pub fn read(path: &Path) -> anyhow::Result<Option<Self>> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("{}", path.display())),
        };
        let read = serde_json::from_str(&text);
        read.map(Some).with_context(|| format!("{} is no baseline", path.display()))
    }

    /// Writes the file.
    ///
    /// # Errors
    /// It can't be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
        }
        std::fs::write(path, text).with_context(|| format!("{}", path.display()))
    }

    /// The ratios that are worse by more than is tolerated, each in a line. What only one side has is not compared.
    pub fn worse(&self, found: &[Found]) -> Vec<String> {
        let worse = found.iter().filter_map(|found| {
            let (name, is) = (found.ratio.name, found.value);
            let was = *self.ratios.get(name).filter(|was| **was > 0.0)?;
            let (fell, how) = match found.ratio.better {
                Better::More => ((was - is) / was, "fell"),
                Better::Less => ((is - was) / was, "rose"),
            };
            let percent = fell * 100.0;
            (fell > TOLERATED)
                .then(|| format!("{name} {how} by {percent:.0} %: {was:.2} → {is:.2}"))
        });
        worse.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::ratios::RATIOS;
    use super::*;

    fn found(name: &str, value: f64) -> Found {
        let ratio = RATIOS.iter().find(|ratio| ratio.name == name).unwrap();
        Found { ratio, value, rounds: vec![value] }
    }

    fn baseline(ratios: &[(&str, f64)]) -> Baseline {
        let found: Vec<_> = ratios.iter().map(|(name, value)| found(name, *value)).collect();
        Baseline::now("quick", &Machine::here(), &found)
    }

    #[test]
    fn what_fell_is_told_and_what_rose_is_not() {
        let was = baseline(&[("charge_pg_64", 5.0), ("hot_over_uniform", 1.0)]);
        let is = [found("charge_pg_64", 4.2), found("hot_over_uniform", 1.3)];
        assert_eq!(was.worse(&is), ["charge_pg_64 fell by 16 %: 5.00 → 4.20"]);
        let is = [found("charge_pg_64", 4.3), found("hot_over_uniform", 0.86)];
        assert_eq!(was.worse(&is), [""; 0]);
    }

    #[test]
    fn of_latencies_it_is_the_other_way_round() {
        let was = baseline(&[("p50_alone", 0.8), ("p99_over_p50", 2.0)]);
        let is = [found("p50_alone", 0.4), found("p99_over_p50", 2.5)];
        assert_eq!(was.worse(&is), ["p99_over_p50 rose by 25 %: 2.00 → 2.50"]);
    }

    #[test]
    fn what_only_one_side_has_is_not_compared() {
        let was = baseline(&[("history_10m", 0.9)]);
        assert_eq!(was.worse(&[found("charge_pg_64", 0.1)]), [""; 0]);
    }

    #[test]
    fn the_file_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made").join("baseline.json");
        assert_eq!(Baseline::read(&path).unwrap(), None);
        let was = baseline(&[("charge_pg_64", 5.004)]);
        was.write(&path).unwrap();
        assert_eq!(Baseline::read(&path).unwrap().as_ref(), Some(&was));
        assert_eq!(was.ratios.get("charge_pg_64"), Some(&5.0));
        std::fs::write(&path, "{}").unwrap();
        assert!(Baseline::read(&path).unwrap_err().to_string().contains("is no baseline"));
    }
}
