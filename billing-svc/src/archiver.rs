//! Operations that were settled long ago are moved out of the way of charges, to an archive that is read like them.
//!
//! It goes through the operations in the order of their time, a page a transaction, and rests longer than each took, so that
//! charges keep their speed: on SQLite it is a second writer, on PostgreSQL it locks the users of a page. Where it has
//! come to what is too young it waits there for more. What it passed over because it was open or had just been refunded,
//! it meets again the next day, when it begins anew: beginning anew each time would read again and again where everything
//! is gone. Several instances may run; one that meets another at it leaves it to that one for a while.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::ledger::{OperationId, Timestamp};
use crate::metrics;
use crate::store::{Old, Store, StoreError};

/// Operations in one transaction: some milliseconds for who waits for one of its users.
const PAGE: u64 = 500;
/// How many times as long as a page took it rests, …
const REST: u32 = 4;
/// … and at least.
const SHORTEST_REST: Duration = Duration::from_millis(20);
/// The longest wait before the first page: with others that started now it would meet at once.
const FIRST: Duration = Duration::from_secs(2);
/// How long it waits where there is nothing to do, another instance does it, or the database does not answer.
const WAIT: Duration = Duration::from_secs(60);
/// How long after it has begun it begins anew.
const ROUND: Duration = Duration::from_secs(24 * 60 * 60);

/// Archives what was settled longer ago than `after`, until `shutdown`, which it obeys between two transactions.
pub async fn run(store: Store, after: Duration, shutdown: CancellationToken) {
    let mut archiver = Archiver { store, after, begun: Instant::now(), last: None };
    let mut rest = FIRST.mul_f64(rand::random());
    while shutdown.run_until_cancelled(tokio::time::sleep(rest)).await.is_some() {
        rest = archiver.step().await;
    }
}

struct Archiver {
    store: Store,
    after: Duration,
    /// When it was at the beginning last.
    begun: Instant,
    /// The last operation that it has looked at.
    last: Option<OperationId>,
}

impl Archiver {
    /// Looks through a page; answers how long to rest.
    async fn step(&mut self) -> Duration {
        if self.begun.elapsed() >= ROUND {
            self.begun = Instant::now();
            self.last = None;
        }
        let Some(until) = SystemTime::now().checked_sub(self.after) else { return WAIT };
        let until = Timestamp::from_micros(service_kit::time::to_micros(until));
        let since = Instant::now();
        let page = match self.store.old_operations(until, self.last, PAGE).await {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(?error, "old operations can't be read");
                return WAIT;
            }
        };
        let last = page.last().map(|old| old.operation_id);
        let full = u64::try_from(page.len()).is_ok_and(|count| count >= PAGE);
        let turn = self.archive(page, until).await;
        if turn == Turn::Next {
            self.last = last.or(self.last);
        }
        if turn == Turn::Again || (turn == Turn::Next && full) {
            SHORTEST_REST.max(since.elapsed() * REST)
        } else {
            WAIT
        }
    }

    async fn archive(&self, page: Vec<Old>, until: Timestamp) -> Turn {
        let first = page.first().map(|old| old.operation_id);
        match self.store.archive(page, until).await {
            Ok(Some(moved)) => {
                metrics::archived(moved);
                tracing::debug!(moved, "archived operations");
                Turn::Next
            }
            Ok(None) => {
                tracing::debug!("another instance is archiving");
                Turn::Later
            }
            Err(StoreError::Retryable(error)) => {
                tracing::debug!(?error, "a page of operations has to be archived again");
                Turn::Again
            }
            Err(error @ (StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_))) => {
                tracing::warn!(?error, "operations can't be archived now");
                Turn::Later
            }
            // Something in it can't be moved, now or later: what comes after it can.
            Err(
                error @ (StoreError::Conflict(_)
                | StoreError::Corrupt { .. }
                | StoreError::Refused(_)),
            ) => {
                tracing::error!(?error, ?first, "a page of operations can't be archived");
                Turn::Next
            }
        }
    }
}

/// What comes after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The next one.
    Next,
    /// The same, soon.
    Again,
    /// The same, in a while.
    Later,
}
