//! A user's grants, newest first.

use proto::billing::v1::{ListGrantsRequest, ListGrantsResponse};
use tonic::Request;

use crate::grpc::pages::{self, List};
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};

pub async fn list_grants(
    edge: &Edge,
    request: Request<ListGrantsRequest>,
) -> Result<ListGrantsResponse, Refusal> {
    let message = request.into_inner();
    let user_id = from_wire::user_id(message.user_id)?;
    let size = from_wire::page_size(message.page_size)?;
    let list = List::Grants(&user_id);
    let before = pages::grant(list, &message.page_token)?;

    // One more than the page shows, to know whether another page follows.
    let mut grants = edge.store.grants_page(&user_id, before, (size + 1).into()).await?;
    let next_page_token = pages::next(&mut grants, size, |last| {
        pages::after_grant(list, last.create_time, last.grant_id)
    });
    let grants = grants.into_iter().map(|grant| to_wire::grant(grant, &edge.currency)).collect();
    Ok(ListGrantsResponse { grants, next_page_token })
}
