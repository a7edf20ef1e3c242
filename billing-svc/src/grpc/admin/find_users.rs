//! Finds users, by user_id.

use proto::billing::v1::{FindUsersRequest, FindUsersResponse};
use tonic::Request;

use crate::grpc::pages::{self, List};
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, now, to_wire};
use crate::store::FindUsers;

pub async fn find_users(
    edge: &Edge,
    request: Request<FindUsersRequest>,
) -> Result<FindUsersResponse, Refusal> {
    let message = request.into_inner();
    let find = FindUsers {
        prefix: from_wire::user_id_prefix(message.user_id_prefix)?,
        standings: from_wire::standings(&message.standings)?,
        reference: from_wire::reference(message.reference)?,
    };
    let size = from_wire::page_size(message.page_size)?;
    let list = List::Users(&find);
    let after = pages::user(list, &message.page_token)?;

    // One more than the page shows, to know whether another page follows.
    let limit = (size + 1).into();
    let mut users = edge.store.find_users(&find, after.as_ref(), limit, now()).await?;
    let next_page_token =
        pages::next(&mut users, size, |last| pages::after_user(list, &last.user_id));
    let users = users.into_iter().map(|user| to_wire::user(user, &edge.currency)).collect();
    Ok(FindUsersResponse { users, next_page_token })
}
