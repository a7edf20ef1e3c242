//! Long polling: asks Telegram for updates and keeps them.
//!
//! The offset, which tells Telegram what it may forget, moves only when the rows are durable; after a crash
//! Telegram sends the same updates again and their ids are known. Several gateways may poll for one bot: Telegram
//! serves one at a time and answers 409 to the others, which then wait a random while.

use std::time::Duration;

use rand::RngExt;
use serde_json::{Value, json};
use service_kit::queue::{Enqueued, QueueError};
use tokio_util::sync::CancellationToken;

use super::{Inbox, update::RawUpdate};
use crate::{
    metrics,
    telegram::{ALLOWED_UPDATES, Api, ApiError},
};

/// How long Telegram holds an empty answer back: shorter than the client's timeout of 17 s.
const HOLD: Duration = Duration::from_secs(12);
/// Updates per answer.
const LIMIT: u32 = 100;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long the loser of a conflict waits, in milliseconds.
const CONFLICT_PAUSE: std::ops::Range<u64> = 3_000..10_000;

#[derive(Debug, thiserror::Error)]
enum PollError {
    #[error(transparent)]
    Telegram(#[from] ApiError),
    #[error("an update could not be stored: {0}")]
    Store(#[from] QueueError),
}

/// Polls until `shutdown`.
pub async fn run(api: Api, inbox: Inbox, shutdown: CancellationToken) {
    let mut offset: Option<i64> = None;
    let mut pause = FIRST_PAUSE;
    loop {
        let polled = tokio::select! {
            polled = poll(&api, &inbox, offset) => polled,
            // What this poll would have answered was not confirmed: Telegram keeps it.
            () = shutdown.cancelled() => return,
        };
        let wait = match polled {
            Ok(next) => {
                offset = next;
                pause = FIRST_PAUSE;
                continue;
            }
            Err(error) => wait_after(&error, pause),
        };
        pause = (pause * 2).min(LONGEST_PAUSE);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// One poll; answers the next offset.
async fn poll(api: &Api, inbox: &Inbox, offset: Option<i64>) -> Result<Option<i64>, PollError> {
    let mut body =
        json!({ "timeout": HOLD.as_secs(), "limit": LIMIT, "allowed_updates": ALLOWED_UPDATES });
    if let Some(offset) = offset {
        body["offset"] = json!(offset);
    }
    let updates: Vec<Value> = api.call("getUpdates", &body).await?;
    let mut next = offset;
    for json in updates {
        let Some(update) = RawUpdate::parse(json) else {
            // Telegram promises an id; without it there is nothing to confirm and nothing to keep.
            tracing::error!("telegram sent something without an update_id");
            continue;
        };
        let id = update.id;
        let stored = inbox.store(update, "polling").await?;
        metrics::update_stored("polling", matches!(stored, Enqueued::New));
        next = Some(next.map_or(id + 1, |next| next.max(id + 1)));
    }
    Ok(next)
}

fn wait_after(error: &PollError, pause: Duration) -> Duration {
    match error {
        PollError::Telegram(refused) if refused.is_conflict() => {
            metrics::poll_failed("conflict");
            let wait = Duration::from_millis(rand::rng().random_range(CONFLICT_PAUSE));
            tracing::warn!(error = %refused, ?wait, "another program polls for this bot");
            wait
        }
        PollError::Telegram(ApiError::Refused { retry_after: Some(wait), .. }) => {
            metrics::poll_failed("throttled");
            *wait
        }
        PollError::Telegram(error) => {
            let reason =
                if matches!(error, ApiError::Refused { .. }) { "refused" } else { "unavailable" };
            metrics::poll_failed(reason);
            tracing::warn!(%error, ?pause, "polling failed, trying again");
            pause
        }
        PollError::Store(error) => {
            metrics::poll_failed("store");
            tracing::error!(%error, ?pause, "updates could not be stored, trying again");
            pause
        }
    }
}
