//! The ceiling: the same messages over the same tonic, and nothing in between.

use proto::billing::v1::billing_service_server::BillingService;
use proto::billing::v1::{
    ChargeRequest, ChargeResponse, GetUserInfoRequest, GetUserInfoResponse, Operation,
    OperationState, Standing, UserInfo,
};
use proto::money;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::schema::PRICE_MICROS;
use super::unasked::unasked;
use crate::system::CURRENCY;

/// Knows nobody and writes nothing.
#[derive(Debug, Clone, Copy)]
pub struct Echo;

fn user(user_id: String) -> UserInfo {
    let zero = || Some(money::from_micros(0, CURRENCY));
    UserInfo {
        user_id,
        balance: zero(),
        paid_balance: zero(),
        held: zero(),
        standing: Standing::Good.into(),
        ..Default::default()
    }
}

#[tonic::async_trait]
impl BillingService for Echo {
    async fn charge(
        &self,
        request: Request<ChargeRequest>,
    ) -> Result<Response<ChargeResponse>, Status> {
        let asked = request.into_inner();
        let operation = Operation {
            operation_id: Uuid::now_v7().to_string(),
            user_id: asked.user_id.clone(),
            request_id: asked.request_id,
            kind: asked.kind,
            quantity: asked.quantity.max(1),
            state: OperationState::Charged.into(),
            price: Some(money::from_micros(PRICE_MICROS, CURRENCY)),
            ..Default::default()
        };
        let user = user(asked.user_id);
        Ok(Response::new(ChargeResponse {
            operation: Some(operation),
            user: Some(user),
            replayed: false,
        }))
    }

    async fn get_user_info(
        &self,
        request: Request<GetUserInfoRequest>,
    ) -> Result<Response<GetUserInfoResponse>, Status> {
        let user = user(request.into_inner().user_id);
        Ok(Response::new(GetUserInfoResponse { user: Some(user) }))
    }

    unasked! {
        complete: CompleteRequest => CompleteResponse,
        refund: RefundRequest => RefundResponse,
        extend_hold: ExtendHoldRequest => ExtendHoldResponse,
        get_operation: GetOperationRequest => GetOperationResponse,
        list_operations: ListOperationsRequest => ListOperationsResponse,
        list_entries: ListEntriesRequest => ListEntriesResponse,
        quote: QuoteRequest => QuoteResponse,
        list_prices: ListPricesRequest => ListPricesResponse,
    }
}
