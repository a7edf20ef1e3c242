//! Keeps the hold of a charged operation for longer.

use proto::billing::v1::{ExtendHoldRequest, ExtendHoldResponse};
use tonic::Request;

use crate::grpc::call::Call;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};
use crate::ledger::{Command, Outcome};

pub async fn extend_hold(
    edge: &Edge,
    request: Request<ExtendHoldRequest>,
) -> Result<ExtendHoldResponse, Refusal> {
    let (call, message) = Call::open(request)?;
    let operation_id = from_wire::operation_id(&message.operation_id)?;
    // Absent is as wrong as zero: there is no default for how much longer.
    let hold = from_wire::hold(message.hold.unwrap_or_default())?;
    let user_id = edge.owner(operation_id, &call).await?;
    let command = Command::ExtendHold { user_id, operation_id, hold };
    let Outcome::Operation { operation, .. } = edge.obey(command, &call).await? else {
        return Err(Refusal::Defect("a longer hold was answered by something else"));
    };
    Ok(ExtendHoldResponse { operation: Some(to_wire::operation(operation, &edge.currency)) })
}
