//! What is sold: packs, and the limits of a user's own amount. The built-in one, or the operator's file.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::amounts;
use super::provider::{Limits, Pack};
use crate::ledger::{Amount, MAX_MOVEMENT, ProviderAmount};

/// The currency of Telegram Stars.
pub const STARS: &str = "XTR";

/// Units of the deployment's currency, and what they cost in Stars.
const BUILT_IN: [(i64, i64); 4] = [(100, 75), (300, 225), (500, 375), (1000, 750)];
const BUILT_IN_LIMITS: Limits = Limits { min: Amount::units(10), max: Amount::units(15_000) };
/// Telegram takes no larger invoice in Stars.
const MAX_STARS: i64 = 100_000;
/// More than fit on a keyboard.
const MAX_PACKS: usize = 20;

/// What is sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    /// From small to large.
    pub packs: Vec<CataloguePack>,
    /// Of a user's own amount, where a provider takes one.
    pub limits: Limits,
}

/// One pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CataloguePack {
    /// What is credited.
    pub amount: Amount,
    /// What it costs in whole Stars; `None`: not sold for Stars.
    pub stars: Option<i64>,
}

/// Why a catalogue can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
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
    /// Something in it breaks a rule.
    #[error("{}: {what}: {takes}", path.display())]
    Rule {
        /// Which file.
        path: PathBuf,
        /// What, as it stands there.
        what: String,
        /// What it takes.
        takes: &'static str,
    },
}

impl Default for Catalogue {
    fn default() -> Self {
        let pack =
            |(units, stars)| CataloguePack { amount: Amount::units(units), stars: Some(stars) };
        Self { packs: BUILT_IN.map(pack).to_vec(), limits: BUILT_IN_LIMITS }
    }
}

impl Catalogue {
    /// Reads a file:
    ///
    /// ```toml
    /// min = "10"        # of a user's own amount; absent: 10
    /// max = "15000"     # absent: 15000
    /// [[pack]]
    /// amount = "100"    # what is credited, a decimal in quotes, whole kopecks
    /// stars = 75        # 1 to 100000; absent: not sold for Stars
    /// ```
    ///
    /// # Errors
    /// The file can't be read, isn't that, or breaks a rule.
    pub fn load(path: &Path) -> Result<Self, CatalogueError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| CatalogueError::Read { path: path.to_owned(), error })?;
        let file: File = toml::from_str(&text).map_err(|error| CatalogueError::Syntax {
            path: path.to_owned(),
            error: Box::new(error),
        })?;
        file.check().map_err(|(what, takes)| CatalogueError::Rule {
            path: path.to_owned(),
            what,
            takes,
        })
    }

    /// The packs at their own amount.
    pub(super) fn at_face_value(&self, currency: &str) -> Vec<Pack> {
        let pack = |pack: &CataloguePack| Pack {
            amount: pack.amount,
            price: ProviderAmount { amount: pack.amount, currency: currency.to_owned() },
        };
        self.packs.iter().map(pack).collect()
    }

    /// The packs that are sold for Stars.
    pub(super) fn for_stars(&self) -> Vec<Pack> {
        let pack = |pack: &CataloguePack| {
            let price =
                ProviderAmount { amount: Amount::units(pack.stars?), currency: STARS.to_owned() };
            Some(Pack { amount: pack.amount, price })
        };
        self.packs.iter().filter_map(pack).collect()
    }

    /// An amount at its own value, where it is a pack or within the limits of a user's own amount.
    pub(super) fn face_value(
        &self,
        amount: Amount,
        currency: &str,
    ) -> Result<ProviderAmount, Cow<'static, str>> {
        let Limits { min, max } = self.limits;
        let own = (min..=max).contains(&amount) && amounts::is_whole_kopecks(amount);
        if own || self.packs.iter().any(|pack| pack.amount == amount) {
            Ok(ProviderAmount { amount, currency: currency.to_owned() })
        } else {
            Err(format!("a pack of this method, or {min} to {max} in whole hundredths").into())
        }
    }

    /// What a pack costs in Stars.
    pub(super) fn in_stars(&self, amount: Amount) -> Result<ProviderAmount, Cow<'static, str>> {
        let pack = self.for_stars().into_iter().find(|pack| pack.amount == amount);
        pack.map(|pack| pack.price).ok_or(Cow::Borrowed("a pack of this method"))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    min: Option<String>,
    max: Option<String>,
    #[serde(default)]
    pack: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    amount: String,
    stars: Option<i64>,
}

type Broken = (String, &'static str);

impl File {
    fn check(self) -> Result<Catalogue, Broken> {
        let limit =
            |text: Option<String>, built_in| text.map_or(Ok(built_in), |text| amount(&text));
        let min = limit(self.min, BUILT_IN_LIMITS.min)?;
        let max = limit(self.max, BUILT_IN_LIMITS.max)?;
        if min > max {
            return Err((format!("min {min}"), "no more than max"));
        }
        if self.pack.is_empty() || self.pack.len() > MAX_PACKS {
            return Err((format!("{} packs", self.pack.len()), "1 to 20 [[pack]]"));
        }
        let mut packs: Vec<CataloguePack> = Vec::with_capacity(self.pack.len());
        for line in self.pack {
            let amount = amount(&line.amount)?;
            if line.stars.is_some_and(|stars| !(1..=MAX_STARS).contains(&stars)) {
                return Err((format!("stars of pack {amount}"), "1 to 100000"));
            }
            if packs.iter().any(|pack| pack.amount == amount) {
                return Err((format!("pack {amount}"), "each amount once"));
            }
            packs.push(CataloguePack { amount, stars: line.stars });
        }
        packs.sort_by_key(|pack| pack.amount);
        Ok(Catalogue { packs, limits: Limits { min, max } })
    }
}

fn amount(text: &str) -> Result<Amount, Broken> {
    amounts::parse(text)
        .filter(|amount| !amount.is_zero() && *amount <= MAX_MOVEMENT)
        .filter(|amount| amounts::is_whole_kopecks(*amount))
        .ok_or_else(|| {
            (format!("{text:?}"), "a decimal in quotes above 0, up to 1000000000, whole kopecks")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Catalogue, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("topups.toml");
        std::fs::write(&path, text).unwrap();
        Catalogue::load(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_says_what_is_sold() {
        let text = "max = \"5000\"\n[[pack]]\namount = \"500\"\n[[pack]]\namount = \"99.90\"\nstars = 60\n";
        let catalogue = read(text).unwrap();
        assert_eq!(catalogue.limits, Limits { min: Amount::units(10), max: Amount::units(5000) });
        let packs: Vec<_> =
            catalogue.packs.iter().map(|pack| (pack.amount.micros(), pack.stars)).collect();
        assert_eq!(packs, [(99_900_000, Some(60)), (500_000_000, None)]);
        assert_eq!(catalogue.for_stars().len(), 1);
        assert_eq!(catalogue.at_face_value("RUB").len(), 2);
    }

    #[test]
    fn own_amounts_are_whole_kopecks_within_the_limits() {
        let catalogue = Catalogue::default();
        for (micros, sold) in [
            (9_990_000, false),
            (10_000_000, true),
            (10_010_000, true),
            (10_001_000, false),
            (15_000_000_000, true),
            (15_000_010_000, false),
        ] {
            let price = catalogue.face_value(Amount::from_micros(micros), "RUB");
            assert_eq!(price.is_ok(), sold, "{micros}");
        }
    }

    #[test]
    fn what_breaks_a_rule_is_refused_by_name() {
        for (text, expected) in [
            ("", "0 packs"),
            ("[[pack]]\namount = \"0\"\n", "whole kopecks"),
            ("[[pack]]\namount = \"1.001\"\n", "whole kopecks"),
            ("[[pack]]\namount = \"1\"\nstars = 0\n", "stars of pack 1.00"),
            ("[[pack]]\namount = \"1\"\n[[pack]]\namount = \"1.00\"\n", "each amount once"),
            ("min = \"20\"\nmax = \"10\"\n[[pack]]\namount = \"1\"\n", "no more than max"),
            ("[[pack]]\namount = 1\n", "topups.toml"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
