//! Asks the provider now and credits what was paid.

use proto::billing::v1::{RefreshPaymentRequest, RefreshPaymentResponse};
use tonic::Request;

use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};

pub async fn refresh_payment(
    edge: &Edge,
    request: Request<RefreshPaymentRequest>,
) -> Result<RefreshPaymentResponse, Refusal> {
    let payment_id = from_wire::payment_id(&request.into_inner().payment_id)?;
    let now = edge.payments.refresh(payment_id).await?;
    let payment = to_wire::whole_payment(now.payment, now.refunds, &edge.currency);
    Ok(RefreshPaymentResponse { payment: Some(payment) })
}
