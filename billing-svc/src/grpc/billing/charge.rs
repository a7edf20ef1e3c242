//! Takes the price of an operation and holds it.

use proto::billing::v1::{ChargeRequest, ChargeResponse};
use tonic::Request;
use uuid::Uuid;

use crate::grpc::call::Call;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};
use crate::ledger::{Charge, Command, OperationId, Outcome};

pub async fn charge(
    edge: &Edge,
    request: Request<ChargeRequest>,
) -> Result<ChargeResponse, Refusal> {
    let (call, message) = Call::open(request)?;
    let charge = Charge {
        request_id: from_wire::request_id(message.request_id)?,
        user_id: from_wire::user_id(message.user_id)?,
        kind: from_wire::kind(message.kind)?,
        quantity: from_wire::quantity(message.quantity)?,
        max_price: from_wire::max_price(message.max_price.as_ref(), &edge.currency)?,
        hold: message.hold.map(from_wire::hold).transpose()?,
        labels: from_wire::labels(message.labels)?,
        operation_id: OperationId(Uuid::now_v7()),
        caller: call.caller.name.clone(),
    };
    if let Err(refused) = edge.admit(&charge.user_id) {
        // What was charged before is answered as it was: a caller whose answer got lost would take "nothing was decided" for it.
        let charged = edge.store.user_of_charge(&charge.request_id).await?;
        if charged.as_ref() != Some(&charge.user_id) {
            return Err(refused);
        }
    }
    let command = Command::Charge(charge);
    let Outcome::Operation { operation, user, replayed } = edge.obey(command, &call).await? else {
        return Err(Refusal::Defect("a charge was answered by something else"));
    };
    Ok(ChargeResponse {
        operation: Some(to_wire::operation(operation, &edge.currency)),
        user: Some(to_wire::user(user, &edge.currency)),
        replayed,
    })
}
