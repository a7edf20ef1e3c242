//! What an operator does with billing-svc: look at a user, give money and free operations, look at payments.

use std::time::Duration;

use proto::billing::v1::{
    AdjustBalanceRequest, Entry, GetUserInfoRequest, GrantCreditsRequest, GrantKind,
    ListEntriesRequest, ListOperationsRequest, ListPaymentsRequest, Operation, Payment, UserInfo,
    grant_credits_request::Credits,
};
use proto::client::{
    AdminClient, BillingClient, CallError, ClientConfig, ClientError, Connection, EventClient,
    PaymentClient,
};
use secrecy::SecretString;
use uuid::Uuid;

/// The sandbox's currency, BILLING_CURRENCY's default.
pub(crate) const CURRENCY: &str = "RUB";
const REASON: &str = "given in the sandbox";

/// A client with the role `admin`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Operator {
    /// All of BillingService.
    pub billing: BillingClient,
    /// All of AdminService.
    pub admin: AdminClient,
    /// What an administrator may read of PaymentService.
    pub payments: PaymentClient,
    /// All of EventService.
    pub events: EventClient,
}

impl Operator {
    /// Connects at the first call.
    ///
    /// # Errors
    /// The URL is none.
    pub fn new(url: &str, token: SecretString) -> Result<Self, ClientError> {
        let mut config = ClientConfig::new(url, Some(token));
        config.deadline = Duration::from_secs(5);
        let connection = Connection::new(&config)?;
        Ok(Self {
            billing: BillingClient::over(&connection),
            admin: AdminClient::over(&connection),
            payments: PaymentClient::over(&connection),
            events: EventClient::over(&connection),
        })
    }

    /// What a user has.
    ///
    /// # Errors
    /// billing-svc refused, or did not answer.
    pub async fn user(&self, user_id: &str) -> Result<UserInfo, CallError> {
        let request = GetUserInfoRequest { user_id: user_id.to_owned() };
        let response = self.billing.get_user_info(request).await?;
        Ok(response.user.unwrap_or_default())
    }

    /// A user's newest operations, up to 50.
    ///
    /// # Errors
    /// billing-svc refused, or did not answer.
    pub async fn operations(&self, user_id: &str) -> Result<Vec<Operation>, CallError> {
        let request = ListOperationsRequest { user_id: user_id.to_owned(), ..Default::default() };
        Ok(self.billing.list_operations(request).await?.operations)
    }

    /// A user's newest payments, up to 50.
    ///
    /// # Errors
    /// billing-svc refused, or did not answer.
    pub async fn payments_of(&self, user_id: &str) -> Result<Vec<Payment>, CallError> {
        let request = ListPaymentsRequest { user_id: user_id.to_owned(), ..Default::default() };
        Ok(self.payments.list_payments(request).await?.payments)
    }

    /// A user's newest entries, up to 50.
    ///
    /// # Errors
    /// billing-svc refused, or did not answer.
    pub async fn entries(&self, user_id: &str) -> Result<Vec<Entry>, CallError> {
        let request = ListEntriesRequest { user_id: user_id.to_owned(), ..Default::default() };
        Ok(self.billing.list_entries(request).await?.entries)
    }

    /// Adds money to a user's own balance, or takes it when negative; in micros.
    ///
    /// # Errors
    /// It would go below zero; billing-svc refused, or did not answer.
    pub async fn adjust(&self, user_id: &str, micros: i64) -> Result<UserInfo, CallError> {
        let request = AdjustBalanceRequest {
            request_id: format!("sandbox-{}", Uuid::now_v7()),
            user_id: user_id.to_owned(),
            amount: Some(proto::money::from_micros(micros, CURRENCY)),
            reason: REASON.to_owned(),
        };
        let response = self.admin.adjust_balance(request).await?;
        Ok(response.user.unwrap_or_default())
    }

    /// Gives free operations that never expire.
    ///
    /// # Errors
    /// billing-svc refused, or did not answer.
    pub async fn grant(&self, user_id: &str, operations: i64) -> Result<UserInfo, CallError> {
        let request = GrantCreditsRequest {
            request_id: format!("sandbox-{}", Uuid::now_v7()),
            user_id: user_id.to_owned(),
            credits: Some(Credits::Operations(operations)),
            kind: GrantKind::Promo.into(),
            reason: REASON.to_owned(),
            ..Default::default()
        };
        let response = self.admin.grant_credits(request).await?;
        Ok(response.user.unwrap_or_default())
    }
}
