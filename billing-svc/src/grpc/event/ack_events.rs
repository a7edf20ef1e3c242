//! A consumer has dealt with everything up to a position. Never goes back.

use proto::billing::v1::{AckEventsRequest, AckEventsResponse};
use tonic::Request;

use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire};
use crate::store::Acked;

pub async fn ack_events(
    edge: &Edge,
    request: Request<AckEventsRequest>,
) -> Result<AckEventsResponse, Refusal> {
    let message = request.into_inner();
    let consumer = from_wire::consumer(message.consumer)?;
    let position = from_wire::ack_position(message.position)?;
    match edge.store.ack(&consumer, position).await? {
        Acked::At(position) => Ok(AckEventsResponse { position }),
        Acked::NotGivenOut { last } => {
            let takes = format!("the position of an event that was given out, at most {last}");
            Err(Refusal::field("position", takes))
        }
    }
}
