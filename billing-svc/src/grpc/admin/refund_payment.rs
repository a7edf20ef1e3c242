//! Gives money of a payment back to the payer through the provider.

use proto::billing::v1::{RefundPaymentRequest, RefundPaymentResponse};
use tonic::Request;

use super::administrator;
use crate::grpc::call::Call;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};
use crate::payments::{RefundRequest, Refunding};

pub async fn refund_payment(
    edge: &Edge,
    request: Request<RefundPaymentRequest>,
) -> Result<RefundPaymentResponse, Refusal> {
    let (call, message) = Call::open(request)?;
    let request_id = from_wire::request_id(message.request_id)?;
    let payment_id = from_wire::payment_id(&message.payment_id)?;
    let amount = from_wire::part(message.amount.as_ref(), &edge.currency)?;
    let by = administrator(&call, request_id, from_wire::refund_reason_for_payer(message.reason)?);
    let request = RefundRequest { payment_id, amount, by };
    let Refunding { top_up, refund } = edge.payments.refund(request, call.deadline).await?;
    Ok(RefundPaymentResponse {
        payment: Some(to_wire::whole_payment(top_up.payment, top_up.refunds, &edge.currency)),
        refund: Some(to_wire::refund(refund, &edge.currency)),
        replayed: top_up.replayed,
    })
}
