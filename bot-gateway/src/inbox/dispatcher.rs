//! Hands the items of the inbox to the conversation, and what Telegram says about money to [`stars`].
//!
//! A handler that fails in a retryable way comes again after a growing pause, up to [`MAX_ATTEMPTS`] times; its chat
//! waits for it. What fails for good is kept as dead, and the chat is told so.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt;
use serde_json::Value;
use service_kit::queue::{Leased, Queue};
use teloxide::types::{Update, UpdateKind};

use super::{Item, Origin};
use crate::{
    Services,
    bot::{self, BotError},
    lane::{Handler, Lane, Verdict},
    payments::stars,
};

/// How often an item is tried.
pub const MAX_ATTEMPTS: u32 = 10;

/// Short: on PostgreSQL an update of a killed gateway is taken up again after this.
const LEASE: Duration = Duration::from_secs(30);
/// No handler waits for a picture; one that takes this long hangs.
const MAX_HANDLING: Duration = Duration::from_secs(300);

/// The lane of the inbox.
pub fn lane(queue: Queue, services: Services, concurrency: usize) -> Lane<impl Handler> {
    Lane { name: super::TABLE, queue, handler: Dispatcher { services }, concurrency, lease: LEASE }
}

struct Dispatcher {
    services: Services,
}

impl Handler for Dispatcher {
    async fn handle(&self, _queue: &Queue, item: &Leased) -> Verdict {
        let services = &self.services;
        let (origin, handled) = match serde_json::from_value::<Item>(item.payload.clone()) {
            Ok(Item::Update(json)) => {
                if let Some(told) = stars::of_update(&json) {
                    return stars::settle(told, item, services).await;
                }
                let Some((update, origin)) = decode(&json, services.bot_id, item.attempt) else {
                    // Not understood now, not understood later; told to nobody.
                    return Verdict::Dead(format!("an update with the fields {}", shape(&json)));
                };
                let handler = bot::handle(update, origin.clone(), services);
                (Some(origin), guarded(handler).await)
            }
            Ok(Item::Tick(tick)) => (None, guarded(bot::tick(tick, services)).await),
            Err(error) => return Verdict::Dead(error.to_string()),
        };
        match handled {
            Ok(()) => Verdict::Done,
            Err(BotError { message, retryable: true, retry_after })
                if item.attempt < MAX_ATTEMPTS =>
            {
                Verdict::Retry { why: message, pause: retry_after.unwrap_or_default() }
            }
            Err(error) => {
                give_up(item, origin.as_ref(), services).await;
                Verdict::Dead(error.message)
            }
        }
    }
}

/// A handler that panics or hangs is a failed one: the other chats go on.
async fn guarded(handler: impl Future<Output = Result<(), BotError>>) -> Result<(), BotError> {
    let failed = |message: &str| BotError {
        message: message.to_owned(),
        retryable: true,
        retry_after: None,
    };
    match tokio::time::timeout(MAX_HANDLING, AssertUnwindSafe(handler).catch_unwind()).await {
        Ok(Ok(handled)) => handled,
        Ok(Err(_panic)) => Err(failed("the handler panicked")),
        Err(_elapsed) => Err(failed("the handler took too long")),
    }
}

fn decode(json: &Value, bot_id: u64, attempt: u32) -> Option<(Update, Origin)> {
    let update_id = json.get("update_id")?.as_i64()?;
    // Through text: teloxide's own deserializers are only used, and tested, that way.
    let update: Update = serde_json::from_str(&json.to_string()).ok()?;
    if matches!(update.kind, UpdateKind::Error(_)) {
        return None;
    }
    Some((update, Origin { update_id, bot_id, attempt }))
}

/// The names of an update's fields: its values are a user's.
fn shape(json: &Value) -> String {
    let names = json.as_object().into_iter().flat_map(|object| object.keys().map(String::as_str));
    names.collect::<Vec<_>>().join(", ")
}

async fn give_up(item: &Leased, origin: Option<&Origin>, services: &Services) {
    let Some(chat_id) = item.key.as_deref().and_then(|key| key.parse().ok()) else { return };
    if let Err(error) = guarded(bot::give_up(chat_id, origin, services)).await {
        tracing::error!(item = item.id, %error, "the chat could not be told");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_of_a_future_kind_is_not_understood() {
        let json = serde_json::json!({"update_id": 5, "telepathy": {"chat": {"id": 1}}});
        assert!(decode(&json, 1, 1).is_none());
    }
}
