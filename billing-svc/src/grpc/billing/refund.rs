//! Gives every slice back to where it came from; an admin may give back a part.

use proto::billing::v1::{RefundRequest, RefundResponse};
use tonic::Request;

use crate::grpc::call::Call;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, roles, to_wire};
use crate::ledger::{Command, Outcome, RefundRight};

pub async fn refund(
    edge: &Edge,
    request: Request<RefundRequest>,
) -> Result<RefundResponse, Refusal> {
    let (call, message) = Call::open(request)?;
    let operation_id = from_wire::operation_id(&message.operation_id)?;
    let reason = from_wire::refund_reason(message.reason)?;
    let comment = from_wire::comment(message.comment)?;
    let right = roles::refund_right(&call.caller);
    if message.amount.is_some() && right != RefundRight::Everything {
        return Err(Refusal::Forbidden { may: "refund only everything: leave amount out" });
    }
    let amount = message
        .amount
        .map(|amount| from_wire::refund_amount(&amount, &edge.currency))
        .transpose()?;
    let user_id = edge.owner(operation_id, &call).await?;
    let command = Command::Refund { user_id, operation_id, reason, comment, amount, right };
    let Outcome::Operation { operation, user, replayed } = edge.obey(command, &call).await? else {
        return Err(Refusal::Defect("a refund was answered by something else"));
    };
    Ok(RefundResponse {
        operation: Some(to_wire::operation(operation, &edge.currency)),
        user: Some(to_wire::user(user, &edge.currency)),
        replayed,
    })
}
