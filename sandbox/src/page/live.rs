//! The stream of what the page shows. An event is a whole snapshot: nothing to merge, nothing to miss.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_stream::wrappers::ReceiverStream;

use super::events::Events;
use super::{Stage, faults, money};

/// How old the shown money may be; billing-svc has no stream of one user's balance.
const MONEY_EVERY: Duration = Duration::from_millis(600);

#[derive(Debug, Deserialize)]
pub(super) struct Watched {
    user: i64,
}

/// Events `chat`, `faults`, `money` and `events` of one user.
pub(super) async fn events(
    State(stage): State<Arc<Stage>>,
    Extension(events): Extension<Arc<Events>>,
    Query(watched): Query<Watched>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (sender, receiver) = mpsc::channel(8);
    tokio::spawn(async move {
        // Ends when the browser has gone: nobody is left to be told.
        let feed = Feed::new(stage, events, watched.user, sender);
        feed.run().await.unwrap_or_default();
    });
    Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::default())
}

/// The browser has gone.
struct Gone;

struct Feed {
    stage: Arc<Stage>,
    happened: Arc<Events>,
    user: i64,
    sender: mpsc::Sender<Result<Event, Infallible>>,
    chat: Value,
    faults: Value,
    money: Value,
    events: Value,
}

impl Feed {
    fn new(
        stage: Arc<Stage>,
        happened: Arc<Events>,
        user: i64,
        sender: mpsc::Sender<Result<Event, Infallible>>,
    ) -> Self {
        let (chat, faults, money, events) = Default::default();
        Self { stage, happened, user, sender, chat, faults, money, events }
    }

    async fn run(mut self) -> Result<(), ()> {
        let mut changes = match &self.stage.telegram {
            Some(telegram) => telegram.changes(),
            None => watch::Sender::new(0).subscribe(),
        };
        let mut money_due = Instant::now();
        loop {
            changes.mark_unchanged();
            self.tell().await.map_err(|Gone| ())?;
            if Instant::now() >= money_due {
                let money = money::snapshot(&self.stage, self.user).await;
                if money != self.money {
                    self.send("money", &money).await.map_err(|Gone| ())?;
                    self.money = money;
                }
                money_due = Instant::now() + MONEY_EVERY;
            }
            tokio::select! {
                changed = changes.changed() => {
                    if changed.is_err() {
                        sleep_until(money_due).await;
                    }
                }
                () = sleep_until(money_due) => {}
                () = self.sender.closed() => return Err(()),
            }
        }
    }

    /// Sends the chat, the faults and what happened where they changed.
    async fn tell(&mut self) -> Result<(), Gone> {
        let chat = match &self.stage.telegram {
            Some(telegram) => {
                let mut chat = telegram.user(self.user).chat();
                let language = chat["user"]["language_code"].as_str().unwrap_or_default();
                let commands = telegram.commands(language);
                chat["commands"] = commands;
                chat
            }
            None => json!({ "real": true }),
        };
        if chat != self.chat {
            self.send("chat", &chat).await?;
            self.chat = chat;
        }
        let faults = faults::shown(&self.stage);
        if faults != self.faults {
            self.send("faults", &faults).await?;
            self.faults = faults;
        }
        let events = json!(self.happened.of(&money::user_id(self.user)));
        if events != self.events {
            self.send("events", &events).await?;
            self.events = events;
        }
        Ok(())
    }

    async fn send(&self, name: &str, data: &Value) -> Result<(), Gone> {
        let event = Event::default().event(name).data(data.to_string());
        self.sender.send(Ok(event)).await.map_err(|_| Gone)
    }
}
