//! How many wrong codes a user may try: enough for typing errors, too few for guessing.
//!
//! Counted in this process's memory: with several instances a guesser has that many times as many tries, still far too
//! few; a restart forgives.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::grpc::refusal::Refusal;
use crate::ledger::UserId;

/// The limit's name in `ErrorInfo.metadata`.
const LIMIT: &str = "promo_attempts";
/// Wrong codes of one user within a window.
const MAX_WRONG: u32 = 10;
/// From the first wrong code on.
const WINDOW: Duration = Duration::from_secs(10 * 60);
/// Users who are counted at once; when there are more, further ones wait for a place.
const MAX_USERS: usize = 100_000;

/// Who has tried how many wrong codes. All clones count together.
#[derive(Debug, Clone, Default)]
pub struct Attempts(Arc<Mutex<HashMap<UserId, Window>>>);

#[derive(Debug, Clone, Copy)]
struct Window {
    since: Instant,
    wrong: u32,
}

impl Window {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.since) >= WINDOW
    }
}

impl Attempts {
    /// Counts an attempt as a wrong one before it is made, so that many at once can't pass together.
    ///
    /// # Errors
    /// The user has tried too many, with the time after which they may try again.
    pub fn begin(&self, user_id: &UserId, now: Instant) -> Result<(), Refusal> {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if users.len() >= MAX_USERS {
            users.retain(|_, window| !window.is_over(now));
        }
        let refused = |window: Duration| Refusal::Limit { limit: LIMIT, retry_after: window };
        if users.len() >= MAX_USERS && !users.contains_key(user_id) {
            return Err(refused(WINDOW));
        }
        let new = Window { since: now, wrong: 0 };
        let window = users.entry(user_id.clone()).or_insert(new);
        if window.is_over(now) {
            *window = new;
        }
        if window.wrong >= MAX_WRONG {
            return Err(refused(WINDOW.saturating_sub(now.duration_since(window.since))));
        }
        window.wrong += 1;
        Ok(())
    }

    /// That attempt was no wrong code.
    pub fn forgive(&self, user_id: &UserId) {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(window) = users.get_mut(user_id) {
            window.wrong = window.wrong.saturating_sub(1);
            if window.wrong == 0 {
                users.remove(user_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_wrong_codes_are_refused_until_the_window_is_over() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        let (ann, bob) = (UserId::parse("ann").unwrap(), UserId::parse("bob").unwrap());
        for _ in 0..MAX_WRONG {
            attempts.begin(&ann, start).unwrap();
        }
        let later = start + Duration::from_secs(60);
        let Err(Refusal::Limit { limit, retry_after }) = attempts.begin(&ann, later) else {
            panic!("one too many");
        };
        assert_eq!((limit, retry_after), (LIMIT, WINDOW - Duration::from_secs(60)));
        attempts.begin(&bob, later).unwrap();
        attempts.begin(&ann, start + WINDOW).unwrap();
    }

    #[test]
    fn right_codes_are_never_too_many() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        let ann = UserId::parse("ann").unwrap();
        for _ in 0..MAX_WRONG * 3 {
            attempts.begin(&ann, now).unwrap();
            attempts.forgive(&ann);
        }
        assert!(attempts.0.lock().unwrap().is_empty());
    }
}
