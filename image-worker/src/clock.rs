//! Instants as the database keeps them: unix microseconds in an `i64`.
//!
//! Only `Time::now` reads the clock; everything that decides takes the instant as an argument.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Time {
    /// The system clock's instant.
    pub fn now() -> Self {
        Self::from(SystemTime::now())
    }

    /// `span` later; the last instant that can be kept, where that is sooner.
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }

    /// How much later this is than `earlier`; zero when it is not.
    pub fn since(self, earlier: Self) -> Duration {
        let passed = self.0.saturating_sub(earlier.0);
        Duration::from_micros(u64::try_from(passed).unwrap_or(0))
    }

    /// The same instant for APIs that take the standard library's.
    pub fn to_system(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(u64::try_from(self.0).unwrap_or(0))
    }

    /// The same instant on the wire.
    pub fn to_proto(self) -> prost_types::Timestamp {
        prost_types::Timestamp::from(self.to_system())
    }
}

impl From<SystemTime> for Time {
    fn from(at: SystemTime) -> Self {
        let passed = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(micros(passed))
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
