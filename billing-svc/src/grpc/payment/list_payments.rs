//! A user's payments, newest first.

use proto::billing::v1::{ListPaymentsRequest, ListPaymentsResponse};
use tonic::Request;

use crate::grpc::pages::{self, List};
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire};

pub async fn list_payments(
    edge: &Edge,
    request: Request<ListPaymentsRequest>,
) -> Result<ListPaymentsResponse, Refusal> {
    let message = request.into_inner();
    let user_id = from_wire::user_id(message.user_id)?;
    let size = from_wire::page_size(message.page_size)?;
    let states = from_wire::payment_states(&message.states)?;
    let list = List::Payments(&user_id, &states);
    let before = pages::payment(list, &message.page_token)?;

    // One more than the page shows, to know whether another page follows.
    let limit = (size + 1).into();
    let mut rows = edge.store.payments_of(&user_id, &states, before, limit).await?;
    let next_page_token =
        pages::next(&mut rows, size, |last| pages::after_payment(list, last.payment_id));
    let mut payments = Vec::with_capacity(rows.len());
    for payment in rows {
        payments.push(edge.listed(payment).await?);
    }
    Ok(ListPaymentsResponse { payments, next_page_token })
}
