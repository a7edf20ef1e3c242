//! How much one instance takes, and how often.
//!
//! Rates are counted in this process's memory, with a burst of one second's calls: with several instances a caller or user
//! has that many times as many, and a restart forgives. What is refused writes nothing and is not counted.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};

/// After so many calls, those who have been quiet are forgotten. So at most as many more are remembered as were there in the
/// last second.
const FORGET_EVERY: u32 = 4096;

/// The limits of one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest message that is read.
    pub max_message_bytes: usize,
    /// Calls under way on one connection; further ones wait in the client.
    pub max_streams: u32,
    /// Calls under way on all connections; the next one is refused as overloaded.
    pub max_calls: usize,
    /// Calls a second of one caller. Absent: no limit.
    pub caller_rate: Option<NonZeroU32>,
    /// Charges and new payments a second of one user, together. Absent: no limit.
    pub user_rate: Option<NonZeroU32>,
}

/// A rate for each key. All clones count together.
#[derive(Debug)]
pub struct Rate<K: Hash + Eq + Clone>(Option<Arc<Counted<K>>>);

#[derive(Debug)]
struct Counted<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    calls: AtomicU32,
}

impl<K: Hash + Eq + Clone> Rate<K> {
    /// So many a second of each; absent: as many as come.
    pub fn new(per_second: Option<NonZeroU32>) -> Self {
        Self(per_second.map(|rate| {
            let limiter = DefaultKeyedRateLimiter::keyed(Quota::per_second(rate));
            Arc::new(Counted { limiter, calls: AtomicU32::new(0) })
        }))
    }

    /// Counts a call of `key`.
    ///
    /// # Errors
    /// It is one too many: how long until the next one may come.
    pub fn take(&self, key: &K) -> Result<(), Duration> {
        let Some(counted) = &self.0 else { return Ok(()) };
        if counted.calls.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            counted.limiter.retain_recent();
            counted.limiter.shrink_to_fit();
        }
        let now = DefaultClock::default().now();
        counted.limiter.check_key(key).map_err(|until| until.wait_time_from(now))
    }
}

impl<K: Hash + Eq + Clone> Clone for Rate<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_waits_and_others_do_not() {
        let rate = Rate::new(NonZeroU32::new(3));
        let calls: Vec<_> = (0..1000).map(|_| rate.take(&"eager")).collect();
        assert!(calls[..3].iter().all(Result::is_ok));
        let wait = calls.into_iter().find_map(Result::err).unwrap();
        assert!(Duration::ZERO < wait && wait <= Duration::from_secs(1), "{wait:?}");
        assert_eq!(rate.clone().take(&"other"), Ok(()));
    }

    #[test]
    fn without_a_rate_nobody_waits_and_nobody_is_remembered() {
        let rate = Rate::new(None);
        assert!((0..10_000).all(|_| rate.take(&"eager").is_ok()));
        assert!(rate.0.is_none());
    }

    #[test]
    fn who_has_been_quiet_is_forgotten() {
        // So fast that everybody is quiet again at once.
        let rate = Rate::new(NonZeroU32::new(1_000_000_000));
        for user in 0..3 * FORGET_EVERY {
            rate.take(&user).unwrap();
        }
        let remembered = rate.0.as_ref().unwrap().limiter.len();
        assert!(remembered <= FORGET_EVERY as usize, "{remembered} are remembered");
    }
}
