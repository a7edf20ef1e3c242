//! Promo codes, newest first, with how often each was redeemed.

use proto::billing::v1::{ListPromoCodesRequest, ListPromoCodesResponse};
use tonic::Request;

use crate::grpc::pages::{self, List};
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};

pub async fn list_promo_codes(
    edge: &Edge,
    request: Request<ListPromoCodesRequest>,
) -> Result<ListPromoCodesResponse, Refusal> {
    let message = request.into_inner();
    let size = from_wire::page_size(message.page_size)?;
    let list = List::PromoCodes;
    let before = pages::promo_code(list, &message.page_token)?;

    // One more than the page shows, to know whether another page follows.
    let mut codes = edge.store.promo_codes(before, (size + 1).into()).await?;
    let next_page_token = pages::next(&mut codes, size, |last| {
        pages::after_promo_code(list, last.create_time, &last.code)
    });
    let promo_codes =
        codes.into_iter().map(|code| to_wire::promo_code(code, &edge.currency)).collect();
    Ok(ListPromoCodesResponse { promo_codes, next_page_token })
}
