//! What a user has. Writes nothing.

use proto::billing::v1::{GetUserInfoRequest, GetUserInfoResponse};
use tonic::Request;

use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, now, to_wire};

pub async fn get_user_info(
    edge: &Edge,
    request: Request<GetUserInfoRequest>,
) -> Result<GetUserInfoResponse, Refusal> {
    let user_id = from_wire::user_id(request.into_inner().user_id)?;
    let user = edge.store.user_view(&user_id, &edge.policy, now()).await?;
    Ok(GetUserInfoResponse { user: Some(to_wire::user(user, &edge.currency)) })
}
