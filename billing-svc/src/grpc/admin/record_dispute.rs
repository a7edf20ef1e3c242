//! Notes what a provider tells of a chargeback by letter only.

use proto::billing::v1::{RecordDisputeRequest, RecordDisputeResponse};
use tonic::Request;
use uuid::Uuid;

use super::administrator;
use crate::grpc::call::Call;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};
use crate::ledger::{Command, DisputeOutcome, Outcome, RefundId};

pub async fn record_dispute(
    edge: &Edge,
    request: Request<RecordDisputeRequest>,
) -> Result<RecordDisputeResponse, Refusal> {
    let (call, message) = Call::open(request)?;
    let request_id = from_wire::request_id(message.request_id)?;
    let payment_id = from_wire::payment_id(&message.payment_id)?;
    let outcome = from_wire::dispute_outcome(message.outcome)?;
    let amount = match outcome {
        DisputeOutcome::Opened => from_wire::part(message.amount.as_ref(), &edge.currency)?,
        DisputeOutcome::Won | DisputeOutcome::Lost => None,
    };
    let by = administrator(&call, request_id, from_wire::reason(message.reason)?);
    let command = Command::RecordDispute {
        user_id: edge.payment(payment_id).await?.user_id,
        payment_id,
        refund_id: RefundId(Uuid::now_v7()),
        outcome,
        amount,
        by,
    };
    let Outcome::Payment { payment, refunds, user, replayed, .. } =
        edge.obey(command, &call).await?
    else {
        return Err(Refusal::Defect("a dispute was answered by something else"));
    };
    Ok(RecordDisputeResponse {
        payment: Some(to_wire::whole_payment(payment, refunds, &edge.currency)),
        user: Some(to_wire::user(user, &edge.currency)),
        replayed,
    })
}
