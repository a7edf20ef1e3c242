//! Gives what a promo code promises, once to each user.

use proto::billing::v1::{RedeemPromoCodeRequest, RedeemPromoCodeResponse};
use tokio::time::Instant;
use tonic::Request;
use uuid::Uuid;

use crate::grpc::call::Call;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};
use crate::ledger::{Command, GrantId, Outcome, Rejection};

pub async fn redeem_promo_code(
    edge: &Edge,
    request: Request<RedeemPromoCodeRequest>,
) -> Result<RedeemPromoCodeResponse, Refusal> {
    let (call, message) = Call::open(request)?;
    let user_id = from_wire::user_id(message.user_id)?;
    let code = from_wire::promo_code_name(&message.code)?;

    edge.attempts.begin(&user_id, Instant::now())?;
    let command = Command::RedeemPromoCode {
        user_id: user_id.clone(),
        code,
        grant_id: GrantId(Uuid::now_v7()),
    };
    let answer = edge.obey(command, &call).await;
    if !matches!(answer, Err(Refusal::Rule(Rejection::PromoCodeNotFound))) {
        edge.attempts.forgive(&user_id);
    }
    let Outcome::Granted { grant, user, replayed } = answer? else {
        return Err(Refusal::Defect("a promo code was answered by something else"));
    };
    Ok(RedeemPromoCodeResponse {
        grant: Some(to_wire::grant(grant, &edge.currency)),
        user: Some(to_wire::user(user, &edge.currency)),
        replayed,
    })
}
