//! One batch, one transaction, as many attempts as its races take.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use futures::FutureExt;
use tokio::time::Instant;

use super::SubmitError;
use crate::ledger::{self, Command, Outcome, Policy, Rejection, Timestamp};
use crate::metrics::{self, TransactionEnd};
use crate::store::{Store, StoreError};

/// How often a batch is tried before a unique key that is taken again and again counts as a failure: whoever was faster
/// by a moment is seen by the next attempt.
const ATTEMPTS: u32 = 10;

/// How long after its first attempt a batch may still be tried again: a lane has others waiting. Nothing else bounds
/// the races that it may lose: where transactions are SERIALIZABLE, many instances with one user in hand lose most.
const LAST_ATTEMPT: Duration = Duration::from_secs(15);

/// The longest pause before the second attempt; it doubles up to [`LONGEST_PAUSE`]. A random part of it is taken.
const FIRST_PAUSE: Duration = Duration::from_millis(4);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// How many batches in a row lock what they need at most, before one tries again to do without.
const MOST_LOCKED: u32 = 64;

/// Why a batch was not written. The log has the details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// Because of what one of its commands touches: corrupt rows, a statement that was refused, a defect of ours.
    Guilty,
    /// Because of the database. Nothing was written.
    Down,
    /// It may have been written.
    Unknown,
}

impl Failure {
    pub(super) fn for_caller(self) -> SubmitError {
        match self {
            Self::Guilty => SubmitError::Internal,
            Self::Down => SubmitError::Unavailable,
            Self::Unknown => SubmitError::OutcomeUnknown,
        }
    }
}

/// One outcome for each command of a batch, in order.
type Outcomes = Vec<Result<Outcome, Rejection>>;

/// Writes batches.
#[derive(Clone)]
pub(super) struct Writer {
    store: Store,
    policy: Arc<Policy>,
    locked: Arc<Locked>,
}

/// How many batches lock what they need after one that did without, in vain: two instances have the same users in hand, or an
/// operation is in the archive. Twice as many each time, so that a user whom everybody has in hand costs little, and half
/// as many after one that went well.
#[derive(Default)]
struct Locked {
    left: AtomicU32,
    next: AtomicU32,
}

impl Locked {
    /// Is this batch one of them?
    fn take(&self) -> bool {
        self.left
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok()
    }

    fn in_vain(&self) {
        let next = (self.next.load(Ordering::Relaxed) * 2).clamp(1, MOST_LOCKED);
        self.next.store(next, Ordering::Relaxed);
        self.left.store(next, Ordering::Relaxed);
    }

    fn went_well(&self) {
        self.next.store(self.next.load(Ordering::Relaxed) / 2, Ordering::Relaxed);
    }
}

impl Writer {
    pub(super) fn new(store: Store, policy: Policy) -> Self {
        Self { store, policy: Arc::new(policy), locked: Arc::default() }
    }

    /// Can the batch do without locks, and is that likely to end well?
    fn may_compare(&self, commands: &[Command]) -> bool {
        self.store.can_compare()
            && commands.iter().all(Command::is_of_one_user)
            && !self.locked.take()
    }

    /// Runs the batch until it is written, or has a reason not to be. Logs that reason.
    pub(super) async fn write(&self, commands: &[Command]) -> Result<Outcomes, Failure> {
        let now = Timestamp::from_micros(service_kit::time::to_micros(SystemTime::now()));
        let last = Instant::now() + LAST_ATTEMPT;
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            // A panic is an answer, not the end of the lane. Nothing that it could leave half done outlives the attempt: its
            // transaction goes with it.
            let comparing = attempt == 1 && self.may_compare(commands);
            let error =
                match AssertUnwindSafe(self.once(commands, now, comparing)).catch_unwind().await {
                    Ok(Ok(outcomes)) => {
                        if comparing {
                            self.locked.went_well();
                        }
                        return Ok(outcomes);
                    }
                    Ok(Err(error)) => error,
                    // The hook of panics has logged it.
                    Err(_) => {
                        tracing::error!(commands = commands.len(), "a batch failed by a defect");
                        return Err(Failure::Guilty);
                    }
                };
            if comparing && let Some(cause) = locks_needed(&error) {
                self.locked.in_vain();
                metrics::transaction_retried(metrics::BATCH, cause);
                tracing::debug!(?error, "a batch has to be run again with locks");
                continue;
            }
            match retry_cause(&error, attempt) {
                Some(cause) if Instant::now() < last => {
                    metrics::transaction_retried(metrics::BATCH, cause);
                    tracing::debug!(?error, attempt, "a batch has to be run again");
                    tokio::time::sleep(pause.mul_f64(rand::random())).await;
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
                _ => return Err(report(&error, commands.len(), attempt)),
            }
        }
        Err(Failure::Guilty)
    }

    async fn once(
        &self,
        commands: &[Command],
        now: Timestamp,
        comparing: bool,
    ) -> Result<Outcomes, StoreError> {
        let since = Instant::now();
        let result = self.transaction(commands, now, comparing).await;
        let end = match &result {
            Ok((_, end)) => *end,
            Err(StoreError::OutcomeUnknown(_)) => TransactionEnd::Unknown,
            Err(_) => TransactionEnd::Failed,
        };
        metrics::transaction(metrics::BATCH, end, since.elapsed());
        result.map(|(outcomes, _)| outcomes)
    }

    async fn transaction(
        &self,
        commands: &[Command],
        now: Timestamp,
        comparing: bool,
    ) -> Result<(Outcomes, TransactionEnd), StoreError> {
        let transaction = match comparing {
            true => self.store.begin_comparing().await?,
            false => self.store.begin().await?,
        };
        let state = transaction.load(&ledger::needs(&self.policy, commands), now).await?;
        let decision = ledger::decide(&self.policy, state, commands, now);
        if decision.changes.is_empty() {
            if let Err(error) = transaction.roll_back().await {
                tracing::debug!(?error, "a transaction that wrote nothing could not be ended");
            }
            return Ok((decision.outcomes, TransactionEnd::Unchanged));
        }
        transaction.apply(&decision.changes).await?;
        let since = Instant::now();
        transaction.commit().await?;
        metrics::commit(since.elapsed());
        metrics::committed(&decision.changes);
        Ok((decision.outcomes, TransactionEnd::Committed))
    }
}

/// Why a batch that locked nothing has to be run again with locks, if so: then nothing of it was written.
fn locks_needed(error: &StoreError) -> Option<&'static str> {
    match error {
        StoreError::Conflict(_) => Some(metrics::CHANGED),
        StoreError::Retryable(_) => Some(metrics::LOST_RACE),
        // The connection may have died while nobody looked; those of the pool are asked before.
        StoreError::Unavailable(_) => Some(metrics::CONNECTION),
        StoreError::OutcomeUnknown(_) | StoreError::Refused(_) | StoreError::Corrupt { .. } => None,
    }
}

/// May the batch be run again after this attempt?
fn retry_cause(error: &StoreError, attempt: u32) -> Option<&'static str> {
    match error {
        StoreError::Retryable(_) => Some(metrics::LOST_RACE),
        StoreError::Conflict(_) if attempt < ATTEMPTS => Some(metrics::UNIQUE_KEY),
        StoreError::Conflict(_)
        | StoreError::Corrupt { .. }
        | StoreError::Unavailable(_)
        | StoreError::OutcomeUnknown(_)
        | StoreError::Refused(_) => None,
    }
}

fn report(error: &StoreError, commands: usize, attempts: u32) -> Failure {
    match error {
        StoreError::Retryable(_) | StoreError::Unavailable(_) => {
            tracing::warn!(?error, commands, attempts, "the database is unavailable to a batch");
            Failure::Down
        }
        StoreError::OutcomeUnknown(_) => {
            tracing::warn!(?error, commands, attempts, "the outcome of a batch is unknown");
            Failure::Unknown
        }
        StoreError::Conflict(_) | StoreError::Corrupt { .. } | StoreError::Refused(_) => {
            tracing::error!(?error, commands, attempts, "a batch can't be written");
            Failure::Guilty
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_race_locks_one_batch_and_one_after_another_ever_more() {
        let locked = Locked::default();
        assert!(!locked.take());
        for expected in [1, 2, 4, 8, 16, 32, 64, 64] {
            locked.in_vain();
            let taken = (0..1000).take_while(|_| locked.take()).count();
            assert_eq!(taken, expected);
        }
        for _ in 0..7 {
            locked.went_well();
        }
        locked.in_vain();
        assert!(locked.take() && !locked.take());
    }
}
