//! Clients of billing-svc.

use super::{
    CallError, ClientConfig, ClientError,
    connection::{Authorized, Connection},
};
use crate::billing::v1::{
    AdjustBalanceRequest, AdjustBalanceResponse, ChargeRequest, ChargeResponse, CompleteRequest,
    CompleteResponse, ExtendHoldRequest, ExtendHoldResponse, GetOperationRequest,
    GetOperationResponse, GetUserInfoRequest, GetUserInfoResponse, GrantCreditsRequest,
    GrantCreditsResponse, ListEntriesRequest, ListEntriesResponse, ListOperationsRequest,
    ListOperationsResponse, ListPricesRequest, ListPricesResponse, QuoteRequest, QuoteResponse,
    RefundRequest, RefundResponse, admin_service_client::AdminServiceClient as AdminStub,
    billing_service_client::BillingServiceClient as BillingStub,
};

/// One method for one RPC, each with the same few lines.
macro_rules! unary {
    ($stub:ident: $($(#[$doc:meta])* $method:ident($request:ty) -> $response:ty;)+) => {
        $(
            $(#[$doc])*
            pub async fn $method(&self, request: $request) -> Result<$response, CallError> {
                let send = |channel: Authorized, request| async move {
                    $stub::new(channel).$method(request).await
                };
                self.0.call(request, send).await
            }
        )+
    };
}
pub(super) use unary;

/// Charges, refunds, balances. Cheap to clone; all clones share a connection.
#[derive(Debug, Clone)]
pub struct BillingClient(Connection);

impl BillingClient {
    /// Connects at the first call.
    pub fn new(config: &ClientConfig) -> Result<Self, ClientError> {
        Ok(Self(Connection::new(config)?))
    }

    unary! { BillingStub:
        /// Takes the price of an operation and holds it.
        charge(ChargeRequest) -> ChargeResponse;
        /// The result was delivered: the held money is spent.
        complete(CompleteRequest) -> CompleteResponse;
        /// Gives everything back to where it came from.
        refund(RefundRequest) -> RefundResponse;
        /// Keeps a hold for longer.
        extend_hold(ExtendHoldRequest) -> ExtendHoldResponse;
        /// What a user has.
        get_user_info(GetUserInfoRequest) -> GetUserInfoResponse;
        /// One operation.
        get_operation(GetOperationRequest) -> GetOperationResponse;
        /// A user's operations, newest first.
        list_operations(ListOperationsRequest) -> ListOperationsResponse;
        /// A user's entries, newest first.
        list_entries(ListEntriesRequest) -> ListEntriesResponse;
        /// What a charge would cost now.
        quote(QuoteRequest) -> QuoteResponse;
        /// The price list in force.
        list_prices(ListPricesRequest) -> ListPricesResponse;
    }
}

/// What only administrators do. Cheap to clone; all clones share a connection.
#[derive(Debug, Clone)]
pub struct AdminClient(Connection);

impl AdminClient {
    /// Connects at the first call.
    pub fn new(config: &ClientConfig) -> Result<Self, ClientError> {
        Ok(Self(Connection::new(config)?))
    }

    unary! { AdminStub:
        /// Moves money between a user's balance and the house.
        adjust_balance(AdjustBalanceRequest) -> AdjustBalanceResponse;
        /// Gives free operations or promotional money.
        grant_credits(GrantCreditsRequest) -> GrantCreditsResponse;
    }
}
