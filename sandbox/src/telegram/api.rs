//! What every method answers: a result, or an error in Telegram's words.

use serde_json::Value;

/// A call of the bot.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// As the bot wrote it.
    pub method: String,
    /// The chat it was about, 0 for none.
    pub chat_id: i64,
    /// What came with it; a file is its size.
    pub params: Value,
    /// `None` when it was done, else Telegram's error code (0 for no answer at all).
    pub error: Option<u16>,
}

#[derive(Debug)]
pub(super) struct ApiError {
    pub(super) code: u16,
    pub(super) description: String,
    pub(super) retry_after: Option<u64>,
}

impl ApiError {
    pub(super) fn new(code: u16, description: impl Into<String>) -> Self {
        Self { code, description: description.into(), retry_after: None }
    }

    pub(super) fn bad(what: &str) -> Self {
        Self::new(400, format!("Bad Request: {what}"))
    }

    pub(super) fn blocked() -> Self {
        Self::new(403, "Forbidden: bot was blocked by the user")
    }

    pub(super) fn conflict(what: &str) -> Self {
        Self::new(409, format!("Conflict: {what}"))
    }

    pub(super) fn wrong_file() -> Self {
        Self::bad("wrong file identifier/HTTP URL specified")
    }

    pub(super) fn too_many(retry_after: u64) -> Self {
        Self {
            code: 429,
            description: format!("Too Many Requests: retry after {retry_after}"),
            retry_after: Some(retry_after),
        }
    }

    pub(super) fn internal() -> Self {
        Self::new(500, "Internal Server Error")
    }
}

pub(super) type Answer = Result<Value, ApiError>;
