//! Updates by webhook: how fast they are taken (200: durable), and how fast the inbox empties.
//!
//! Each update is the command /help in one of many chats: the gateway loads the chat's settings and answers with one
//! message, so that what is measured is the gateway, not billing. Handling begins while updates still come in.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use futures::future::try_join_all;
use hdrhistogram::Histogram;
use indicatif::ProgressBar;
use reqwest::{Client, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use super::telling::Counter;
use super::usage::{Meter, Usage};
use super::{Databases, Kind, STALL};
use crate::system::{Service, System, WEBHOOK_SECRET};

/// Chats that write in turns. Updates of one chat wait for each other, as in life.
const CHATS: u64 = 1_000;
const FIRST_CHAT: u64 = 6_000_000_000;
/// Updates before anything is measured.
const WARM_UP: u64 = 500;

/// What bot-gateway did.
#[derive(Debug, Clone, Serialize)]
pub struct Gateway {
    /// Where its inbox is.
    pub database: Kind,
    /// How many updates were sent.
    pub updates: u64,
    /// How many at once.
    pub in_flight: usize,
    /// Updates a second that were answered with 200.
    pub taken_per_second: f64,
    /// Until the 200, milliseconds.
    pub taken_p50_ms: f64,
    /// The same.
    pub taken_p99_ms: f64,
    /// How many waited in the inbox when the last one had been taken.
    pub waiting: u64,
    /// Updates a second that were handled from then on; absent where nearly none waited.
    pub emptied_per_second: Option<f64>,
    /// Updates a second that were handled, from the first that was sent to the last that was done.
    pub handled_per_second: f64,
    /// What the gateway took.
    pub usage: Usage,
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "bot-gateway, {}: {:.0} updates/s taken ({} in flight, 200 after {:.1} ms, p99 {:.1} ms), ",
            self.database.name(),
            self.taken_per_second,
            self.in_flight,
            self.taken_p50_ms,
            self.taken_p99_ms
        )?;
        if let Some(emptied) = self.emptied_per_second {
            write!(f, "{} left waiting, worked off at {emptied:.0}/s, ", self.waiting)?;
        }
        write!(f, "{:.0}/s from the first to the last; {}", self.handled_per_second, self.usage)
    }
}

/// Measures it with `updates` of them, `in_flight` at once.
///
/// # Errors
/// A service can't be started; an update was refused or given up; nothing moved for [`STALL`].
pub async fn gateway(
    databases: &Databases,
    updates: u64,
    in_flight: usize,
    progress: &ProgressBar,
) -> anyhow::Result<Gateway> {
    let system = databases.system().webhook().start().await?;
    for chat in 0..CHATS {
        system.telegram().user(i64::try_from(FIRST_CHAT + chat)?);
    }
    let handled =
        Counter::of(&system, Service::Gateway, "gateway_queue_items_total", "end=\"done\"")?;
    let webhook = Arc::new(Webhook::of(&system)?);
    webhook.send(0..WARM_UP, in_flight, &ProgressBar::hidden()).await?;
    handled.reach(WARM_UP).await?;

    let process = system.processes().id(Service::Gateway).context("bot-gateway runs")?;
    let meter = Meter::start(process)?;
    let begun = Instant::now();
    progress.set_length(updates);
    let all = WARM_UP..WARM_UP + updates;
    let latency = webhook.send(all.clone(), in_flight, progress).await?;
    let taken = begun.elapsed();
    let waiting = all.end.saturating_sub(handled.read().await?);
    handled.reach(all.end).await?;
    let done = begun.elapsed();
    let usage = meter.read()?;
    let per_second = |number: u64, time: Duration| number as f64 / time.as_secs_f64();
    let measured = Gateway {
        database: databases.kind,
        updates,
        in_flight,
        taken_per_second: per_second(updates, taken),
        taken_p50_ms: latency.value_at_quantile(0.5) as f64 / 1000.0,
        taken_p99_ms: latency.value_at_quantile(0.99) as f64 / 1000.0,
        waiting,
        emptied_per_second: (waiting * 20 > updates).then(|| per_second(waiting, done - taken)),
        handled_per_second: per_second(updates, done),
        usage,
    };
    let answered = system.telegram().calls_of("sendMessage");
    ensure!(!answered.is_empty(), "the bot answered nobody");
    ensure!(answered.iter().all(|call| call.error.is_none()), "Telegram refused an answer");
    system.shutdown().await?;
    Ok(measured)
}

/// Telegram, to the gateway.
#[derive(Debug)]
struct Webhook {
    http: Client,
    url: String,
    log: String,
}

impl Webhook {
    fn of(system: &System) -> anyhow::Result<Self> {
        let address = system.processes().address(Service::Gateway)?.http;
        let http = Client::builder().timeout(STALL).build()?;
        Ok(Self {
            http,
            url: format!("http://{address}/telegram/webhook"),
            log: system.processes().folder().join("logs").display().to_string(),
        })
    }

    /// Sends updates of these numbers, each once; answers how long each took, in microseconds.
    async fn send(
        self: &Arc<Self>,
        numbers: Range<u64>,
        in_flight: usize,
        progress: &ProgressBar,
    ) -> anyhow::Result<Histogram<u64>> {
        let next = Arc::new(AtomicU64::new(numbers.start));
        let senders = (0..in_flight).map(|_| {
            let (webhook, next, progress) = (self.clone(), next.clone(), progress.clone());
            tokio::spawn(async move {
                let mut latency = Histogram::<u64>::new(3)?;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        return anyhow::Ok(latency);
                    }
                    let begun = Instant::now();
                    webhook.post(&update(number)).await?;
                    latency.record(u64::try_from(begun.elapsed().as_micros())?)?;
                    progress.inc(1);
                }
            })
        });
        let mut all = Histogram::<u64>::new(3)?;
        for latency in try_join_all(senders).await? {
            all.add(latency?)?;
        }
        Ok(all)
    }

    async fn post(&self, update: &Value) -> anyhow::Result<()> {
        let request = self.http.post(&self.url).json(update);
        let answer = request.header("x-telegram-bot-api-secret-token", WEBHOOK_SECRET).send().await;
        let answer = answer.with_context(|| format!("bot-gateway did not answer: {}", self.log))?;
        match answer.status() {
            StatusCode::OK => Ok(()),
            status => bail!("bot-gateway answered {status} to an update"),
        }
    }
}

/// As Telegram sends it.
fn update(number: u64) -> Value {
    let chat = FIRST_CHAT + number % CHATS;
    json!({
        "update_id": 1_000_000 + number,
        "message": {
            "message_id": 1_000_000 + number,
            "date": 1_763_900_000,
            "chat": {"id": chat, "type": "private", "first_name": format!("User {chat}")},
            "from": {"id": chat, "is_bot": false, "first_name": format!("User {chat}"), "language_code": "ru"},
            "text": "/help",
            "entities": [{"type": "bot_command", "offset": 0, "length": 5}],
        },
    })
}
