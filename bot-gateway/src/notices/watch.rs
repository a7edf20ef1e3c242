//! Keeps the stream of billing's events open, and each event that has something to tell in the queue.

use std::{convert::Infallible, time::Duration};

use proto::{
    billing::v1::{AckEventsRequest, Event, WatchEventsRequest, WatchEventsResponse},
    client::{CallError, EventClient},
};
use rand::RngExt;
use serde_json::json;
use service_kit::queue::{Enqueued, Queue, QueueError};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::News;
use crate::metrics;

/// Under this name billing-svc keeps how far the gateways are: one name for all of them, for one is enough to tell.
const CONSUMER: &str = "gateway";
/// So many events are acknowledged together, or fewer when no more came for [`ACK_AFTER`].
const ACK_BATCH: usize = 200;
const ACK_AFTER: Duration = Duration::from_millis(200);
/// Billing-svc says every few seconds that it is there.
const SILENCE: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why the stream is opened again.
#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error("the events can't be watched: {0}")]
    Call(#[from] CallError),
    #[error("the stream of events broke: {:?}", .0.code())]
    Broke(Status),
    #[error("the stream of events ended")]
    Ended,
    #[error("nothing came for {SILENCE:?}")]
    Silent,
    #[error("an event could not be kept: {0}")]
    Store(#[from] QueueError),
}

/// Watches until `shutdown`.
pub async fn run(events: EventClient, notices: Queue, shutdown: CancellationToken) {
    let mut watch = Watch { events, notices, got_something: false };
    let mut pause = FIRST_PAUSE;
    loop {
        let error = tokio::select! {
            error = watch.follow() => error,
            // What was kept and not acknowledged comes again, and is known.
            () = shutdown.cancelled() => break,
        };
        metrics::events_watched(false);
        let worked = std::mem::take(&mut watch.got_something);
        if worked {
            pause = FIRST_PAUSE;
        }
        // Gateways that lost the same billing-svc don't come back all at once.
        let wait = pause.mul_f64(rand::rng().random_range(0.5..1.0));
        if worked {
            // Connections end now and then, by age or with a replica.
            tracing::info!(%error, ?wait, "watching events anew");
        } else {
            tracing::warn!(%error, ?wait, "watching events, trying again");
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
        tokio::select! {
            () = sleep(wait) => {}
            () = shutdown.cancelled() => break,
        }
    }
    metrics::events_watched(false);
}

struct Watch {
    events: EventClient,
    notices: Queue,
    got_something: bool,
}

impl Watch {
    /// One stream, until it ends; answers why.
    async fn follow(&mut self) -> WatchError {
        match self.try_follow().await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    async fn try_follow(&mut self) -> Result<Infallible, WatchError> {
        let request = WatchEventsRequest { consumer: CONSUMER.to_owned(), after: None };
        let mut stream = self.events.watch_events(request).await?;
        metrics::events_watched(true);
        // The last one that is kept and not acknowledged, and how many there are.
        let mut kept: Option<(i64, usize)> = None;
        let mut heard = Instant::now();
        loop {
            let patience = if kept.is_some() { ACK_AFTER } else { SILENCE };
            match timeout(patience, next(&mut stream)).await {
                Ok(message) => {
                    heard = Instant::now();
                    self.got_something = true;
                    if let Some(event) = message?.event {
                        self.keep(&event).await?;
                        let count = kept.map_or(0, |(_, count)| count) + 1;
                        kept = Some((event.position, count));
                    }
                }
                Err(_) if heard.elapsed() >= SILENCE => return Err(WatchError::Silent),
                Err(_) => {
                    if let Some((position, _)) = kept.take() {
                        self.acknowledge(position).await?;
                    }
                }
            }
            if let Some((position, ACK_BATCH..)) = kept {
                self.acknowledge(position).await?;
                kept = None;
            }
        }
    }

    async fn keep(&self, event: &Event) -> Result<(), QueueError> {
        let news = match News::of_event(event) {
            Ok(Some(news)) => news,
            Ok(None) => {
                metrics::event("nothing");
                return Ok(());
            }
            Err(error) => {
                // A defect of billing-svc, for ever in this event: it must not stop all others.
                tracing::error!(position = event.position, %error, "an event can't be read and is told to nobody");
                metrics::event("nothing");
                return Ok(());
            }
        };
        let id = news.row_id(event);
        let payload = json!({ "user_id": event.user_id, "news": news });
        let kept = self.notices.enqueue(&id, Some(&event.user_id), &payload, None).await?;
        metrics::event(if matches!(kept, Enqueued::New) { "new" } else { "known" });
        Ok(())
    }

    async fn acknowledge(&self, position: i64) -> Result<(), CallError> {
        let request = AckEventsRequest { consumer: CONSUMER.to_owned(), position };
        self.events.ack_events(request).await.map(|_| ())
    }
}

async fn next(
    stream: &mut Streaming<WatchEventsResponse>,
) -> Result<WatchEventsResponse, WatchError> {
    stream.message().await.map_err(WatchError::Broke)?.ok_or(WatchError::Ended)
}
