//! Clients of billing-svc with the gateway's token: what the bot may do with money.

use std::time::Duration;

use proto::client::{
    BillingClient, ClientConfig, ClientError, Connection, EventClient, PaymentClient,
    PromotionClient,
};
use secrecy::SecretString;

/// Clients with the role `gateway`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AsGateway {
    /// Charges, and what a user has.
    pub billing: BillingClient,
    /// Top-ups.
    pub payments: PaymentClient,
    /// Promo codes and referrals.
    pub promotions: PromotionClient,
    /// What happened.
    pub events: EventClient,
}

impl AsGateway {
    /// Connects at the first call.
    ///
    /// # Errors
    /// The URL is none.
    pub fn new(url: &str, token: SecretString) -> Result<Self, ClientError> {
        let mut config = ClientConfig::new(url, Some(token));
        config.deadline = Duration::from_secs(10);
        let connection = Connection::new(&config)?;
        Ok(Self {
            billing: BillingClient::over(&connection),
            payments: PaymentClient::over(&connection),
            promotions: PromotionClient::over(&connection),
            events: EventClient::over(&connection),
        })
    }
}
