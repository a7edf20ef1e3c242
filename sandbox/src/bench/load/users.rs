//! Which user is next.

use anyhow::{Context, bail};
use rand::RngExt;
use rand::rngs::SmallRng;
use rand_distr::{Distribution, Zipf};

use super::{Plan, Spread, ZIPF_EXPONENT};

/// The user `n` of a benchmark's database.
pub fn user_id(n: u32) -> String {
    format!("bench:{n}")
}

/// Draws users.
#[derive(Debug, Clone)]
pub(super) enum Users {
    Uniform(u32),
    Zipf(Zipf<f64>),
    One,
}

impl Users {
    pub(super) fn of(plan: &Plan) -> anyhow::Result<Self> {
        if plan.users == 0 {
            bail!("there must be at least one user to call");
        }
        Ok(match plan.spread {
            Spread::Uniform => Self::Uniform(plan.users),
            Spread::Zipf => {
                let zipf = Zipf::new(f64::from(plan.users), ZIPF_EXPONENT);
                Self::Zipf(zipf.context("no Zipf distribution over so many users")?)
            }
            Spread::One => Self::One,
        })
    }

    pub(super) fn draw(&self, rng: &mut SmallRng) -> String {
        user_id(match self {
            Self::Uniform(users) => rng.random_range(0..*users),
            // Ranks begin at 1. They are whole numbers up to the number of users, so nothing is cut off.
            Self::Zipf(zipf) => zipf.sample(rng) as u32 - 1,
            Self::One => 0,
        })
    }
}
