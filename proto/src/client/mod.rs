//! Typed clients of the three services.
//!
//! Every call has a deadline for each attempt and is repeated as it is (the very same request, so the same `request_id`
//! or `operation_id`) after a failure that another try may mend: the servers answer a repeated request with what was
//! done the first time. At most [`MAX_TRIES`] tries, the last one begun within [`RETRY_WINDOW`], with growing pauses and
//! jitter. A connection is made at the first call and kept alive with HTTP/2 pings: without them a peer that vanished
//! silently is never left.

mod billing;
mod connection;
mod delivery;
mod error;
mod images;
mod payments;

use std::time::Duration;

use secrecy::SecretString;

pub use billing::{AdminClient, BillingClient};
pub use connection::ClientError;
pub use delivery::DeliveryClient;
pub use error::CallError;
pub use images::{ImagesClient, MAX_CHUNK_BYTES, MAX_RESULT_BYTES, Picture};
pub use payments::{EventClient, PaymentClient, PromotionClient};

/// How often a call is sent before its last error is the caller's.
pub const MAX_TRIES: usize = 5;
/// No further try begins this long after the first.
pub const RETRY_WINDOW: Duration = Duration::from_secs(20);

/// Where a service is and how to speak to it.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// `http://host:port`.
    pub url: String,
    /// Sent as `authorization: Bearer …` when there is one.
    pub token: Option<SecretString>,
    /// For each attempt of a call, or of opening a stream.
    pub deadline: Duration,
}

impl ClientConfig {
    /// With a deadline of 10 seconds.
    pub fn new(url: impl Into<String>, token: Option<SecretString>) -> Self {
        Self { url: url.into(), token, deadline: Duration::from_secs(10) }
    }
}
