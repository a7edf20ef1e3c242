//! Makes a promo code.

use proto::billing::v1::{CreatePromoCodeRequest, CreatePromoCodeResponse};
use tonic::Request;

use super::administrator;
use crate::grpc::call::Call;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};
use crate::ledger::{Command, Outcome};

pub async fn create_promo_code(
    edge: &Edge,
    request: Request<CreatePromoCodeRequest>,
) -> Result<CreatePromoCodeResponse, Refusal> {
    let (call, message) = Call::open(request)?;
    let request_id = from_wire::request_id(message.request_id)?;
    let command = Command::CreatePromoCode {
        promo_code: from_wire::promo_code(message.promo_code, &edge.currency)?,
        by: administrator(&call, request_id, from_wire::reason(message.reason)?),
    };
    let Outcome::PromoCode { promo_code, replayed } = edge.obey(command, &call).await? else {
        return Err(Refusal::Defect("a promo code was answered by something else"));
    };
    let promo_code = Some(to_wire::promo_code(promo_code, &edge.currency));
    Ok(CreatePromoCodeResponse { promo_code, replayed })
}
