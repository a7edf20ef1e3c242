//! Blocks a user, or lets them be charged again.

use proto::billing::v1::{SetStandingRequest, SetStandingResponse};
use tonic::Request;

use super::administrator;
use crate::grpc::call::Call;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};
use crate::ledger::{Command, Outcome};

pub async fn set_standing(
    edge: &Edge,
    request: Request<SetStandingRequest>,
) -> Result<SetStandingResponse, Refusal> {
    let (call, message) = Call::open(request)?;
    let request_id = from_wire::request_id(message.request_id)?;
    let command = Command::SetStanding {
        user_id: from_wire::user_id(message.user_id)?,
        standing: from_wire::standing_to_set(message.standing)?,
        by: administrator(&call, request_id, from_wire::reason(message.reason)?),
    };
    let Outcome::Adjusted { user, replayed } = edge.obey(command, &call).await? else {
        return Err(Refusal::Defect("a standing was answered by something else"));
    };
    Ok(SetStandingResponse { user: Some(to_wire::user(user, &edge.currency)), replayed })
}
