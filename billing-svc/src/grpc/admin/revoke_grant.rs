//! Takes back what is left of a grant.

use proto::billing::v1::{RevokeGrantRequest, RevokeGrantResponse};
use tonic::Request;

use super::administrator;
use crate::grpc::call::Call;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};
use crate::ledger::{Command, Outcome};

pub async fn revoke_grant(
    edge: &Edge,
    request: Request<RevokeGrantRequest>,
) -> Result<RevokeGrantResponse, Refusal> {
    let (call, message) = Call::open(request)?;
    let request_id = from_wire::request_id(message.request_id)?;
    let command = Command::RevokeGrant {
        user_id: from_wire::user_id(message.user_id)?,
        grant_id: from_wire::grant_id(&message.grant_id)?,
        by: administrator(&call, request_id, from_wire::reason(message.reason)?),
    };
    let Outcome::Granted { grant, user, replayed } = edge.obey(command, &call).await? else {
        return Err(Refusal::Defect("a revocation was answered by something else"));
    };
    Ok(RevokeGrantResponse {
        grant: Some(to_wire::grant(grant, &edge.currency)),
        user: Some(to_wire::user(user, &edge.currency)),
        replayed,
    })
}
