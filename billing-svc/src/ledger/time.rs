//! Time is an argument: the ledger never asks for it.

use std::time::Duration;

/// Of UTC, which knows no longer and shorter days; in microseconds.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// A moment: microseconds since 1970-01-01 UTC, as the database keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since 1970-01-01 UTC.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01 UTC.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This long after; the end of time where that would be beyond it.
    pub fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// 00:00 UTC of the same day.
    pub fn start_of_day(self) -> Self {
        Self(self.0.saturating_sub(self.0.rem_euclid(DAY)))
    }

    /// How long it is to the next 00:00 UTC: never nothing, at most a day.
    pub fn until_next_day(self) -> Duration {
        Duration::from_micros((DAY - self.0.rem_euclid(DAY)).unsigned_abs())
    }
}
