//! A user's operations, newest first.

use proto::billing::v1::{ListOperationsRequest, ListOperationsResponse};
use tonic::Request;

use crate::grpc::pages::{self, List};
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};

pub async fn list_operations(
    edge: &Edge,
    request: Request<ListOperationsRequest>,
) -> Result<ListOperationsResponse, Refusal> {
    let message = request.into_inner();
    let user_id = from_wire::user_id(message.user_id)?;
    let size = from_wire::page_size(message.page_size)?;
    let states = from_wire::states(&message.states)?;
    let list = List::Operations(&user_id, &states);
    let before = pages::operation(list, &message.page_token)?;

    // One more than the page shows, to know whether another page follows.
    let mut operations =
        edge.store.operations(&user_id, &states, before, (size + 1).into()).await?;
    let next_page_token =
        pages::next(&mut operations, size, |last| pages::after_operation(list, last.operation_id));
    let operations = operations
        .into_iter()
        .map(|operation| to_wire::operation(operation, &edge.currency))
        .collect();
    Ok(ListOperationsResponse { operations, next_page_token })
}
