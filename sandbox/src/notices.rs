//! A payment provider's notifications: kept until the shop answers 200, repeated with growing pauses, given up after a
//! day.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use reqwest::Client;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::timeout;

use crate::clock::unix_millis;
use crate::keep::Keep;

/// How many are posted at once.
const AT_ONCE: usize = 32;
/// How long the shop may take to answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// A notification is repeated for this long, in milliseconds.
const GIVEN_UP_AFTER: i64 = 24 * 3_600_000;

#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Outbox {
    /// Where notifications go; nobody is told while it is `None`.
    pub(crate) url: Option<String>,
    waiting: VecDeque<Notice>,
    next: u64,
    pub(crate) held: bool,
    pub(crate) dropping: bool,
    /// The pause before the first repetition; each further one is twice as long, up to `longest`.
    pub(crate) first_pause: Duration,
    pub(crate) longest_pause: Duration,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            url: None,
            waiting: VecDeque::new(),
            next: 1,
            held: false,
            dropping: false,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(60),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Notice {
    number: u64,
    body: Value,
    tries: u32,
    /// Unix milliseconds.
    made: i64,
    due: i64,
}

impl Outbox {
    /// Queues a notification; what it says does not change any more.
    pub(crate) fn push(&mut self, body: Value) {
        if self.dropping || self.url.is_none() {
            return;
        }
        let (number, now) = (self.next, unix_millis());
        self.next += 1;
        self.waiting.push_back(Notice { number, body, tries: 0, made: now, due: now });
    }

    /// How many the shop has not taken yet.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What is due now, or how long until something is.
    fn due(&self, now: i64) -> Result<(String, Vec<Notice>), Option<Duration>> {
        let Some(url) = self.url.as_ref().filter(|_| !self.held) else {
            return Err(None);
        };
        let due = self.waiting.iter().filter(|notice| notice.due <= now).take(AT_ONCE);
        let due: Vec<_> = due.cloned().collect();
        if due.is_empty() {
            let soonest = self.waiting.iter().map(|notice| notice.due - now).min();
            return Err(soonest
                .and_then(|wait| u64::try_from(wait).ok())
                .map(Duration::from_millis));
        }
        Ok((url.clone(), due))
    }

    fn tried(&mut self, number: u64, taken: bool, now: i64) {
        let (first, longest) = (self.first_pause, self.longest_pause);
        self.waiting.retain_mut(|notice| {
            if notice.number != number {
                return true;
            }
            let pause = first.saturating_mul(1 << notice.tries.min(20)).min(longest);
            notice.tries += 1;
            notice.due = now + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX / 2);
            !taken && notice.due - notice.made < GIVEN_UP_AFTER
        });
    }
}

/// Posts what is due until its task is ended.
pub(crate) async fn deliver<S>(keep: Arc<Keep<S>>, outbox: fn(&mut S) -> &mut Outbox)
where
    S: Default + Serialize + DeserializeOwned,
{
    let client = Client::new();
    let mut changes = keep.changes();
    loop {
        changes.mark_unchanged();
        let due = outbox(&mut keep.state()).due(unix_millis());
        match due {
            Ok((url, notices)) => {
                let posts = notices.into_iter().map(|notice| {
                    let (client, url) = (&client, &url);
                    async move {
                        let body = notice.body.to_string();
                        (notice.number, post(client, url, body.into_bytes()).await == 200)
                    }
                });
                let tried = join_all(posts).await;
                keep.change(|state| {
                    let now = unix_millis();
                    for (number, taken) in tried {
                        outbox(state).tried(number, taken, now);
                    }
                });
            }
            Err(wait) => {
                let wait = wait.unwrap_or(DEADLINE);
                if let Ok(Err(_)) = timeout(wait, changes.changed()).await {
                    return;
                }
            }
        }
    }
}

/// Posts one body; answers the status, 0 for no answer.
pub(crate) async fn post(client: &Client, url: &str, body: Vec<u8>) -> u16 {
    let request = client.post(url).timeout(DEADLINE).header("content-type", "application/json");
    match request.body(body).send().await {
        Ok(response) => response.status().as_u16(),
        Err(_) => 0,
    }
}
