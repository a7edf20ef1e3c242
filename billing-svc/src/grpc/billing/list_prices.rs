//! The price list in force.

use proto::billing::v1::{ListPricesRequest, ListPricesResponse};
use tonic::Request;

use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, to_wire};

pub async fn list_prices(
    edge: &Edge,
    _request: Request<ListPricesRequest>,
) -> Result<ListPricesResponse, Refusal> {
    let list = edge.store.prices().await?;
    let prices = list.prices.iter().map(|price| to_wire::price(price, &edge.currency)).collect();
    Ok(ListPricesResponse { prices, version: list.version })
}
