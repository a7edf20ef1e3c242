//! Credits a payment that is parked.

use proto::billing::v1::{CreditPaymentRequest, CreditPaymentResponse};
use tonic::Request;

use super::administrator;
use crate::grpc::call::Call;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};
use crate::ledger::{Command, Outcome};

pub async fn credit_payment(
    edge: &Edge,
    request: Request<CreditPaymentRequest>,
) -> Result<CreditPaymentResponse, Refusal> {
    let (call, message) = Call::open(request)?;
    let request_id = from_wire::request_id(message.request_id)?;
    let payment_id = from_wire::payment_id(&message.payment_id)?;
    let amount = from_wire::part(message.amount.as_ref(), &edge.currency)?;
    let by = administrator(&call, request_id, from_wire::reason(message.reason)?);
    let user_id = edge.payment(payment_id).await?.user_id;
    let command = Command::CreditPayment { user_id, payment_id, by: Some((by, amount)) };
    let Outcome::Payment { payment, refunds, user, replayed, .. } =
        edge.obey(command, &call).await?
    else {
        return Err(Refusal::Defect("a credit was answered by something else"));
    };
    Ok(CreditPaymentResponse {
        payment: Some(to_wire::whole_payment(payment, refunds, &edge.currency)),
        user: Some(to_wire::user(user, &edge.currency)),
        replayed,
    })
}
