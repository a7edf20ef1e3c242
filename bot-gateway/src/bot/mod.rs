//! The conversation: what users see and may do.

pub mod commands;
pub mod render;

use std::time::Duration;

use teloxide::types::Update;

use crate::{
    Services,
    inbox::{Origin, Tick},
};

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

/// Handles one update. It may come again after a crash or a retryable error: everything done here is
/// idempotent under `origin.request_id()`.
pub async fn handle(_update: Update, _origin: Origin, _services: &Services) -> Result<(), BotError> {
    Ok(())
}

/// Handles a delayed item that this module scheduled with [`crate::inbox::Inbox::schedule`].
pub async fn tick(_tick: Tick, _services: &Services) -> Result<(), BotError> {
    Ok(())
}

/// Called once when an update failed for good (`origin`) or a tick did (`None`): apologizes to the chat in its
/// language and gives back what was charged under `origin.request_id()` and not handed over.
pub async fn give_up(_chat_id: i64, _origin: Option<&Origin>, _services: &Services) -> Result<(), BotError> {
    Ok(())
}
