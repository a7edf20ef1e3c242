//! What a charge would cost now, and what would pay for it: the ledger's own plan, on what is stored at this moment.

use proto::billing::v1::{QuoteRequest, QuoteResponse};
use tonic::Request;

use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, now, to_wire};
use crate::ledger::{Amount, Standing, plan, signup_grant};

pub async fn quote(edge: &Edge, request: Request<QuoteRequest>) -> Result<QuoteResponse, Refusal> {
    let message = request.into_inner();
    let user_id = from_wire::user_id(message.user_id)?;
    let kind = from_wire::kind(message.kind)?;
    let quantity = from_wire::quantity(message.quantity)?;

    let prices = edge.store.prices().await?;
    let price = prices.price(&kind).ok_or(Refusal::UnknownKind)?;
    let (user, mut grants) = edge.store.user_with_grants(&user_id).await?;
    let now = now();
    let (balance, standing) = match user {
        Some(user) => (user.available, user.standing),
        None => {
            grants.extend(signup_grant(&user_id, &edge.policy, now));
            (Amount::ZERO, Standing::Good)
        }
    };

    let plan = plan(price, quantity, grants.iter(), balance, now);
    Ok(QuoteResponse {
        price: Some(to_wire::money(price.amount.times(quantity), &edge.currency)),
        funding: plan.slices.iter().map(|slice| to_wire::funding(slice, &edge.currency)).collect(),
        affordable: plan.missing.is_zero() && standing == Standing::Good,
        missing: Some(to_wire::money(plan.missing, &edge.currency)),
    })
}
