//! What a user has. Writes nothing.

use proto::billing::v1::{GetUserInfoRequest, GetUserInfoResponse};
use tonic::Request;

use crate::grpc::call::Call;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};

pub async fn get_user_info(
    edge: &Edge,
    request: Request<GetUserInfoRequest>,
) -> Result<GetUserInfoResponse, Refusal> {
    let (call, message) = Call::open(request)?;
    let user_id = from_wire::user_id(message.user_id)?;
    let user = edge.reader.user(user_id, call.deadline).await?;
    Ok(GetUserInfoResponse { user: Some(to_wire::user(user, &edge.currency)) })
}
