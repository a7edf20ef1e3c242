//! Why an update could not be handled, and which causes are worth another try.

use std::time::Duration;

use proto::{client::CallError, money::MoneyError};
use service_kit::queue::QueueError;

use crate::{store::StoreError, telegram::send::SendError};

/// Why an update could not be handled.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct BotError {
    /// For the log; holds no secret and no text of a user.
    pub message: String,
    /// Worth trying again: nothing is wrong with the update itself.
    pub retryable: bool,
    /// Not before this has passed, when the other side said so.
    pub retry_after: Option<Duration>,
}

impl BotError {
    /// Of our own making; another try won't help.
    pub(crate) fn defect(message: impl Into<String>) -> Self {
        Self { message: message.into(), retryable: false, retry_after: None }
    }

    fn passing(message: impl Into<String>, retry_after: Option<Duration>) -> Self {
        Self { message: message.into(), retryable: true, retry_after }
    }
}

impl From<StoreError> for BotError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(_) => Self::passing(error.to_string(), None),
            StoreError::Corrupt { .. } => Self::defect(error.to_string()),
        }
    }
}

impl From<QueueError> for BotError {
    fn from(error: QueueError) -> Self {
        Self::passing(format!("the inbox did not take it: {error}"), None)
    }
}

impl From<SendError> for BotError {
    fn from(error: SendError) -> Self {
        let retry_after = match error {
            SendError::Busy { retry_after } => Some(retry_after),
            SendError::Blocked
            | SendError::Refused(_)
            | SendError::Unreachable
            | SendError::Unclear => None,
        };
        Self { message: error.to_string(), retryable: error.is_retryable(), retry_after }
    }
}

impl From<CallError> for BotError {
    fn from(error: CallError) -> Self {
        // The message of the other side may echo what the user wrote: code and reason say enough.
        let message = format!("a call failed: {} {}", error.code, error.reason);
        Self { message, retryable: error.is_retryable(), retry_after: error.retry_after }
    }
}

impl From<MoneyError> for BotError {
    fn from(error: MoneyError) -> Self {
        Self::defect(format!("billing-svc answered an amount that is none: {error}"))
    }
}
