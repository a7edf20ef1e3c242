//! Texts and keyboards of the messages that [`crate::delivery`] sends.

use std::time::Duration;

use proto::{gateway::v1::FailureReason, images::v1::JobState};
use teloxide::types::InlineKeyboardMarkup;

use crate::store::Request;

/// A message, ready to send: plain text (no parse mode) and its buttons.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// Up to 1024 characters where it is a caption, 4096 otherwise.
    pub text: String,
    /// Buttons below it.
    pub keyboard: Option<InlineKeyboardMarkup>,
}

/// The caption of the result and its buttons. `request.kind` is empty when the operation is unknown here.
pub fn success(_request: &Request, _count: usize) -> Rendered {
    Rendered { text: String::new(), keyboard: None }
}

/// Why there is no picture, and that the money is back.
pub fn failure(_request: &Request, _reason: FailureReason) -> Rendered {
    Rendered { text: String::new(), keyboard: None }
}

/// The result was perhaps sent, perhaps not: the button with the callback data
/// [`crate::delivery::show_callback`] shows it again.
pub fn interrupted(_request: &Request) -> Rendered {
    Rendered { text: String::new(), keyboard: None }
}

/// The text of «Генерирую…» after `elapsed`. `None`: the worker did not say how far the job is.
pub fn progress(_request: &Request, _elapsed: Duration, _state: Option<JobState>) -> Rendered {
    Rendered { text: String::new(), keyboard: None }
}
