//! The result was delivered: the held money is spent.

use proto::billing::v1::{CompleteRequest, CompleteResponse};
use tonic::Request;

use crate::grpc::call::Call;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};
use crate::ledger::{Command, Outcome};

pub async fn complete(
    edge: &Edge,
    request: Request<CompleteRequest>,
) -> Result<CompleteResponse, Refusal> {
    let (call, message) = Call::open(request)?;
    let operation_id = from_wire::operation_id(&message.operation_id)?;
    let user_id = edge.owner(operation_id, &call).await?;
    let command = Command::Complete { user_id, operation_id };
    let Outcome::Operation { operation, user, replayed } = edge.obey(command, &call).await? else {
        return Err(Refusal::Defect("a completion was answered by something else"));
    };
    Ok(CompleteResponse {
        operation: Some(to_wire::operation(operation, &edge.currency)),
        user: Some(to_wire::user(user, &edge.currency)),
        replayed,
    })
}
