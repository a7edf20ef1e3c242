//! Clients of billing-svc.

use super::{
    CallError, ClientConfig, ClientError,
    connection::{Authorized, Connection},
};
use crate::billing::v1::{
    admin_service_client::AdminServiceClient as AdminStub,
    billing_service_client::BillingServiceClient as BillingStub, *,
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
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/billing.rs"));
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let live = Live::start(&[("BILLING_FREE_OPERATIONS", "1")]);
/// # let (url, token) = (&live.url, Some("service-token".to_owned().into()));
/// use proto::billing::v1::{ChargeRequest, CompleteRequest, GetUserInfoRequest};
/// use proto::client::{BillingClient, ClientConfig};
///
/// let billing = BillingClient::new(&ClientConfig::new(url, token))?;
/// let charge = ChargeRequest {
///     // Made before the first try, of the update that asked for it: whoever repeats it charges nothing twice.
///     request_id: "tg-7-1001".to_owned(),
///     user_id: "tg:42".to_owned(),
///     kind: "generate".to_owned(),
///     ..Default::default()
/// };
/// let charged = billing.charge(charge.clone()).await?;
/// assert!(!charged.replayed && billing.charge(charge).await?.replayed);
///
/// let operation_id = charged.operation.unwrap_or_default().operation_id;
/// billing.complete(CompleteRequest { operation_id }).await?;
///
/// let request = GetUserInfoRequest { user_id: "tg:42".to_owned() };
/// let user = billing.get_user_info(request).await?.user.unwrap_or_default();
/// assert_eq!((user.free_operations_left, user.free_operations_total), (0, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct BillingClient(Connection);

impl BillingClient {
    /// Connects at the first call.
    pub fn new(config: &ClientConfig) -> Result<Self, ClientError> {
        Ok(Self(Connection::new(config)?))
    }

    /// Over connections that other clients of the same service use as well.
    pub fn over(connection: &Connection) -> Self {
        Self(connection.clone())
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

    /// Over connections that other clients of the same service use as well.
    pub fn over(connection: &Connection) -> Self {
        Self(connection.clone())
    }

    unary! { AdminStub:
        /// Moves money between a user's balance and the house.
        adjust_balance(AdjustBalanceRequest) -> AdjustBalanceResponse;
        /// Gives free operations or promotional money.
        grant_credits(GrantCreditsRequest) -> GrantCreditsResponse;
        /// Takes back what is left of a grant.
        revoke_grant(RevokeGrantRequest) -> RevokeGrantResponse;
        /// A user's grants, newest first.
        list_grants(ListGrantsRequest) -> ListGrantsResponse;
        /// Blocks a user, or lets them be charged again.
        set_standing(SetStandingRequest) -> SetStandingResponse;
        /// Finds users.
        find_users(FindUsersRequest) -> FindUsersResponse;
        /// Publishes a whole price list.
        publish_prices(PublishPricesRequest) -> PublishPricesResponse;
        /// Makes a promo code.
        create_promo_code(CreatePromoCodeRequest) -> CreatePromoCodeResponse;
        /// Promo codes, newest first.
        list_promo_codes(ListPromoCodesRequest) -> ListPromoCodesResponse;
        /// Gives money of a payment back to the payer.
        refund_payment(RefundPaymentRequest) -> RefundPaymentResponse;
        /// Credits a payment that is parked.
        credit_payment(CreditPaymentRequest) -> CreditPaymentResponse;
        /// Notes what became of a chargeback.
        record_dispute(RecordDisputeRequest) -> RecordDisputeResponse;
    }
}
