//! A user's entries, newest first.

use proto::billing::v1::{ListEntriesRequest, ListEntriesResponse};
use tonic::Request;

use crate::grpc::pages::{self, List};
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};

pub async fn list_entries(
    edge: &Edge,
    request: Request<ListEntriesRequest>,
) -> Result<ListEntriesResponse, Refusal> {
    let message = request.into_inner();
    let user_id = from_wire::user_id(message.user_id)?;
    let size = from_wire::page_size(message.page_size)?;
    let list = List::Entries(&user_id);
    let before = pages::entry(list, &message.page_token)?;

    // One more than the page shows, to know whether another page follows.
    let mut entries = edge.store.entries(&user_id, before, (size + 1).into()).await?;
    let next_page_token =
        pages::next(&mut entries, size, |last| pages::after_entry(list, last.sequence));
    let entries = entries.into_iter().map(|entry| to_wire::entry(entry, &edge.currency)).collect();
    Ok(ListEntriesResponse { entries, next_page_token })
}
