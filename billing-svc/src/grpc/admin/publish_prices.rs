//! Publishes a whole price list as the next version.

use proto::billing::v1::{PublishPricesRequest, PublishPricesResponse};
use tonic::Request;

use super::administrator;
use crate::grpc::call::Call;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};
use crate::ledger::{Command, Outcome};

pub async fn publish_prices(
    edge: &Edge,
    request: Request<PublishPricesRequest>,
) -> Result<PublishPricesResponse, Refusal> {
    let (call, message) = Call::open(request)?;
    let request_id = from_wire::request_id(message.request_id)?;
    let command = Command::PublishPrices {
        prices: from_wire::prices(&message.prices, &edge.currency)?,
        by: administrator(&call, request_id, from_wire::reason(message.reason)?),
    };
    let Outcome::Prices { prices: list, replayed } = edge.obey(command, &call).await? else {
        return Err(Refusal::Defect("a price list was answered by something else"));
    };
    let prices = list.prices.iter().map(|price| to_wire::price(price, &edge.currency)).collect();
    Ok(PublishPricesResponse { prices, version: list.version, replayed })
}
