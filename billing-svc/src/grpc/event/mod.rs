//! `EventService`, an RPC a file.

mod ack_events;
mod watch;
mod watch_events;

use std::pin::Pin;

use futures::Stream;
use proto::billing::v1::event_service_server::EventService;
use proto::billing::v1::*;
use tonic::{Request, Response, Status};

use super::Edge;

pub use watch::MAX_WATCHERS;

#[tonic::async_trait]
impl EventService for Edge {
    type WatchEventsStream =
        Pin<Box<dyn Stream<Item = Result<WatchEventsResponse, Status>> + Send>>;

    async fn watch_events(
        &self,
        request: Request<WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        self.answer(watch_events::watch_events(self, request).await)
    }

    async fn ack_events(
        &self,
        request: Request<AckEventsRequest>,
    ) -> Result<Response<AckEventsResponse>, Status> {
        self.answer(ack_events::ack_events(self, request).await)
    }
}
