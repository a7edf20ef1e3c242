//! A user's operations, payments and refunds of payments together, newest first.

use proto::billing::v1::history_item::Item;
use proto::billing::v1::{HistoryItem, ListHistoryRequest, ListHistoryResponse};
use tonic::Request;

use crate::grpc::pages::{self, List};
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};
use crate::store::HistoryRow;

pub async fn list_history(
    edge: &Edge,
    request: Request<ListHistoryRequest>,
) -> Result<ListHistoryResponse, Refusal> {
    let message = request.into_inner();
    let user_id = from_wire::user_id(message.user_id)?;
    let size = from_wire::page_size(message.page_size)?;
    let list = List::History(&user_id);
    let before = pages::id(list, &message.page_token)?;

    // One more than the page shows, to know whether another page follows.
    let mut rows = edge.store.history_of(&user_id, before, (size + 1).into()).await?;
    let next_page_token = pages::next(&mut rows, size, |last| pages::after_id(list, last.id()));
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        let item = match row {
            HistoryRow::Operation(operation) => {
                Item::Operation(to_wire::operation(operation, &edge.currency))
            }
            HistoryRow::Payment(payment) => Item::Payment(edge.listed(payment).await?),
            HistoryRow::Refund(refund) => Item::Refund(to_wire::refund(refund, &edge.currency)),
        };
        items.push(HistoryItem { item: Some(item) });
    }
    Ok(ListHistoryResponse { items, next_page_token })
}
