//! How often a user may do what costs others something: ask a provider, guess promo codes.
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
/// Five promo codes in an hour: what is typed wrong, and no room for guessing.
const PROMO_EVERY: Duration = Duration::from_secs(12 * 60);
const PROMO_BURST: u32 = 5;

/// Too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{limit}")]
pub struct Limited {
    /// The limit that was met, as callers see it.
    pub limit: &'static str,
    /// How long until it may be tried again.
    pub wait: Duration,
}

/// All limits.
#[derive(Debug)]
pub struct Limits {
    refresh: Limit,
    promo: Limit,
}

#[derive(Debug)]
struct Limit {
    name: &'static str,
    users: DefaultKeyedRateLimiter<UserId>,
}

impl Limits {
    pub(super) fn new() -> Self {
        Self {
            refresh: Limit::new("payment_refresh", REFRESH_EVERY, REFRESH_BURST),
            promo: Limit::new("promo_code", PROMO_EVERY, PROMO_BURST),
        }
    }

    /// Counts a question to a provider that this user asks.
    ///
    /// # Errors
    /// Too often; it is not counted then.
    pub fn refresh(&self, user_id: &UserId) -> Result<(), Limited> {
        self.refresh.count(user_id)
    }

    /// Counts a promo code that this user tries, right or wrong.
    ///
    /// # Errors
    /// Too often; it is not counted then.
    pub fn promo(&self, user_id: &UserId) -> Result<(), Limited> {
        self.promo.count(user_id)
    }

    /// Forgets the users who may do everything again.
    pub(super) fn forget(&self) {
        for limit in [&self.refresh, &self.promo] {
            limit.users.retain_recent();
            limit.users.shrink_to_fit();
        }
    }
}

impl Limit {
    fn new(name: &'static str, every: Duration, burst: u32) -> Self {
        // There is no quota of none, nor for no time at all; these are constants.
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(every).unwrap_or(Quota::per_minute(burst));
        Self { name, users: DefaultKeyedRateLimiter::keyed(quota.allow_burst(burst)) }
    }

    fn count(&self, user_id: &UserId) -> Result<(), Limited> {
        self.users.check_key(user_id).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            Limited { limit: self.name, wait }
        })
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
        let limited = limits.refresh(&eager).unwrap_err();
        assert_eq!(limited.limit, "payment_refresh");
        assert!(limited.wait <= REFRESH_EVERY && limited.wait > Duration::ZERO);
        assert_eq!(limits.refresh(&other), Ok(()));
        assert_eq!(limits.promo(&eager), Ok(()));
    }

    #[test]
    fn forgetting_lets_nobody_through() {
        let limits = Limits::new();
        let user = UserId::parse("tg:1").unwrap();
        for _ in 0..5 {
            limits.promo(&user).unwrap();
        }
        limits.forget();
        assert_eq!(limits.promo(&user).unwrap_err().limit, "promo_code");
    }
}
