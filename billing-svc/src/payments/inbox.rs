//! Notifications: kept before their sender is answered, then followed by asking the provider.
//!
//! Each is a row of its own; rows about the same payment are handled one at a time, in the order of arrival. One that came
//! before a question that was answered well began has nothing to add, and ends without a question of its own: a burst about one
//! payment costs few of them. What can't be followed now is tried again after growing pauses for [`PATIENCE`], and then
//! kept as dead, for people.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use service_kit::queue::{End, Held, Leased, Queue, QueueError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::follow::Followed;
use super::provider::{PaymentProvider, Subject};
use super::{PaymentError, Payments};
use crate::ledger::Provider;
use crate::metrics;

/// As much as is taken of a notification.
pub const MAX_BODY: usize = 64 * 1024;
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

/// What came to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// As it came.
    pub body: Vec<u8>,
    /// As they came; names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Who sent it, as far as the gateway can tell.
    pub source_ip: Option<IpAddr>,
}

/// The queue, and what this instance knows of it.
#[derive(Debug)]
pub(super) struct Inbox {
    queue: Queue,
    instance: Uuid,
    writers: Semaphore,
    /// Rows that wait, as counted lately and put in since.
    waiting: AtomicU64,
    /// When the last question began that was answered well, by key.
    answered: Mutex<HashMap<String, SystemTime>>,
}

/// A row's payload.
#[derive(Debug, Serialize, Deserialize)]
struct Item {
    provider: String,
    /// What to ask the provider about: its name for a payment.
    subject: String,
    /// The instance that put it in, whose clock stamped it.
    instance: Uuid,
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

impl Payments {
    /// Keeps a notification. What it says is not believed, only what it is about is asked for.
    ///
    /// # Errors
    /// `NotConfigured`; `Forbidden` from an address that is not allowed; `Field` where it is no notification; `Overloaded`;
    /// `Submit(Unavailable)` where the database does not answer.
    pub async fn notify(
        &self,
        provider: Provider,
        notification: Notification,
    ) -> Result<(), PaymentError> {
        let adapter = self.provider(provider)?;
        if !adapter.admits(notification.source_ip) {
            metrics::notification(provider, "forbidden");
            tracing::warn!(
                provider = provider.name(),
                source_ip = ?notification.source_ip,
                "a notification from an address that is not allowed"
            );
            return Err(PaymentError::Forbidden { may: "the provider's own addresses" });
        }
        let subject = match subject(adapter, &notification.body) {
            Some(Subject::Payment(subject)) => subject,
            Some(Subject::Other) => {
                metrics::notification(provider, "ignored");
                return Ok(());
            }
            None => {
                metrics::notification(provider, "unreadable");
                return Err(PaymentError::field(
                    "body",
                    "a notification of the provider, up to 64 KiB",
                ));
            }
        };
        self.enqueue(provider, subject).await?;
        metrics::notification(provider, "stored");
        Ok(())
    }

    /// Puts a row in about a payment, by the provider's name for it.
    pub(super) async fn enqueue(
        &self,
        provider: Provider,
        subject: String,
    ) -> Result<(), PaymentError> {
        self.put_in(Uuid::now_v7().to_string(), provider, subject).await
    }

    /// Likewise, once an hour at most: a list shows the same payment again and again.
    pub(super) async fn enqueue_listed(
        &self,
        provider: Provider,
        subject: String,
    ) -> Result<(), PaymentError> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let id = format!("listed-{}-{}", now.as_secs() / 3600, key(provider, &subject));
        self.put_in(id, provider, subject).await
    }

    async fn put_in(
        &self,
        id: String,
        provider: Provider,
        subject: String,
    ) -> Result<(), PaymentError> {
        let waiting = self.0.inbox.waiting.fetch_add(1, Ordering::Relaxed);
        if waiting >= self.0.settings.max_waiting {
            self.0.inbox.waiting.fetch_sub(1, Ordering::Relaxed);
            metrics::notification(provider, "overloaded");
            return Err(PaymentError::Overloaded);
        }
        let this = self.clone();
        self.detached(async move {
            let Inbox { queue, instance, writers, .. } = &this.0.inbox;
            let _permit = writers.acquire().await;
            let key = key(provider, &subject);
            let item = Item { provider: provider.name().to_owned(), subject, instance: *instance };
            let payload = serde_json::to_value(item)
                .map_err(|_| PaymentError::Defect("a notification has no JSON form"))?;
            queue.enqueue(&id, Some(&key), &payload, None).await.map_err(|error| {
                tracing::warn!(%error, "a notification could not be kept");
                PaymentError::Submit(crate::committer::SubmitError::Unavailable)
            })?;
            Ok(())
        })
        .await
    }
}

fn subject(adapter: &Arc<dyn PaymentProvider>, body: &[u8]) -> Option<Subject> {
    if body.len() > MAX_BODY {
        return None;
    }
    adapter.subject(body).ok()
}

fn key(provider: Provider, subject: &str) -> String {
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
        handlers.spawn(async move {
            handle(&payments, &row).await;
            drop(permit);
        });
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
    Ok(if found.is_some() { Followed::Kept } else { Followed::InFeed })
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
