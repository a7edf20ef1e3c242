//! Sends requests to Telegram through teloxide and sorts what comes back.
//!
//! What a 5xx or a timeout did is not known, so only the caller can decide whether to ask again: edits may be
//! repeated, new messages would show up twice. (On a 5xx teloxide itself waits 10 s before it answers.)

use std::time::{Duration, Instant};

use teloxide::{
    ApiError, RequestError,
    requests::{Output, Request},
};

use crate::metrics;

/// How long 429s are waited out, in total.
const MAX_WAIT: Duration = Duration::from_secs(20);

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
    /// May the same be asked again later? Whether it should be after [`SendError::Unclear`] is up to the caller.
    pub fn is_retryable(&self) -> bool {
        match self {
            SendError::Busy { .. } | SendError::Unreachable | SendError::Unclear => true,
            SendError::Blocked | SendError::Refused(_) => false,
        }
    }

    /// How long Telegram asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            SendError::Busy { retry_after } => Some(*retry_after),
            SendError::Blocked
            | SendError::Refused(_)
            | SendError::Unreachable
            | SendError::Unclear => None,
        }
    }
}

/// Sends; waits out a 429 and tries again as long as the waits sum up to at most 20 s.
pub async fn send<R>(request: R) -> Result<Output<R>, SendError>
where
    R: Request<Err = RequestError>,
{
    let started = Instant::now();
    loop {
        match request.send_ref().await.map_err(|error| sorted(&error)) {
            Err(SendError::Busy { retry_after }) if started.elapsed() + retry_after <= MAX_WAIT => {
                metrics::telegram_throttled();
                tokio::time::sleep(retry_after).await;
            }
            answer => {
                metrics::telegram_answer(answer.as_ref().err());
                return answer;
            }
        }
    }
}

/// Like [`send`], for edits: `None` when the message is already as asked.
pub async fn edit<R>(request: R) -> Result<Option<Output<R>>, SendError>
where
    R: Request<Err = RequestError>,
{
    match send(request).await {
        Ok(done) => Ok(Some(done)),
        Err(SendError::Refused(description)) if description.contains("message is not modified") => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The one place that reads teloxide's errors.
fn sorted(error: &RequestError) -> SendError {
    match error {
        RequestError::RetryAfter(seconds) => SendError::Busy { retry_after: seconds.duration() },
        RequestError::Api(error) => sorted_api(error),
        RequestError::MigrateToChatId(_) => SendError::Refused("the chat has moved".to_owned()),
        RequestError::Network(error) if error.is_connect() => SendError::Unreachable,
        // InvalidJson: a proxy's page in place of an answer, or a result of another shape.
        RequestError::Network(_) | RequestError::InvalidJson { .. } | RequestError::Io(_) => {
            SendError::Unclear
        }
    }
}

fn sorted_api(error: &ApiError) -> SendError {
    match error {
        ApiError::BotBlocked
        | ApiError::ChatNotFound
        | ApiError::UserDeactivated
        | ApiError::BotKicked
        | ApiError::BotKickedFromSupergroup
        | ApiError::BotKickedFromChannel
        | ApiError::CantInitiateConversation
        | ApiError::CantTalkWithBots => SendError::Blocked,
        // teloxide keeps the words of what it doesn't know.
        ApiError::Unknown(description) => {
            if description.starts_with("Forbidden") {
                SendError::Blocked
            } else if description.starts_with("Bad Request") {
                SendError::Refused(description.clone())
            } else {
                SendError::Unclear
            }
        }
        // Shown in Telegram's own words, e.g. "Bad Request: message is not modified…".
        known => SendError::Refused(known.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use teloxide::{ApiError, RequestError, types::Seconds};

    use super::*;

    #[test]
    fn answers_are_sorted_by_what_can_be_done() {
        let cases = [
            (ApiError::BotBlocked, SendError::Blocked),
            (ApiError::ChatNotFound, SendError::Blocked),
            (ApiError::UserDeactivated, SendError::Blocked),
            (ApiError::Unknown("Forbidden: bot is not a member".to_owned()), SendError::Blocked),
            (
                ApiError::Unknown("Bad Request: PHOTO_INVALID_DIMENSIONS".to_owned()),
                SendError::Refused("Bad Request: PHOTO_INVALID_DIMENSIONS".to_owned()),
            ),
            (ApiError::Unknown("Internal Server Error".to_owned()), SendError::Unclear),
        ];
        for (answer, expected) in cases {
            assert_eq!(sorted(&RequestError::Api(answer)), expected);
        }
        let wait = RequestError::RetryAfter(Seconds::from_seconds(3));
        assert_eq!(sorted(&wait), SendError::Busy { retry_after: Duration::from_secs(3) });
    }

    #[test]
    fn an_unchanged_message_is_known_by_its_words() {
        let SendError::Refused(words) = sorted(&RequestError::Api(ApiError::MessageNotModified))
        else {
            panic!("not refused");
        };
        assert!(words.contains("message is not modified"));
    }
}
