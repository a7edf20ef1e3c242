//! May Telegram take this payment?

use proto::billing::v1::{
    ApprovePreCheckoutRequest, ApprovePreCheckoutResponse, PreCheckoutRefusal,
};
use tonic::Request;

use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};
use crate::payments::PreCheckout;

pub async fn approve_pre_checkout(
    edge: &Edge,
    request: Request<ApprovePreCheckoutRequest>,
) -> Result<ApprovePreCheckoutResponse, Refusal> {
    let message = request.into_inner();
    let asked = PreCheckout {
        user_id: from_wire::user_id(message.user_id)?,
        invoice_payload: from_wire::invoice_payload(message.invoice_payload)?,
        price: from_wire::stars(message.currency, message.total_amount)?,
    };
    let refused = edge.payments.approve_pre_checkout(asked).await?;
    let refusal = refused.map_or(PreCheckoutRefusal::Unspecified, to_wire::pre_checkout_refusal);
    Ok(ApprovePreCheckoutResponse { approved: refused.is_none(), refusal: refusal.into() })
}
