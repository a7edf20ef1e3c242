//! Clients of billing-svc for what comes in, what is given, and what happened.

use tonic::Streaming;

use super::{
    CallError, ClientConfig, ClientError,
    billing::unary,
    connection::{Authorized, Connection},
};
use crate::billing::v1::{
    event_service_client::EventServiceClient as EventStub,
    payment_service_client::PaymentServiceClient as PaymentStub,
    promotion_service_client::PromotionServiceClient as PromotionStub, *,
};

/// Top-ups. Cheap to clone; all clones share a connection.
#[derive(Debug, Clone)]
pub struct PaymentClient(Connection);

impl PaymentClient {
    /// Connects at the first call.
    pub fn new(config: &ClientConfig) -> Result<Self, ClientError> {
        Ok(Self(Connection::new(config)?))
    }

    /// Over connections that other clients of the same service use as well.
    pub fn over(connection: &Connection) -> Self {
        Self(connection.clone())
    }

    unary! { PaymentStub:
        /// The ways to pay.
        list_payment_methods(ListPaymentMethodsRequest) -> ListPaymentMethodsResponse;
        /// Makes a payment.
        create_payment(CreatePaymentRequest) -> CreatePaymentResponse;
        /// One payment.
        get_payment(GetPaymentRequest) -> GetPaymentResponse;
        /// A user's payments, newest first.
        list_payments(ListPaymentsRequest) -> ListPaymentsResponse;
        /// A user's operations, payments and refunds, newest first.
        list_history(ListHistoryRequest) -> ListHistoryResponse;
        /// Asks the provider now.
        refresh_payment(RefreshPaymentRequest) -> RefreshPaymentResponse;
        /// Hands on what came to a webhook.
        submit_provider_notification(SubmitProviderNotificationRequest) -> SubmitProviderNotificationResponse;
        /// May Telegram take this payment?
        approve_pre_checkout(ApprovePreCheckoutRequest) -> ApprovePreCheckoutResponse;
        /// Telegram says that an invoice was paid.
        confirm_telegram_payment(ConfirmTelegramPaymentRequest) -> ConfirmTelegramPaymentResponse;
    }
}

/// Promo codes and referrals. Cheap to clone; all clones share a connection.
#[derive(Debug, Clone)]
pub struct PromotionClient(Connection);

impl PromotionClient {
    /// Connects at the first call.
    pub fn new(config: &ClientConfig) -> Result<Self, ClientError> {
        Ok(Self(Connection::new(config)?))
    }

    /// Over connections that other clients of the same service use as well.
    pub fn over(connection: &Connection) -> Self {
        Self(connection.clone())
    }

    unary! { PromotionStub:
        /// Gives what a promo code promises.
        redeem_promo_code(RedeemPromoCodeRequest) -> RedeemPromoCodeResponse;
        /// The user's own referral code.
        get_referral(GetReferralRequest) -> GetReferralResponse;
        /// Notes who invited this user.
        accept_referral(AcceptReferralRequest) -> AcceptReferralResponse;
    }
}

/// What happened to users. Cheap to clone; all clones share a connection.
#[derive(Debug, Clone)]
pub struct EventClient(Connection);

impl EventClient {
    /// Connects at the first call.
    pub fn new(config: &ClientConfig) -> Result<Self, ClientError> {
        Ok(Self(Connection::new(config)?))
    }

    /// Over connections that other clients of the same service use as well.
    pub fn over(connection: &Connection) -> Self {
        Self(connection.clone())
    }

    unary! { EventStub:
        /// This consumer has dealt with everything up to a position.
        ack_events(AckEventsRequest) -> AckEventsResponse;
    }

    /// Events as they happen, for as long as the connection holds: the deadline is for the beginning of the stream, the
    /// stream itself has none. One that ends or breaks is the caller's to open again.
    pub async fn watch_events(
        &self,
        request: WatchEventsRequest,
    ) -> Result<Streaming<WatchEventsResponse>, CallError> {
        let send = |channel: Authorized, request| async move {
            EventStub::new(channel).watch_events(request).await
        };
        self.0.open(request, send).await
    }
}
