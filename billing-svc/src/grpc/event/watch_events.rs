//! Every event after the last acknowledged one, then new ones as they happen.

use std::pin::Pin;

use futures::Stream;
use proto::billing::v1::{WatchEventsRequest, WatchEventsResponse};
use tonic::{Request, Status};

use super::watch::Watch;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire};

pub async fn watch_events(
    edge: &Edge,
    request: Request<WatchEventsRequest>,
) -> Result<Pin<Box<dyn Stream<Item = Result<WatchEventsResponse, Status>> + Send>>, Refusal> {
    let message = request.into_inner();
    let consumer = from_wire::consumer(message.consumer)?;
    let place = edge.watchers.clone().try_acquire_owned().map_err(|_| Refusal::Overloaded)?;
    let position = match from_wire::after(message.after)? {
        Some(position) => position,
        None => edge.store.consumer(&consumer).await?,
    };
    Ok(Box::pin(Watch::new(edge, position, place).into_stream()))
}
