//! Gives free operations or promotional money.

use proto::billing::v1::{GrantCreditsRequest, GrantCreditsResponse};
use tonic::Request;
use uuid::Uuid;

use crate::grpc::call::Call;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};
use crate::ledger::{Command, GrantCredits, GrantId, Outcome};

pub async fn grant_credits(
    edge: &Edge,
    request: Request<GrantCreditsRequest>,
) -> Result<GrantCreditsResponse, Refusal> {
    let (call, message) = Call::open(request)?;
    let command = Command::GrantCredits(GrantCredits {
        request_id: from_wire::request_id(message.request_id)?,
        user_id: from_wire::user_id(message.user_id)?,
        credits: from_wire::credits(message.credits, &edge.currency)?,
        kind: from_wire::grant_kind(message.kind)?,
        priority: from_wire::priority(message.priority)?,
        expire_time: from_wire::expire_time(message.expire_time)?,
        reason: from_wire::reason(message.reason)?,
        grant_id: GrantId(Uuid::now_v7()),
        caller: call.caller.name.clone(),
    });
    let Outcome::Granted { grant, user, replayed } = edge.obey(command, &call).await? else {
        return Err(Refusal::Defect("a grant was answered by something else"));
    };
    Ok(GrantCreditsResponse {
        grant: Some(to_wire::grant(grant, &edge.currency)),
        user: Some(to_wire::user(user, &edge.currency)),
        replayed,
    })
}
