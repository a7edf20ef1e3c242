//! How often a user may ask a provider.
//!
//! Kept in memory of each instance. A user who has been quiet is forgotten ([`Limits::forget`]), so the memory is bounded by
//! those who came lately.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};

use crate::ledger::UserId;

/// One refresh in that time…
const REFRESH_EVERY: Duration = Duration::from_secs(5);
/// …and so many at once after a while.
const REFRESH_BURST: u32 = 3;

/// Too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{limit}")]
pub struct Limited {
    /// The limit that was met, as callers see it.
    pub limit: &'static str,
    /// How long until it may be tried again.
    pub wait: Duration,
}

/// The limits of each user.
#[derive(Debug)]
pub(super) struct Limits {
    refresh: DefaultKeyedRateLimiter<UserId>,
}

impl Limits {
    pub fn new() -> Self {
        // There is no quota of none, nor for no time at all; these are constants.
        let burst = NonZeroU32::new(REFRESH_BURST).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(REFRESH_EVERY).unwrap_or(Quota::per_minute(burst));
        Self { refresh: DefaultKeyedRateLimiter::keyed(quota.allow_burst(burst)) }
    }

    /// Counts a question to a provider that this user asks; one that is refused is not counted.
    pub fn refresh(&self, user_id: &UserId) -> Result<(), Limited> {
        self.refresh.check_key(user_id).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            Limited { limit: "payment_refresh", wait }
        })
    }

    /// Forgets the users who may do everything again.
    pub fn forget(&self) {
        self.refresh.retain_recent();
        self.refresh.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_who_presses_on_and_on_is_held_back_and_others_are_not() {
        let limits = Limits::new();
        let [eager, other] = ["tg:1", "tg:2"].map(|name| UserId::parse(name).unwrap());
        for _ in 0..3 {
            assert_eq!(limits.refresh(&eager), Ok(()));
        }
        limits.forget();
        let limited = limits.refresh(&eager).unwrap_err();
        assert_eq!(limited.limit, "payment_refresh");
        assert!(limited.wait <= REFRESH_EVERY && limited.wait > Duration::ZERO);
        assert_eq!(limits.refresh(&other), Ok(()));
    }
}
