//! Works off a durable queue: claims rows, hands each to its handler, writes down how it ended.
//!
//! At most `concurrency` rows at once, each under a lease that is kept alive while its handler runs. What is to be tried
//! again waits for as long as the handler says, and the rows of its key wait with it. A gateway that was killed lets go of
//! its rows when their leases run out, on a SQLite file when the next one starts.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use futures::FutureExt;
use service_kit::{
    queue::{End, Held, Leased, Queue, QueueError},
    telemetry,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, Span};

use crate::metrics;

/// How often the queue is looked at when nothing in this process says that there is something.
const POLL: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What is done with the rows of one queue.
pub trait Handler: Send + Sync + 'static {
    /// Does it. A row may come again after a crash: what was done on the outside must bear that.
    fn handle(&self, queue: &Queue, item: &Leased) -> impl Future<Output = Verdict> + Send;
}

/// What is to become of a row. Its payload stays as it was claimed, save what the handler saved where it is lost.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is over.
    Done,
    /// It comes again after the pause.
    Retry {
        /// For the log.
        why: String,
        /// How long it rests at least.
        pause: Duration,
    },
    /// It failed for good: kept for people to look at.
    Dead(String),
    /// The lease ran out: another gateway has it.
    Lost,
}

/// One queue and how much of it is worked on at once.
pub struct Lane<H> {
    /// In logs and metrics.
    pub name: &'static str,
    /// The rows.
    pub queue: Queue,
    /// What is done with each.
    pub handler: H,
    /// Rows at once.
    pub concurrency: usize,
    /// How long a killed gateway keeps its rows. Kept alive while a handler runs.
    pub lease: Duration,
}

/// Takes rows until `shutdown`, then answers once those at hand are done.
pub async fn run<H: Handler>(lane: Lane<H>, shutdown: CancellationToken) {
    let permits = Arc::new(Semaphore::new(lane.concurrency));
    let handlers = TaskTracker::new();
    let lane = Arc::new(lane);
    loop {
        let first = tokio::select! {
            permit = Arc::clone(&permits).acquire_owned() => permit,
            () = shutdown.cancelled() => break,
        };
        let Ok(first) = first else { break };
        let idle = match claim(first, &lane, &permits, &handlers).await {
            Ok(taken) => taken == 0,
            Err(error) => {
                tracing::error!(queue = lane.name, %error, "a queue can't be read");
                tokio::time::sleep(POLL).await;
                false
            }
        };
        if idle {
            tokio::select! {
                () = lane.queue.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }
    handlers.close();
    handlers.wait().await;
}

/// Starts what is due, as much as there is room for; answers how many.
async fn claim<H: Handler>(
    first: OwnedSemaphorePermit,
    lane: &Arc<Lane<H>>,
    permits: &Arc<Semaphore>,
    handlers: &TaskTracker,
) -> Result<usize, QueueError> {
    let mut room = vec![first];
    while let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
        room.push(permit);
    }
    let limit = u32::try_from(room.len()).unwrap_or(u32::MAX);
    let items = lane.queue.claim(limit, lane.lease).await?;
    let taken = items.len();
    for (item, permit) in items.into_iter().zip(room) {
        let lane = Arc::clone(lane);
        handlers.spawn(async move {
            let span = lane.span(&item);
            lane.work(item).instrument(span).await;
            drop(permit);
        });
    }
    Ok(taken)
}

impl<H: Handler> Lane<H> {
    /// In the trace that the row was put in under: that of its update, also after a crash.
    fn span(&self, item: &Leased) -> Span {
        let span = tracing::info_span!(
            "handle",
            otel.name = format!("handle {}", self.name),
            otel.kind = "consumer",
            item = item.id,
            attempt = item.attempt
        );
        telemetry::adopt(&span, item.trace_context.as_deref());
        span
    }

    async fn work(&self, item: Leased) {
        let started = Instant::now();
        let handling = AssertUnwindSafe(self.handler.handle(&self.queue, &item)).catch_unwind();
        let panicked =
            || Verdict::Retry { why: "the handler panicked".to_owned(), pause: Duration::ZERO };
        let verdict = tokio::select! {
            verdict = handling => verdict.unwrap_or_else(|_panic| panicked()),
            () = self.keep(&item) => Verdict::Lost,
        };
        let (queue, id, attempt) = (self.name, &item.id, item.attempt);
        let end = match verdict {
            Verdict::Done => self.settle(&item, End::Done).await.map(|held| ("done", held)),
            Verdict::Retry { why, pause } => {
                let pause = pause.max(pause_after(attempt));
                tracing::warn!(queue, id, attempt, why, ?pause, "handling failed, trying again");
                let run_at = SystemTime::now() + pause;
                let again = self.queue.reschedule(&item, run_at, &item.payload, false);
                again.await.map(|held| ("retry", held))
            }
            Verdict::Dead(why) => {
                tracing::error!(queue, id, attempt, why, "handling failed for good");
                self.settle(&item, End::Dead).await.map(|held| ("dead", held))
            }
            Verdict::Lost => Ok(("lost", Held::Lost)),
        };
        match end {
            Ok((end, Held::Yes)) => metrics::item_handled(queue, end, started.elapsed()),
            Ok((_, Held::Lost)) => {
                tracing::warn!(queue, id, "the lease ran out; it will be handled again")
            }
            Err(error) => {
                tracing::error!(queue, id, %error, "the queue can't be written; the item will come again")
            }
        }
    }

    async fn settle(&self, item: &Leased, end: End) -> Result<Held, QueueError> {
        self.queue.finish(item, end, &item.payload).await
    }

    /// Answers when the lease is lost.
    async fn keep(&self, item: &Leased) {
        loop {
            tokio::time::sleep(self.lease / 3).await;
            match self.queue.extend(item, self.lease).await {
                Ok(Held::Yes) => {}
                Ok(Held::Lost) => return,
                // The next beat may get through; if none does, the lease runs out for everybody to see.
                Err(error) => {
                    tracing::warn!(queue = self.name, id = item.id, %error, "a lease could not be kept")
                }
            }
        }
    }
}

/// 1 s, 2 s, 4 s… up to a minute after the first, second, third try.
pub fn pause_after(attempt: u32) -> Duration {
    let exponent = attempt.saturating_sub(1).min(10);
    (Duration::from_secs(1) * 2_u32.pow(exponent)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute() {
        let seconds: Vec<u64> = (1..=9).map(|attempt| pause_after(attempt).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
