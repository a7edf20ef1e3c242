//! Which address the next call goes to. Nothing here waits or asks a clock: time and chance are passed in.
//!
//! Addresses take turns. One that failed rests for a pause that grows with each further failure; when the pause is over a
//! single call tries it, and the others go elsewhere until that one has succeeded. A new address is tried in the same
//! way. When all rest, the one whose pause ends first is taken: there is nothing to lose.

use std::time::{Duration, Instant};

/// The pause after a first failure, before jitter: short, for a server that ends a connection by plan is met again at once.
const FIRST_REST: Duration = Duration::from_millis(250);
/// The longest pause: how long a server that is back may wait for its first call.
const LONGEST_REST: Duration = Duration::from_secs(10);
/// How long the one call that tries an address keeps the others away.
const TRIAL: Duration = Duration::from_secs(5);

/// Addresses that take turns; `K` names one.
#[derive(Debug)]
pub(super) struct Rotation<K> {
    places: Vec<Place<K>>,
    next: usize,
}

#[derive(Debug, Clone)]
struct Place<K> {
    key: K,
    /// Failures without a success between them.
    failures: u32,
    /// No call goes there before, if it can go elsewhere; `None`: it works.
    rests_until: Option<Instant>,
    /// When it failed last. What was begun earlier says nothing new.
    failed_at: Option<Instant>,
}

/// A call's turn at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn<K> {
    pub(super) key: K,
    begun: Instant,
}

impl<K: Copy + PartialEq> Rotation<K> {
    /// Without addresses; the first turn is that of the one at `start`, so that not all processes begin with the same.
    pub(super) fn new(start: usize) -> Self {
        Self { places: Vec::new(), next: start }
    }

    /// These are the addresses from now on. What is known of those that stay is kept.
    pub(super) fn replace(&mut self, keys: &[K], now: Instant) {
        let known = std::mem::take(&mut self.places);
        for &key in keys {
            if self.places.iter().any(|place| place.key == key) {
                continue;
            }
            let place = known.iter().find(|place| place.key == key).cloned();
            let new = Place { key, failures: 0, rests_until: Some(now), failed_at: None };
            self.places.push(place.unwrap_or(new));
        }
    }

    /// Whose turn it is, for a call that was at `tried` before: it goes where it was least often. `None`: no address.
    pub(super) fn pick(&mut self, tried: &[K], now: Instant) -> Option<Turn<K>> {
        let count = self.places.len();
        let in_turn = (0..count).map(|step| (self.next + step) % count);
        let index = in_turn
            .filter(|&index| self.places[index].rests_until.is_none_or(|until| until <= now))
            .min_by_key(|&index| tried.iter().filter(|&&key| key == self.places[index].key).count())
            .or_else(|| (0..count).min_by_key(|&index| self.places[index].rests_until))?;
        self.next = (index + 1) % count;
        let place = &mut self.places[index];
        if place.rests_until.is_some() {
            place.rests_until = Some(now + TRIAL);
        }
        Some(Turn { key: place.key, begun: now })
    }

    /// The address answered, whatever it said. True: for the first time since it failed.
    pub(super) fn worked(&mut self, turn: Turn<K>) -> bool {
        let Some(place) = self.judged(turn) else {
            return false;
        };
        let is_back = place.failures > 0;
        (place.failures, place.rests_until) = (0, None);
        is_back
    }

    /// The address could not be reached or did not answer; `chance` is from 0 to 1. True: for the first time since it
    /// answered.
    pub(super) fn failed(&mut self, turn: Turn<K>, now: Instant, chance: f64) -> bool {
        let Some(place) = self.judged(turn) else {
            return false;
        };
        place.failures = place.failures.saturating_add(1);
        place.rests_until = Some(now + rest(place.failures, chance));
        place.failed_at = Some(now);
        place.failures == 1
    }

    /// The place of a call whose outcome says something new: sixty calls that one broken connection ends are one failure.
    fn judged(&mut self, turn: Turn<K>) -> Option<&mut Place<K>> {
        let place = self.places.iter_mut().find(|place| place.key == turn.key)?;
        place.failed_at.is_none_or(|failed| turn.begun > failed).then_some(place)
    }
}

/// Doubles with each failure; the half of it is left to chance, so that clients don't come back all at once.
fn rest(failures: u32, chance: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let full = (FIRST_REST * (1 << doublings)).min(LONGEST_REST);
    full.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Three addresses that have answered.
    fn working(now: Instant) -> Rotation<char> {
        let mut rotation = Rotation::new(0);
        rotation.replace(&['a', 'b', 'c'], now);
        for _ in 0..3 {
            let turn = rotation.pick(&[], now).unwrap();
            rotation.worked(turn);
        }
        rotation
    }

    fn picks(rotation: &mut Rotation<char>, count: usize, now: Instant) -> String {
        (0..count).map(|_| rotation.pick(&[], now).unwrap().key).collect()
    }

    fn fail(rotation: &mut Rotation<char>, key: char, now: Instant) -> bool {
        rotation.failed(Turn { key, begun: now }, now, 1.0)
    }

    #[test]
    fn addresses_take_turns() {
        let now = Instant::now();
        assert_eq!(picks(&mut working(now), 7, now), "abcabca");
        assert_eq!(Rotation::<char>::new(5).pick(&[], now), None);
    }

    #[test]
    fn one_that_failed_is_left_out_until_one_call_has_tried_it() {
        let now = Instant::now();
        let mut rotation = working(now);
        assert!(fail(&mut rotation, 'b', now), "it worked before");
        assert_eq!(picks(&mut rotation, 4, now), "acac");
        let later = now + SECOND;
        assert_eq!(picks(&mut rotation, 5, later), "abcac", "one call tries it");
        let turn = Turn { key: 'b', begun: later };
        assert!(rotation.worked(turn), "it is back");
        assert!(!rotation.worked(turn), "and that is no news");
        assert_eq!(picks(&mut rotation, 3, later), "abc");
    }

    #[test]
    fn a_trial_that_tells_nothing_gives_way_to_another() {
        let now = Instant::now();
        let mut rotation = working(now);
        fail(&mut rotation, 'b', now);
        assert_eq!(picks(&mut rotation, 3, now + SECOND), "abc");
        assert_eq!(picks(&mut rotation, 2, now + SECOND + TRIAL), "ab");
    }

    #[test]
    fn pauses_grow_up_to_a_limit_and_end_with_a_success() {
        let mut now = Instant::now();
        let mut rotation = working(now);
        let mut pauses = Vec::new();
        for _ in 0..40 {
            fail(&mut rotation, 'b', now);
            let until = rotation.places[1].rests_until.unwrap();
            pauses.push(until - now);
            now = until;
        }
        assert_eq!(pauses[..3], [FIRST_REST, FIRST_REST * 2, FIRST_REST * 4]);
        assert!(pauses.is_sorted());
        assert_eq!(pauses.last(), Some(&LONGEST_REST));
        rotation.worked(Turn { key: 'b', begun: now + SECOND });
        assert!(fail(&mut rotation, 'b', now + SECOND * 2));
        assert_eq!(rotation.places[1].rests_until.unwrap(), now + SECOND * 2 + FIRST_REST);
        assert_eq!(rest(1, 0.0), FIRST_REST / 2);
    }

    #[test]
    fn calls_that_one_broken_connection_ended_are_one_failure() {
        let now = Instant::now();
        let mut rotation = working(now);
        let turns: Vec<_> = (0..60).map(|_| rotation.pick(&[], now).unwrap()).collect();
        for turn in turns.iter().filter(|turn| turn.key == 'a') {
            rotation.failed(*turn, now + SECOND, 1.0);
        }
        assert_eq!(rotation.places[0].failures, 1);
        rotation.worked(turns[0]);
        assert_eq!(rotation.places[0].failures, 1, "an answer from before the failure");
    }

    #[test]
    fn a_retry_goes_where_the_call_was_least_often() {
        let now = Instant::now();
        let mut rotation = working(now);
        let mut tried = Vec::new();
        for _ in 0..7 {
            // Other calls take turns in between.
            rotation.pick(&[], now);
            rotation.pick(&[], now);
            let turn = rotation.pick(&tried, now).unwrap();
            tried.push(turn.key);
        }
        for key in ['a', 'b', 'c'] {
            assert!(tried[..3].contains(&key) && tried[3..6].contains(&key), "{tried:?}");
        }
    }

    #[test]
    fn when_all_rest_the_first_to_end_its_pause_is_taken() {
        let now = Instant::now();
        let mut rotation = working(now);
        for key in ['b', 'b', 'c', 'c', 'a', 'a', 'a'] {
            // One after the other, each failure new.
            let later = now + SECOND;
            rotation.failed(Turn { key, begun: later + SECOND }, later, 1.0);
        }
        let turn = rotation.pick(&['b'], now + SECOND).unwrap();
        assert_eq!(turn.key, 'b');
        assert_eq!(picks(&mut rotation, 2, now + SECOND), "ca", "and then the next");
    }

    #[test]
    fn a_new_address_gets_one_call_until_it_answers_and_an_old_one_none() {
        let now = Instant::now();
        let mut rotation = working(now);
        fail(&mut rotation, 'c', now);
        rotation.replace(&['b', 'c', 'd', 'd'], now);
        assert_eq!(rotation.places.len(), 3);
        assert_eq!(picks(&mut rotation, 5, now), "bdbbb", "c still rests");
        assert!(!rotation.worked(Turn { key: 'd', begun: now }), "it had not failed");
        assert_eq!(picks(&mut rotation, 4, now), "dbdb");
        assert!(!fail(&mut rotation, 'a', now), "it is gone");
    }

    #[test]
    fn a_single_address_is_always_taken() {
        let now = Instant::now();
        let mut rotation = Rotation::new(3);
        rotation.replace(&['a'], now);
        assert_eq!(picks(&mut rotation, 3, now), "aaa");
        fail(&mut rotation, 'a', now);
        assert_eq!(rotation.pick(&['a', 'a'], now).unwrap().key, 'a');
    }
}
