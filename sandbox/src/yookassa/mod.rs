//! A stand-in of YooKassa's API v3 for one shop, with its checkout page and its notifications.
//!
//! The shop's side is HTTP below `/v3` with Basic authentication: payments (create, get, list, capture, cancel) and
//! refunds, with YooKassa's checks, errors and idempotence: the same key answers as it was answered then, the same key
//! with another body is refused. The payer's side is the page at `confirmation_url`, or [`YookassaStandIn::pay`] and its
//! like. The shop's webhook is told of payments that were paid or canceled and of refunds that succeeded, again and again
//! until it answers 200.
//!
//! What differs from the real one: an idempotence key is remembered for ever, the shop's name and limits are made up, no
//! receipt is registered anywhere, and a payment that is not paid stays pending until it is expired by hand. YooKassa's
//! API has no object for a chargeback: it shows as a refund that the shop did not ask for, and so does
//! [`YookassaStandIn::dispute`].
//!
//! What can be made to go wrong: [`YookassaStandIn::fail_next`], [`YookassaStandIn::hold_notifications`],
//! [`YookassaStandIn::drop_notifications`], [`YookassaStandIn::forge`], [`YookassaStandIn::pay_other`],
//! [`YookassaStandIn::move_to_shop`].
//!
//! State is in memory, or also in a folder ([`YookassaStandIn::open`]).

pub(crate) mod amount;
mod api;
mod checkout;
mod control;
mod create;
mod list;
mod payment;
mod receipt;
mod routes;
mod state;
mod tell;

use std::path::Path;
use std::sync::Arc;

use reqwest::Client;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use api::{Call, Request};
pub use payment::Method;

pub use crate::faults::Failure;
use crate::keep::Keep;
use crate::notices;
use crate::server::{Server, url_of};
use state::State;

/// The shop's number, for `YOOKASSA_SHOP_ID`.
pub const SHOP_ID: &str = "506751";

/// Not a secret: it opens nothing but the stand-in.
const SECRET_KEY: &str = "test_stand-in-of-yookassa-in-the-sandbox";

/// A running stand-in; dropping it closes its listener.
#[derive(Debug)]
pub struct YookassaStandIn {
    world: Arc<World>,
    tasks: Vec<JoinHandle<()>>,
    _server: Server,
}

impl YookassaStandIn {
    /// Starts serving on `listener`, with state in memory only. Must be called inside a tokio runtime.
    pub fn start(listener: TcpListener) -> Self {
        let origin = url_of(&listener);
        Self::with(listener, origin, Keep::fresh())
    }

    /// Starts serving with the state kept in `folder`, which is made when missing.
    ///
    /// # Errors
    /// The folder can't be written, or what is in it can't be read.
    pub fn open(listener: TcpListener, folder: &Path) -> anyhow::Result<Self> {
        let origin = url_of(&listener);
        Self::known_as(listener, origin, folder)
    }

    /// The same, with `origin` (a scheme and who serves, without a path) in the links to its pages: for payers whose
    /// browser reaches it by another name than the listener's address.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn known_as(listener: TcpListener, origin: String, folder: &Path) -> anyhow::Result<Self> {
        Ok(Self::with(listener, origin, Keep::open(folder)?))
    }

    fn with(listener: TcpListener, origin: String, keep: Keep<State>) -> Self {
        let world = Arc::new(World { origin, keep: Arc::new(keep), client: Client::new() });
        let server = Server::start(listener, routes::router(world.clone()));
        let tasks = vec![
            tokio::spawn(notices::deliver(world.keep.clone(), |state| &mut state.outbox)),
            tokio::spawn(world.keep.clone().save()),
        ];
        Self { world, tasks, _server: server }
    }

    /// The base URL, for `YOOKASSA_API_URL`.
    pub fn url(&self) -> String {
        format!("{}/v3", self.world.origin)
    }

    /// The key that is taken with [`SHOP_ID`], for `YOOKASSA_SECRET_KEY`; any other answers 401.
    pub fn secret_key(&self) -> SecretString {
        SecretString::from(SECRET_KEY)
    }

    /// Writes what is not on the disk yet; the stand-in goes on.
    ///
    /// # Errors
    /// The folder can't be written.
    pub fn flush(&self) -> anyhow::Result<()> {
        self.world.keep.flush()
    }
}

impl Drop for YookassaStandIn {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// What all parts share.
#[derive(Debug)]
struct World {
    /// `http://address`, or the name that payers know it by.
    origin: String,
    keep: Arc<Keep<State>>,
    /// For notifications that are sent by hand.
    client: Client,
}
