//! Typed clients of the three services.
//!
//! Every call has a deadline for each attempt and is repeated as it is (the very same request, so the same `request_id`
//! or `operation_id`) after a failure that another try may mend: the servers answer a repeated request with what was
//! done the first time. At most [`MAX_TRIES`] tries, the last one begun within [`RETRY_WINDOW`], with growing pauses and
//! jitter.
//!
//! A service may have many addresses: several URLs, names that stand for several, or both. Calls take turns at those that
//! work, and a retry goes to another one. Connections are made at the first call and kept alive with HTTP/2 pings: without
//! them a peer that vanished silently is never left. Tokens and certificates that come from files are read again when the
//! files change.
//!
//! A call fails with a [`CallError`], and what refused it is [`CallError::refusal`]. [`BillingClient::guard`] is for handlers
//! that have to be paid for.

mod bearer;
mod billing;
mod connection;
mod credentials;
mod delivery;
mod error;
mod guard;
mod images;
mod payments;
mod pool;
mod refusal;
mod rotation;
mod target;
mod trace;
mod variables;

use std::time::Duration;

use secrecy::SecretString;

pub use billing::{AdminClient, BillingClient};
pub use connection::{ClientError, Connection};
pub use credentials::{ClientIdentity, ClientTls, Token};
pub use delivery::DeliveryClient;
pub use error::CallError;
pub use guard::GuardError;
pub use images::{ImagesClient, MAX_CHUNK_BYTES, MAX_RESULT_BYTES, Picture};
pub use payments::{EventClient, PaymentClient, PromotionClient};
pub use refusal::{Limit, Refusal};
pub use variables::{VariableError, Variables};

/// How often a call is sent before its last error is the caller's.
pub const MAX_TRIES: usize = 5;
/// No further try begins this long after the first.
pub const RETRY_WINDOW: Duration = Duration::from_secs(20);

/// Where a service is and how to speak to it.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// `http://host:port` or `https://host:port`, or several of them separated by commas. Each host may stand for several
    /// addresses; they are looked up again every few seconds.
    pub url: String,
    /// Sent as `authorization: Bearer …` when there is one.
    pub token: Option<Token>,
    /// For `https://`; not used for `http://`.
    pub tls: Option<ClientTls>,
    /// For each attempt of a call, or of opening a stream.
    pub deadline: Duration,
}

impl ClientConfig {
    /// Without TLS, with a deadline of 10 seconds.
    pub fn new(url: impl Into<String>, token: Option<SecretString>) -> Self {
        let token = token.map(Token::Plain);
        Self { url: url.into(), token, tls: None, deadline: Duration::from_secs(10) }
    }

    /// Checks the URLs, and reads the files; nothing is looked up or connected to.
    ///
    /// # Errors
    /// What a client made of this would refuse.
    pub fn check(&self) -> Result<(), ClientError> {
        pool::Pool::check(self)
    }
}
