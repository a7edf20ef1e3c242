//! Times as all our tables keep them: whole microseconds since 1970, in an `i64`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Microseconds since 1970; the nearest that fits for times before it or beyond the year 294,000.
pub fn to_micros(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// The time of that many microseconds since 1970; 1970 itself for what is before it.
pub fn from_micros(micros: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_survives_the_database_to_the_microsecond() {
        for micros in [0, 1, 1_700_000_000_123_456] {
            assert_eq!(to_micros(from_micros(micros)), micros);
        }
        assert_eq!(to_micros(UNIX_EPOCH - Duration::from_secs(1)), 0);
    }
}
