//! Client of bot-gateway.

use super::{
    CallError, ClientConfig, ClientError,
    billing::unary,
    connection::{Authorized, Connection},
};
use crate::gateway::v1::{
    DeliverResultRequest, DeliverResultResponse,
    delivery_service_client::DeliveryServiceClient as DeliveryStub,
};

/// Hands a job's end to the user. Cheap to clone; all clones share a connection.
#[derive(Debug, Clone)]
pub struct DeliveryClient(Connection);

impl DeliveryClient {
    /// Connects at the first call. The other side fetches the pictures and waits for Telegram: give a deadline of
    /// minutes rather than the usual seconds.
    pub fn new(config: &ClientConfig) -> Result<Self, ClientError> {
        Ok(Self(Connection::new(config)?))
    }

    /// Over connections that other clients of the same service use as well.
    pub fn over(connection: &Connection) -> Self {
        Self(connection.clone())
    }

    unary! { DeliveryStub:
        /// Sends the pictures, or says what went wrong. Answers once Telegram took it.
        deliver_result(DeliverResultRequest) -> DeliverResultResponse;
    }
}
