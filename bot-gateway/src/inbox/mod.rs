//! The durable queue between Telegram and the conversation.
//!
//! [`poller`] or [`webhook`] store raw updates before Telegram is told that they were taken; [`dispatcher`]
//! claims them and hands each to [`crate::bot`]. Items of one chat are handled in order, one at a time; chats
//! don't wait for each other. An item is handled at least once, so handlers are idempotent under
//! [`Origin::request_id`], and every try is part of the trace that its update began. Updates about money go to [`crate::payments`]: what Telegram asks before a payment has a
//! queue of its own.

pub mod dispatcher;
pub mod poller;
mod update;
pub mod webhook;

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service_kit::queue::{Enqueued, Queue, QueueError};
use tracing::{Instrument, field};

use update::RawUpdate;

/// The queue's table.
pub const TABLE: &str = "inbox";

/// Where an update came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Telegram's id of the update.
    pub update_id: i64,
    /// The bot that got it.
    pub bot_id: u64,
    /// Which try this is, from 1.
    pub attempt: u32,
}

impl Origin {
    /// The id under which this update charges: the same whenever the update comes again.
    pub fn request_id(&self) -> String {
        format!("tg-{}-{}", self.bot_id, self.update_id)
    }
}

/// A delayed item of the conversation's own, e.g. "the album is complete".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tick {
    /// The same id of the same chat is scheduled once: later calls change nothing. 1 to 128 characters.
    pub id: String,
    /// The chat whose turn it takes.
    pub chat_id: i64,
    /// For whoever handles it.
    pub data: Value,
}

/// What a row of the queue holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Item {
    /// As Telegram sent it.
    Update(Value),
    /// Scheduled by the conversation.
    Tick(Tick),
}

/// Puts items into the queue. Cheap to clone.
#[derive(Clone)]
pub struct Inbox {
    queue: Queue,
    checkouts: Queue,
    bot_id: u64,
}

impl Inbox {
    /// Over the tables [`TABLE`] and [`crate::payments::checkout::TABLE`] of the gateway's database.
    pub fn new(queue: Queue, checkouts: Queue, bot_id: u64) -> Self {
        Inbox { queue, checkouts, bot_id }
    }

    /// Hands `tick` to [`crate::bot::tick`] once `after` has passed, in the turn of its chat; survives a restart.
    /// Items that come in meanwhile don't wait for it.
    pub async fn schedule(&self, tick: Tick, after: Duration) -> Result<Enqueued, QueueError> {
        let id = format!("tick-{}-{}", tick.chat_id, tick.id);
        let key = tick.chat_id.to_string();
        let run_at = SystemTime::now() + after;
        self.queue.enqueue(&id, Some(&key), &json!({ "tick": tick }), Some(run_at)).await
    }

    /// Keeps an update under its id; durable when this answers. A trace begins here, and goes on when the update is handled:
    /// whoever sent the request that brought it is a stranger to our traces. `by` says how it came.
    async fn store(&self, update: RawUpdate, by: &'static str) -> Result<Enqueued, QueueError> {
        let span = tracing::info_span!(
            parent: None,
            "update",
            otel.name = "telegram update",
            otel.kind = "producer",
            update_id = update.id,
            by,
            new = field::Empty
        );
        let stored = self.put(update).instrument(span.clone()).await?;
        span.record("new", matches!(stored, Enqueued::New));
        Ok(stored)
    }

    async fn put(&self, update: RawUpdate) -> Result<Enqueued, QueueError> {
        let id = Origin { update_id: update.id, bot_id: self.bot_id, attempt: 0 }.request_id();
        let payload = json!({ "update": update.json });
        let queue = if update.is_urgent { &self.checkouts } else { &self.queue };
        queue.enqueue(&id, update.key.as_deref(), &payload, None).await
    }
}
