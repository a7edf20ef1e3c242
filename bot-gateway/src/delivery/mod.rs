//! Brings the end of a job to the user, once.

use crate::{Services, telegram::send::SendError};

/// The callback data of the button that shows a result again; [`operation_of_show_callback`] reads it.
pub fn show_callback(operation_id: &str) -> String {
    format!("show:{operation_id}")
}

/// The operation of a button made with [`show_callback`].
pub fn operation_of_show_callback(data: &str) -> Option<&str> {
    data.strip_prefix("show:")
}

/// Why a result could not be shown again.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// The pictures are not kept any more, or the operation is another chat's.
    #[error("the result is gone")]
    Gone,
    /// Worth trying again.
    #[error("the result can't be fetched now")]
    Unavailable,
    /// Telegram did not take it.
    #[error(transparent)]
    Send(#[from] SendError),
}

/// Sends a result again because its user pressed the button: [`operation_of_show_callback`].
pub async fn show_again(_chat_id: i64, _operation_id: &str, _services: &Services) -> Result<(), ShowError> {
    Err(ShowError::Gone)
}
