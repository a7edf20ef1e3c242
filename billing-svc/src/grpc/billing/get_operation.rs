//! One operation.

use proto::billing::v1::{GetOperationRequest, GetOperationResponse};
use tonic::Request;

use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};

pub async fn get_operation(
    edge: &Edge,
    request: Request<GetOperationRequest>,
) -> Result<GetOperationResponse, Refusal> {
    let operation_id = from_wire::operation_id(&request.into_inner().operation_id)?;
    let operation = edge.store.operation(operation_id).await?.ok_or(Refusal::OperationNotFound)?;
    Ok(GetOperationResponse { operation: Some(to_wire::operation(operation, &edge.currency)) })
}
