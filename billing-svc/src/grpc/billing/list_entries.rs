//! A user's entries, newest first.

use proto::billing::v1::{ListEntriesRequest, ListEntriesResponse};
use tonic::Request;

use crate::grpc::pages::{self, List};
use crate::grpc::status::Refusal;
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
    let more = entries.len() > size as usize;
    entries.truncate(size as usize);
    let next_page_token = match entries.last() {
        Some(last) if more => pages::after_entry(list, last.sequence),
        Some(_) | None => String::new(),
    };
    let entries = entries.into_iter().map(|entry| to_wire::entry(entry, &edge.currency)).collect();
    Ok(ListEntriesResponse { entries, next_page_token })
}
