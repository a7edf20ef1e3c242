//! Claims items from the queue and hands them to the conversation.
//!
//! At most `concurrency` items at once, each under a lease that is kept alive while its handler runs. A handler that
//! fails in a retryable way comes again after a growing pause, up to [`MAX_ATTEMPTS`] times; its chat waits for it.
//! What fails for good is kept as dead, and the chat is told so. A gateway that was killed lets go of its items when
//! their leases run out, on a SQLite file when the next one starts.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use futures::FutureExt;
use serde_json::Value;
use service_kit::queue::{End, Held, Leased, Queue, QueueError};
use teloxide::types::{Update, UpdateKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Item, Origin};
use crate::{
    Services,
    bot::{self, BotError},
    metrics,
};

/// How often an item is tried.
pub const MAX_ATTEMPTS: u32 = 10;

/// Short: on PostgreSQL an update of a killed gateway is taken up again after this.
const LEASE: Duration = Duration::from_secs(30);
const HEARTBEAT: Duration = Duration::from_secs(10);
/// No handler waits for a picture; one that takes this long hangs.
const MAX_HANDLING: Duration = Duration::from_secs(300);
/// How often the queue is looked at when nothing in this process says that there is something.
const POLL: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Takes items until `shutdown`, then answers once those at hand are done.
pub async fn run(
    queue: Queue,
    services: Services,
    concurrency: usize,
    shutdown: CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(concurrency));
    let handlers = TaskTracker::new();
    loop {
        let first = tokio::select! {
            permit = Arc::clone(&permits).acquire_owned() => permit,
            () = shutdown.cancelled() => break,
        };
        let Ok(first) = first else { break };
        let idle = match claim(first, &queue, &services, &permits, &handlers).await {
            Ok(taken) => taken == 0,
            Err(error) => {
                tracing::error!(%error, "the inbox can't be read");
                tokio::time::sleep(POLL).await;
                false
            }
        };
        if idle {
            tokio::select! {
                () = queue.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }
    handlers.close();
    handlers.wait().await;
}

/// Starts what is due, as much as there is room for; answers how many.
async fn claim(
    first: OwnedSemaphorePermit,
    queue: &Queue,
    services: &Services,
    permits: &Arc<Semaphore>,
    handlers: &TaskTracker,
) -> Result<usize, QueueError> {
    let mut room = vec![first];
    while let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
        room.push(permit);
    }
    let limit = u32::try_from(room.len()).unwrap_or(u32::MAX);
    let items = queue.claim(limit, LEASE).await?;
    let taken = items.len();
    for (item, permit) in items.into_iter().zip(room) {
        let (queue, services) = (queue.clone(), services.clone());
        handlers.spawn(async move {
            handle(&queue, item, &services).await;
            drop(permit);
        });
    }
    Ok(taken)
}

/// What is to become of an item.
enum Verdict {
    Done,
    Retry(BotError),
    Dead {
        why: String,
        origin: Option<Origin>,
    },
    /// Not understood now, not understood later; told to nobody.
    Unreadable(String),
    /// The lease ran out: another gateway has it.
    Lost,
}

async fn handle(queue: &Queue, item: Leased, services: &Services) {
    let started = Instant::now();
    let verdict = tokio::select! {
        verdict = judge(&item, services) => verdict,
        () = keep(queue, &item) => Verdict::Lost,
    };
    let end = match verdict {
        Verdict::Done => settle(queue, &item, End::Done).await.map(|held| ("done", held)),
        Verdict::Retry(error) => {
            let pause = error.retry_after.unwrap_or_default().max(pause_after(item.attempt));
            tracing::warn!(item = item.id, attempt = item.attempt, %error, ?pause, "handling failed, trying again");
            let again = queue.reschedule(&item, SystemTime::now() + pause, &item.payload, false);
            again.await.map(|held| ("retry", held))
        }
        Verdict::Dead { why, origin } => {
            tracing::error!(
                item = item.id,
                attempt = item.attempt,
                why,
                "handling failed for good"
            );
            give_up(&item, origin.as_ref(), services).await;
            settle(queue, &item, End::Dead).await.map(|held| ("dead", held))
        }
        Verdict::Unreadable(what) => {
            tracing::error!(item = item.id, what, "not understood");
            settle(queue, &item, End::Dead).await.map(|held| ("dead", held))
        }
        Verdict::Lost => Ok(("lost", Held::Lost)),
    };
    match end {
        Ok((end, Held::Yes)) => metrics::item_handled(end, started.elapsed()),
        Ok((_, Held::Lost)) => {
            tracing::warn!(item = item.id, "the lease ran out; it will be handled again")
        }
        Err(error) => {
            tracing::error!(item = item.id, %error, "the inbox can't be written; the item will come again")
        }
    }
}

async fn settle(queue: &Queue, item: &Leased, end: End) -> Result<Held, QueueError> {
    queue.finish(item, end, &item.payload).await
}

/// Runs the handler of one item.
async fn judge(item: &Leased, services: &Services) -> Verdict {
    let parsed = serde_json::from_value::<Item>(item.payload.clone());
    let (origin, handled) = match parsed {
        Ok(Item::Update(json)) => {
            let Some((update, origin)) = decode(&json, services.bot_id, item.attempt) else {
                return Verdict::Unreadable(format!("an update with the fields {}", shape(&json)));
            };
            let handler = bot::handle(update, origin.clone(), services);
            (Some(origin), guarded(handler).await)
        }
        Ok(Item::Tick(tick)) => (None, guarded(bot::tick(tick, services)).await),
        Err(error) => return Verdict::Unreadable(error.to_string()),
    };
    match handled {
        Ok(()) => Verdict::Done,
        Err(error) if error.retryable && item.attempt < MAX_ATTEMPTS => Verdict::Retry(error),
        Err(error) => Verdict::Dead { why: error.message, origin },
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

/// Answers when the lease is lost.
async fn keep(queue: &Queue, item: &Leased) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        match queue.extend(item, LEASE).await {
            Ok(Held::Yes) => {}
            Ok(Held::Lost) => return,
            // The next beat may get through; if none does, the lease runs out for everybody to see.
            Err(error) => tracing::warn!(item = item.id, %error, "a lease could not be kept"),
        }
    }
}

async fn give_up(item: &Leased, origin: Option<&Origin>, services: &Services) {
    let Some(chat_id) = item.key.as_deref().and_then(|key| key.parse().ok()) else { return };
    if let Err(error) = guarded(bot::give_up(chat_id, origin, services)).await {
        tracing::error!(item = item.id, %error, "the chat could not be told");
    }
}

/// 1 s, 2 s, 4 s… after the first, second, third try.
fn pause_after(attempt: u32) -> Duration {
    let exponent = attempt.saturating_sub(1).min(10);
    (Duration::from_secs(1) * 2_u32.pow(exponent)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute() {
        let seconds: Vec<u64> = (1..=9).map(|attempt| pause_after(attempt).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn an_update_of_a_future_kind_is_not_understood() {
        let json = serde_json::json!({"update_id": 5, "telepathy": {"chat": {"id": 1}}});
        assert!(decode(&json, 1, 1).is_none());
    }
}
