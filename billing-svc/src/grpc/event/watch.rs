//! One watcher's stream.
//!
//! Read from the database as the client takes it: what a client does not take is not read, so a slow one holds one batch
//! and a vanished one is dropped with its connection. New events of this process wake it at once, those of other
//! instances are found by asking again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, stream};
use proto::billing::v1::{Event, WatchEventsResponse};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, to_wire};
use crate::store::Store;

/// Streams at once, of all connections together.
pub const MAX_WATCHERS: usize = 256;
/// Events in one read of the database.
const BATCH: u64 = 100;
/// How long events of other instances may go unseen.
const POLL: Duration = Duration::from_secs(1);
/// A stream never is silent for longer.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// A watcher, and what it has in hand.
pub struct Watch {
    store: Store,
    currency: Arc<str>,
    /// Of the last event that was read.
    position: i64,
    /// Read and not taken yet.
    ready: VecDeque<Event>,
    /// Changes with each event that is given out in this process.
    given_out: watch::Receiver<()>,
    draining: CancellationToken,
    /// When the client last heard something.
    heard: Instant,
    _place: OwnedSemaphorePermit,
}

impl Watch {
    /// From after that position on.
    pub fn new(edge: &Edge, position: i64, place: OwnedSemaphorePermit) -> Self {
        Self {
            store: edge.store.clone(),
            currency: edge.currency.clone(),
            position,
            ready: VecDeque::new(),
            given_out: edge.store.given_out(),
            draining: edge.draining.clone(),
            heard: Instant::now(),
            _place: place,
        }
    }

    /// Ends with an error only: the client should watch again.
    pub fn into_stream(self) -> impl Stream<Item = Result<WatchEventsResponse, Status>> {
        stream::unfold(Some(self), async |watch| {
            let mut watch = watch?;
            match watch.next().await {
                Ok(message) => Some((Ok(message), Some(watch))),
                Err(refusal) => Some((Err(refusal.into_status(&watch.currency)), None)),
            }
        })
    }

    async fn next(&mut self) -> Result<WatchEventsResponse, Refusal> {
        loop {
            if self.draining.is_cancelled() {
                return Err(Refusal::Draining);
            }
            if let Some(event) = self.ready.pop_front() {
                self.heard = Instant::now();
                return Ok(WatchEventsResponse { event: Some(event), heartbeat: false });
            }
            // Before the read, so that what comes during it wakes the wait below.
            self.given_out.mark_unchanged();
            self.read().await?;
            if self.ready.is_empty() {
                let heartbeat = self.heard + HEARTBEAT;
                if Instant::now() >= heartbeat {
                    self.heard = Instant::now();
                    return Ok(WatchEventsResponse { event: None, heartbeat: true });
                }
                self.wait(heartbeat).await;
            }
        }
    }

    async fn read(&mut self) -> Result<(), Refusal> {
        let events = self.store.events_after(self.position, BATCH).await?;
        for (position, event) in events {
            self.position = position;
            self.ready.push_back(to_wire::event(position, event, &self.currency));
        }
        Ok(())
    }

    /// Until there may be something to say.
    async fn wait(&mut self, heartbeat: Instant) {
        let poll = (Instant::now() + POLL).min(heartbeat);
        tokio::select! {
            () = self.draining.cancelled() => {}
            () = tokio::time::sleep_until(poll) => {}
            // The store, which gives out, lives as long as this watcher.
            Ok(()) = self.given_out.changed() => {}
        }
    }
}
