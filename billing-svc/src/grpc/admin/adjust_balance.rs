//! Moves money between a user's own balance and the house.

use proto::billing::v1::{AdjustBalanceRequest, AdjustBalanceResponse};
use tonic::Request;

use crate::grpc::call::Call;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};
use crate::ledger::{Command, Outcome};

pub async fn adjust_balance(
    edge: &Edge,
    request: Request<AdjustBalanceRequest>,
) -> Result<AdjustBalanceResponse, Refusal> {
    let (call, message) = Call::open(request)?;
    let command = Command::AdjustBalance {
        request_id: from_wire::request_id(message.request_id)?,
        user_id: from_wire::user_id(message.user_id)?,
        amount: from_wire::adjustment(message.amount.as_ref(), &edge.currency)?,
        reason: from_wire::reason(message.reason)?,
        caller: call.caller.name.clone(),
    };
    let Outcome::Adjusted { user, replayed } = edge.obey(command, &call).await? else {
        return Err(Refusal::Defect("an adjustment was answered by something else"));
    };
    Ok(AdjustBalanceResponse { user: Some(to_wire::user(user, &edge.currency)), replayed })
}
