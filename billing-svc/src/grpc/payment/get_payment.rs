//! One payment, with its refunds.

use proto::billing::v1::{GetPaymentRequest, GetPaymentResponse};
use tonic::Request;

use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};

pub async fn get_payment(
    edge: &Edge,
    request: Request<GetPaymentRequest>,
) -> Result<GetPaymentResponse, Refusal> {
    let payment_id = from_wire::payment_id(&request.into_inner().payment_id)?;
    let payment = edge.payment(payment_id).await?;
    let refunds = edge.store.refunds_of(&payment.user_id, payment_id).await?;
    let payment = to_wire::whole_payment(payment, refunds, &edge.currency);
    Ok(GetPaymentResponse { payment: Some(payment) })
}
