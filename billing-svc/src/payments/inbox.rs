//! Notifications: kept before their sender is answered, then followed by asking the provider.
//!
//! Each is a row of its own; rows about the same payment are handled one at a time, in the order of arrival. One that came
//! before a question that was answered well began has nothing to add, and ends without a question of its own: a burst about one
//! payment costs few of them. What can't be followed now is tried again after growing pauses for [`PATIENCE`], and then
//! kept as dead, for people.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use service_kit::queue::{End, Held, Leased, Queue, QueueError};
use service_kit::telemetry;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::follow::Followed;
use super::{PaymentError, Payments};
use crate::ledger::Provider;
use crate::metrics;

/// Rows that are put in at once; the rest wait here and not for a connection of the pool, which others need too.
const WRITERS: usize = 4;
/// Notifications that are followed at once.
const CONCURRENCY: usize = 8;
const LEASE: Duration = Duration::from_secs(60);
/// More than a question to a provider and two commands take; less than a lease.
const MAX_HANDLING: Duration = Duration::from_secs(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 60 * 60);
/// For so long a notification is tried.
const PATIENCE: Duration = Duration::from_secs(3 * 24 * 60 * 60);
/// Rows that are done are kept for that long, to look at.
const KEEP_DONE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Answers that are remembered; beyond that all are forgotten, which costs questions only.
const MAX_ANSWERED: usize = 10_000;
/// How far the clocks of two instances may be apart.
const CLOCKS: Duration = Duration::from_secs(30);

/// The queue, and what this instance knows of it.
#[derive(Debug)]
pub(super) struct Inbox {
    pub queue: Queue,
    pub instance: Uuid,
    pub writers: Semaphore,
    /// Rows that wait, as counted lately and put in since.
    pub waiting: AtomicU64,
    /// When the last question began that was answered well, by key.
    answered: Mutex<HashMap<String, SystemTime>>,
}

/// A row's payload.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Item {
    pub provider: String,
    /// What to ask the provider about: its name for a payment.
    pub subject: String,
    /// The instance that put it in, whose clock stamped it.
    pub instance: Uuid,
}

impl Inbox {
    pub fn new(queue: Queue, instance: Uuid) -> Self {
        Self {
            queue,
            instance,
            writers: Semaphore::new(WRITERS),
            waiting: AtomicU64::new(0),
            answered: Mutex::default(),
        }
    }

    fn note_answer(&self, key: &str, begun: SystemTime) {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if answered.len() >= MAX_ANSWERED {
            answered.clear();
        }
        answered.insert(key.to_owned(), begun);
    }

    /// Had the row come when a question began that has been answered?
    fn is_answered(&self, key: &str, item: &Item, row: &Leased) -> bool {
        let margin = if item.instance == self.instance { Duration::ZERO } else { CLOCKS };
        let now = SystemTime::now();
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        // After a clock was set back, what lies ahead of it is older than it looks.
        answered.get(key).is_some_and(|begun| *begun <= now && row.create_time + margin < *begun)
    }
}

/// Rows about the same payment.
pub(super) fn key(provider: Provider, subject: &str) -> String {
    format!("{}:{subject}", provider.name())
}

/// Follows notifications until `shutdown`, then answers once those at hand are done with.
pub(super) async fn run(payments: &Payments, shutdown: &CancellationToken) {
    let queue = &payments.0.inbox.queue;
    if let Err(error) = queue.take_over().await {
        tracing::warn!(%error, "what an earlier process had in hand waits for its leases to run out");
    }
    let permits = Arc::new(Semaphore::new(CONCURRENCY));
    let handlers = TaskTracker::new();
    loop {
        let first = tokio::select! {
            permit = Arc::clone(&permits).acquire_owned() => permit,
            () = shutdown.cancelled() => break,
        };
        let Ok(first) = first else { break };
        let idle = match claim(first, payments, &permits, &handlers).await {
            Ok(taken) => taken == 0,
            Err(error) => {
                tracing::warn!(%error, "the notifications can't be read");
                true
            }
        };
        if idle {
            tokio::select! {
                () = queue.notified() => {}
                () = tokio::time::sleep(payments.0.settings.pace.inbox) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }
    handlers.close();
    handlers.wait().await;
}

/// Starts what is due, as much as there is room for; answers how many.
async fn claim(
    first: OwnedSemaphorePermit,
    payments: &Payments,
    permits: &Arc<Semaphore>,
    handlers: &TaskTracker,
) -> Result<usize, QueueError> {
    let mut room = vec![first];
    while let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
        room.push(permit);
    }
    let limit = u32::try_from(room.len()).unwrap_or(u32::MAX);
    let rows = payments.0.inbox.queue.claim(limit, LEASE).await?;
    let taken = rows.len();
    for (row, permit) in rows.into_iter().zip(room) {
        let payments = payments.clone();
        let span = span(&row);
        let handled = async move {
            handle(&payments, &row).await;
            drop(permit);
        };
        handlers.spawn(handled.instrument(span));
    }
    Ok(taken)
}

/// What is to become of a row.
enum Verdict {
    /// The payment stands here as it does there.
    Followed,
    /// An earlier row's question was answered after this one had come.
    Answered,
    /// It is about nothing of ours.
    Unmatched,
    /// It can't be followed now.
    Later(Option<Duration>),
    /// It can't be followed at all.
    Unreadable,
}

/// In the trace of the webhook that brought it.
fn span(row: &Leased) -> Span {
    let span = tracing::info_span!(
        "notification",
        otel.name = "handle notification",
        otel.kind = "consumer",
        item = row.id,
        attempt = row.attempt
    );
    telemetry::adopt(&span, row.trace_context.as_deref());
    span
}

async fn handle(payments: &Payments, row: &Leased) {
    let item = serde_json::from_value::<Item>(row.payload.clone()).ok();
    let provider = item.as_ref().and_then(|item| {
        Provider::ALL.into_iter().find(|provider| provider.name() == item.provider)
    });
    let verdict = match (&item, provider) {
        (Some(item), Some(provider)) => judge(payments, provider, item, row).await,
        (None, _) | (_, None) => Verdict::Unreadable,
    };
    let age = SystemTime::now().duration_since(row.create_time).unwrap_or_default();
    let (outcome, end) = match verdict {
        Verdict::Followed => ("followed", Some(End::Done)),
        Verdict::Answered => ("answered", Some(End::Done)),
        Verdict::Unmatched => ("unmatched", Some(End::Done)),
        Verdict::Unreadable => ("dead", Some(End::Dead)),
        Verdict::Later(_) if age > PATIENCE => ("dead", Some(End::Dead)),
        Verdict::Later(_) => ("retry", None),
    };
    if outcome == "dead" {
        tracing::error!(id = row.id, key = row.key, "a notification is given up");
    }
    let written = match (end, verdict) {
        (Some(end), _) => payments.0.inbox.queue.finish(row, end, &row.payload).await,
        (None, Verdict::Later(wait)) => later(payments, row, wait).await,
        (None, _) => return,
    };
    match written {
        Ok(Held::Yes) => {}
        Ok(Held::Lost) => {
            tracing::warn!(id = row.id, "a notification took too long; it comes again")
        }
        Err(error) => {
            tracing::warn!(id = row.id, %error, "a notification's end can't be written; it comes again")
        }
    }
    if let Some(provider) = provider {
        metrics::notification(provider, outcome);
    }
}

async fn later(
    payments: &Payments,
    row: &Leased,
    wait: Option<Duration>,
) -> Result<Held, QueueError> {
    let grown = super::pause(payments.0.settings.pace.retry, row.attempt, LONGEST_PAUSE);
    let wait = wait.unwrap_or_default().clamp(grown, LONGEST_PAUSE);
    let again = SystemTime::now() + wait;
    payments.0.inbox.queue.reschedule(row, again, &row.payload, false).await
}

async fn judge(payments: &Payments, provider: Provider, item: &Item, row: &Leased) -> Verdict {
    let inbox = &payments.0.inbox;
    let key = key(provider, &item.subject);
    if inbox.is_answered(&key, item, row) {
        return Verdict::Answered;
    }
    let begun = SystemTime::now();
    let asked = ask(payments, provider, &item.subject);
    match tokio::time::timeout(MAX_HANDLING, asked).await {
        Ok(Ok(Followed::Kept)) => {
            inbox.note_answer(&key, begun);
            Verdict::Followed
        }
        Ok(Ok(Followed::Unmatched)) => {
            inbox.note_answer(&key, begun);
            Verdict::Unmatched
        }
        Ok(Ok(Followed::InFeed)) => Verdict::Later(None),
        Ok(Err(PaymentError::Unavailable { wait })) => Verdict::Later(Some(wait)),
        Ok(Err(error)) => {
            tracing::warn!(%error, key, attempt = row.attempt, "a notification can't be followed now");
            Verdict::Later(None)
        }
        Err(_elapsed) => {
            tracing::warn!(key, attempt = row.attempt, "following a notification took too long");
            Verdict::Later(None)
        }
    }
}

async fn ask(
    payments: &Payments,
    provider: Provider,
    subject: &str,
) -> Result<Followed, PaymentError> {
    // A provider that was switched off may be switched on again: its rows wait.
    let adapter = payments.provider(provider)?.clone();
    let followed = payments.follow(&adapter, subject).await;
    if !matches!(followed, Ok(Followed::InFeed)) {
        return Ok(followed?);
    }
    payments.read_feed(&adapter).await?;
    let found = payments.0.store.payment_by_provider_id(provider, subject).await?;
    Ok(match found {
        Some(_) => Followed::Kept,
        None if payments.0.strangers.knows(provider, subject) => Followed::Unmatched,
        None => Followed::InFeed,
    })
}

/// Counts what waits, and forgets what was done long ago.
pub(super) async fn look_after(payments: &Payments) -> Result<(), QueueError> {
    let Inbox { queue, waiting, .. } = &payments.0.inbox;
    let counts = queue.count().await?;
    waiting.store(counts.ready + counts.leased, Ordering::Relaxed);
    metrics::notifications_waiting(counts.ready + counts.leased, counts.dead);
    queue.prune(SystemTime::now() - KEEP_DONE).await?;
    Ok(())
}
