//! The ways to pay of this deployment.

use proto::billing::v1::{ListPaymentMethodsRequest, ListPaymentMethodsResponse};
use tonic::Request;

use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, to_wire};

pub async fn list_payment_methods(
    edge: &Edge,
    _request: Request<ListPaymentMethodsRequest>,
) -> Result<ListPaymentMethodsResponse, Refusal> {
    let methods = edge.payments.methods();
    let methods =
        methods.into_iter().map(|method| to_wire::method(method, &edge.currency)).collect();
    Ok(ListPaymentMethodsResponse { methods })
}
