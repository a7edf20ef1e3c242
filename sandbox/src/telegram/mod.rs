//! A stand-in of Telegram's Bot API for one bot and any number of users in private chats.
//!
//! The bot's side is HTTP, `/bot<token>/<method>` and `/file/bot<token>/<path>`, with the answers, limits and error
//! texts of the real thing; updates go by long polling or by webhook, in order, until they are confirmed. The users'
//! side is [`TelegramUser`]: what a person does in the app, and what they see. A picture that the bot sends is kept as
//! it is, where Telegram compresses it; a picture that a user sends is made a JPEG, as there.
//!
//! What can be made to go wrong: [`TelegramStandIn::fail_next`], [`TelegramStandIn::deliver_twice`],
//! [`TelegramUser::block`]. Every call is kept for tests ([`TelegramStandIn::calls`]).
//!
//! State is in memory, or also in a folder ([`TelegramStandIn::open`]), so that a restart keeps the chats.
//! Payments are in Stars only, and a payer never runs out of them. Not there: groups, channels, inline mode, other
//! currencies, subscriptions, reply keyboards, MarkdownV2.

mod api;
mod chat;
mod disk;
mod edit;
mod failure;
mod files;
mod markup;
mod params;
mod payer;
mod polling;
mod routes;
mod seen;
mod send;
mod stars;
mod updates;
mod user;
mod webhook;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use api::Call;
pub use failure::Failure;
pub use payer::NotPaid;
pub use seen::{Button, NoSuchButton, NotSeen, Seen, SeenInvoice};
pub use user::TelegramUser;

use crate::server::{Server, url_of};
use chat::State;
use disk::Disk;

/// The bot's id, the part of the token before the colon.
pub const BOT_ID: i64 = 7_000_000_001;

/// Not a secret: it opens nothing but the stand-in.
const TOKEN: &str = "7000000001:AAstand-in-of-telegram-in-the-sandbx";

/// A running stand-in; dropping it closes its listener.
#[derive(Debug)]
pub struct TelegramStandIn {
    world: Arc<World>,
    tasks: Vec<JoinHandle<()>>,
    _server: Server,
}

impl TelegramStandIn {
    /// Starts serving on `listener`, with state in memory only. Must be called inside a tokio runtime.
    pub fn start(listener: TcpListener) -> Self {
        Self::with(listener, State::default(), None)
    }

    /// Starts serving with the state kept in `folder`, which is made when missing.
    ///
    /// # Errors
    /// The folder can't be written, or what is in it can't be read.
    pub fn open(listener: TcpListener, folder: &Path) -> anyhow::Result<Self> {
        let disk = Disk::open(folder)?;
        let state = disk.load()?;
        Ok(Self::with(listener, state, Some(disk)))
    }

    fn with(listener: TcpListener, state: State, disk: Option<Disk>) -> Self {
        let world = Arc::new(World {
            url: url_of(&listener),
            state: Mutex::new(state),
            version: watch::Sender::new(0),
            disk,
        });
        let server = Server::start(listener, routes::router(world.clone()));
        let mut tasks = vec![tokio::spawn(webhook::deliver(world.clone()))];
        if world.disk.is_some() {
            tasks.push(tokio::spawn(disk::keep(world.clone())));
        }
        Self { world, tasks, _server: server }
    }

    /// The base URL, for `TELEGRAM_API_URL`.
    pub fn url(&self) -> String {
        self.world.url.clone()
    }

    /// The bot's token, for `TELEGRAM_BOT_TOKEN`; any other answers 401.
    pub fn token(&self) -> SecretString {
        SecretString::from(TOKEN)
    }

    /// The user with this id, made when missing, with Russian as their language.
    pub fn user(&self, id: i64) -> TelegramUser {
        self.user_named(id, &format!("User {id}"), "ru")
    }

    /// The user with this id; name and language take effect when the user is made.
    pub fn user_named(&self, id: i64, first_name: &str, language_code: &str) -> TelegramUser {
        self.world.change(|state| state.ensure_chat(id, first_name, language_code));
        TelegramUser::new(self.world.clone(), id)
    }

    /// The next `times` calls of any method but getUpdates meet `failure`. `u32::MAX` is forever.
    pub fn fail_next(&self, failure: Failure, times: u32) {
        self.world.change(|state| state.plan(None, failure, times));
    }

    /// The next `times` calls of `method` meet `failure`.
    pub fn fail_method(&self, method: &str, failure: Failure, times: u32) {
        let method = method.to_lowercase();
        self.world.change(|state| state.plan(Some(method), failure, times));
    }

    /// No call fails any more.
    pub fn stop_failing(&self) {
        self.world.change(|state| state.plans.clear());
    }

    /// What [`Self::fail_next`] still has in store.
    pub fn planned(&self) -> Option<Failure> {
        self.world.state().planned()
    }

    /// The next `times` updates are each delivered twice. `u32::MAX` is forever.
    pub fn deliver_twice(&self, times: u32) {
        self.world.change(|state| state.twice = times);
    }

    /// Are updates to come delivered twice?
    pub fn delivers_twice(&self) -> bool {
        self.world.state().twice > 0
    }

    /// Delivers an update that was delivered before once more; `false` when it is not known.
    pub fn redeliver(&self, update_id: i64) -> bool {
        self.world.change(|state| state.redeliver(update_id))
    }

    /// How many updates the bot has not confirmed yet.
    pub fn unconfirmed(&self) -> usize {
        self.world.state().updates.len()
    }

    /// Every call of the bot but getUpdates, oldest first; the last 10,000.
    pub fn calls(&self) -> Vec<Call> {
        self.world.state().calls.iter().cloned().collect()
    }

    /// The calls of one method, its name in any case.
    pub fn calls_of(&self, method: &str) -> Vec<Call> {
        let method = method.to_lowercase();
        let mut calls = self.calls();
        calls.retain(|call| call.method.to_lowercase() == method);
        calls
    }

    /// The updates about the next `times` payments never come; the payers are charged and see it. `u32::MAX` is forever.
    pub fn lose_payments(&self, times: u32) {
        self.world.change(|state| state.lost_payments = times);
    }

    /// Are updates about payments to come lost?
    pub fn loses_payments(&self) -> bool {
        self.world.state().lost_payments > 0
    }

    /// How long a payment waits for the bot's answerPreCheckoutQuery; 10 seconds unless told.
    pub fn wait_for_pre_checkout(&self, wait: Duration) {
        self.world.change(|state| state.pre_checkout_wait = wait);
    }

    /// Telegram itself gives a payment's Stars back, without the bot.
    ///
    /// # Errors
    /// There is no such charge, or it was refunded.
    pub fn refund_stars(&self, charge_id: &str) -> anyhow::Result<()> {
        let refunded = self.world.change(|state| state.refund_stars(None, charge_id));
        refunded.map_err(|error| anyhow::Error::msg(error.description))
    }

    /// Stars that users have paid and not got back.
    pub fn stars_less_refunded(&self) -> i64 {
        self.world.state().stars()
    }

    /// A file's content type.
    pub fn mime_type(&self, file_id: &str) -> Option<String> {
        self.world.mime_type(file_id)
    }

    /// What a file holds that the bot or a user sent.
    pub fn file(&self, file_id: &str) -> Option<Bytes> {
        self.world.file(file_id)
    }

    /// All users' ids, names and languages, oldest first.
    pub fn users(&self) -> Vec<Value> {
        let state = self.world.state();
        state.chats.values().map(chat::Chat::user).collect()
    }

    /// The menu of commands for a language, as set by the bot.
    pub fn commands(&self, language_code: &str) -> Value {
        self.world.state().commands_for(language_code)
    }

    /// Changes with everything that happens here.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.world.version.subscribe()
    }

    /// Writes what is not on the disk yet; the stand-in goes on.
    ///
    /// # Errors
    /// The folder can't be written.
    pub fn flush(&self) -> anyhow::Result<()> {
        match &self.world.disk {
            Some(disk) => disk.save(&self.world.state()),
            None => Ok(()),
        }
    }
}

impl Drop for TelegramStandIn {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// What all parts share.
#[derive(Debug)]
struct World {
    url: String,
    state: Mutex<State>,
    version: watch::Sender<u64>,
    disk: Option<Disk>,
}

impl World {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and tells whoever waits.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.version.send_modify(|version| *version += 1);
        result
    }
}
