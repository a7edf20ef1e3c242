//! The price list that a deployment starts with: its own file, or the one built in.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::ledger::{Amount, Kind, MAX_MOVEMENT, Price};

/// Kind and price in whole units. Free operations may pay for all of them.
const BUILT_IN: [(&str, i64); 7] = [
    ("generate", 10),
    ("edit", 12),
    ("merge", 15),
    ("add_text", 8),
    ("face_swap", 15),
    ("retouch", 10),
    ("upscale", 6),
];

/// The price list that a deployment starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartingPrices {
    /// The one that is built in: for a deployment that has none yet.
    BuiltIn(Vec<Price>),
    /// The operator's file: what it says is in force from the start on.
    File(Vec<Price>),
}

/// Why a price file can't be used. Each message names the file, and the line or the kind.
#[derive(Debug, thiserror::Error)]
pub enum PriceFileError {
    /// It can't be read.
    #[error("{}: {error}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// It isn't the TOML that is asked for; the parser names the line.
    #[error("{}: {error}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// What the parser said.
        error: Box<toml::de::Error>,
    },
    /// A price breaks a rule.
    #[error("{}: price of kind {kind:?}: {takes}", path.display())]
    Price {
        /// Which file.
        path: PathBuf,
        /// The kind, as it stands there.
        kind: String,
        /// What it takes.
        takes: &'static str,
    },
    /// There is no price in it.
    #[error("{}: at least one [[price]] is needed", path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
}

/// The built-in list, in units of whatever currency the deployment has.
pub fn built_in() -> Result<Vec<Price>, crate::ledger::InvalidId> {
    BUILT_IN
        .into_iter()
        .map(|(kind, units)| {
            Ok(Price {
                kind: Kind::parse(kind)?,
                amount: Amount::units(units),
                free_operations_allowed: true,
            })
        })
        .collect()
}

/// Reads a price file:
///
/// ```toml
/// [[price]]
/// kind = "generate"        # 1 to 64 characters of [a-z0-9_]
/// amount = "10.00"         # of one unit, a decimal in quotes, up to six places
/// free_operations = true   # may free operations pay for it? Absent: yes
/// ```
///
/// # Errors
/// The file can't be read, isn't that, or a price breaks a rule.
pub fn load(path: &Path) -> Result<Vec<Price>, PriceFileError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| PriceFileError::Read { path: path.to_owned(), error })?;
    parse(path, &text)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    price: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    kind: String,
    amount: String,
    #[serde(default = "yes")]
    free_operations: bool,
}

fn yes() -> bool {
    true
}

fn parse(path: &Path, text: &str) -> Result<Vec<Price>, PriceFileError> {
    let file: File = toml::from_str(text).map_err(|error| PriceFileError::Syntax {
        path: path.to_owned(),
        error: Box::new(error),
    })?;
    if file.price.is_empty() {
        return Err(PriceFileError::Empty { path: path.to_owned() });
    }
    let mut prices: Vec<Price> = Vec::with_capacity(file.price.len());
    for line in file.price {
        let price = price(&line)
            .and_then(|price| {
                let twice = prices.iter().any(|earlier| earlier.kind == price.kind);
                if twice { Err("a kind stands once, this one stands twice") } else { Ok(price) }
            })
            .map_err(|takes| PriceFileError::Price {
                path: path.to_owned(),
                kind: line.kind.clone(),
                takes,
            })?;
        prices.push(price);
    }
    Ok(prices)
}

fn price(line: &Line) -> Result<Price, &'static str> {
    let kind = Kind::parse(line.kind.as_str()).map_err(|invalid| invalid.0)?;
    Ok(Price { kind, amount: amount(&line.amount)?, free_operations_allowed: line.free_operations })
}

fn amount(text: &str) -> Result<Amount, &'static str> {
    const TAKES: &str = "amount takes a decimal in quotes, like \"10.00\"";
    let decimal = Decimal::from_str(text).map_err(|_| TAKES)?;
    let micros = decimal.checked_mul(Decimal::from(1_000_000)).ok_or(TAKES)?;
    if !micros.is_integer() {
        return Err("amount takes at most six decimal places");
    }
    let amount = i64::try_from(micros).map(Amount::from_micros).map_err(|_| TAKES)?;
    if amount.is_negative() || amount > MAX_MOVEMENT {
        return Err("amount takes 0 to 1000000000");
    }
    Ok(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Price>, String> {
        parse(Path::new("prices.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_is_read_in_its_own_order() {
        let prices = read(
            "[[price]]\nkind = \"b\"\namount = \"0.000001\"\n\
             [[price]]\nkind = \"a\"\namount = \"12.5\"\nfree_operations = false\n",
        );
        let price = |kind: &str, micros, free_operations_allowed| Price {
            kind: Kind::parse(kind).unwrap(),
            amount: Amount::from_micros(micros),
            free_operations_allowed,
        };
        assert_eq!(prices, Ok(vec![price("b", 1, true), price("a", 12_500_000, false)]));
    }

    #[test]
    fn a_wrong_file_is_refused_with_the_place() {
        let line =
            |kind: &str, amount: &str| format!("[[price]]\nkind = \"{kind}\"\namount = {amount}\n");
        let twice = line("a", "\"1\"").repeat(2);
        let table = [
            ("", "at least one [[price]]"),
            ("[[price]]\nkind = \"a\"\n", "missing field `amount`"),
            (&line("a", "10.0"), "line 3"),
            (&line("A b", "\"1\""), "\"A b\": 1 to 64 characters"),
            (&line("a", "\"ten\""), "decimal in quotes"),
            (&line("a", "\"-1\""), "0 to 1000000000"),
            (&line("a", "\"1000000000.1\""), "0 to 1000000000"),
            (&line("a", "\"79228162514264337593543950335\""), "decimal in quotes"),
            (&line("a", "\"0.0000001\""), "six decimal places"),
            (&twice, "stands twice"),
            ("[[prices]]\n", "unknown field"),
        ];
        for (text, expected) in table {
            let error = read(text).expect_err(text);
            assert!(error.starts_with("prices.toml: ") && error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_built_in_list_is_the_designs() {
        let prices = built_in().unwrap();
        assert_eq!(prices.len(), 7);
        assert_eq!(prices[0].amount, Amount::units(10));
        assert!(prices.iter().all(|price| price.free_operations_allowed));
    }
}
