//! Makes a payment and tells the provider about it.

use proto::billing::v1::{CreatePaymentRequest, CreatePaymentResponse};
use tonic::Request;

use crate::grpc::call::Call;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};
use crate::payments::NewTopUp;

pub async fn create_payment(
    edge: &Edge,
    request: Request<CreatePaymentRequest>,
) -> Result<CreatePaymentResponse, Refusal> {
    let (call, message) = Call::open(request)?;
    let new = NewTopUp {
        request_id: from_wire::request_id(message.request_id)?,
        user_id: from_wire::user_id(message.user_id)?,
        provider: from_wire::provider(message.provider)?,
        amount: from_wire::top_up(message.amount.as_ref(), &edge.currency)?,
        return_url: from_wire::return_url(message.return_url)?,
        receipt_email: from_wire::receipt_email(message.receipt_email)?,
        caller: call.caller.name.clone(),
    };
    if let Err(refused) = edge.admit(&new.user_id) {
        // As for a charge: what was made before is answered as it is.
        let made = edge.store.payment_by_request(&new.request_id).await?;
        if made.is_none_or(|payment| payment.user_id != new.user_id) {
            return Err(refused);
        }
    }
    let made = edge.payments.create(new, call.deadline).await?;
    let payment = to_wire::whole_payment(made.payment, made.refunds, &edge.currency);
    Ok(CreatePaymentResponse { payment: Some(payment), replayed: made.replayed })
}
