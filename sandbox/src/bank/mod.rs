//! The sandbox's own bank: the smallest provider of payments that has everything, a dispute with an outcome too.
//!
//! It speaks small JSON on loopback and trusts whoever calls. `POST /payments` with `payment_id`, `amount`, `currency`,
//! `return_url` answers `id`, `status` and `confirmation_url`, once for each `payment_id`; `GET /payments/{id}` shows the
//! payment with its refunds; `GET /payments?after=&limit=` lists what changed since, oldest change first, with the
//! `cursor` to go on from; `POST /refunds` with `refund_id`, `id`, `amount` refunds, once for each `refund_id`. An error is
//! `{"error": "…"}` with 400, 404 or 409. Its notification names the payment and nothing else: `{"payment": "…"}`.
//!
//! State is in memory, or also in a folder ([`SandboxBank::open`]).

mod control;
mod pages;
mod routes;
mod state;

use std::path::Path;
use std::sync::Arc;

use reqwest::Client;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use crate::faults::Failure;
use crate::keep::Keep;
use crate::notices;
use crate::server::{Server, url_of};
pub use state::Call;
use state::State;

/// A running bank; dropping it closes its listener.
#[derive(Debug)]
pub struct SandboxBank {
    world: Arc<World>,
    tasks: Vec<JoinHandle<()>>,
    _server: Server,
}

impl SandboxBank {
    /// Starts serving on `listener`, with state in memory only. Must be called inside a tokio runtime.
    pub fn start(listener: TcpListener) -> Self {
        Self::with(listener, Keep::fresh())
    }

    /// Starts serving with the state kept in `folder`, which is made when missing.
    ///
    /// # Errors
    /// The folder can't be written, or what is in it can't be read.
    pub fn open(listener: TcpListener, folder: &Path) -> anyhow::Result<Self> {
        Ok(Self::with(listener, Keep::open(folder)?))
    }

    fn with(listener: TcpListener, keep: Keep<State>) -> Self {
        let world = Arc::new(World {
            origin: url_of(&listener),
            keep: Arc::new(keep),
            client: Client::new(),
        });
        let server = Server::start(listener, routes::router(world.clone()));
        let tasks = vec![
            tokio::spawn(notices::deliver(world.keep.clone(), |state| &mut state.outbox)),
            tokio::spawn(world.keep.clone().save()),
        ];
        Self { world, tasks, _server: server }
    }

    /// The base URL, for `BILLING_SANDBOX_BANK_URL`.
    pub fn url(&self) -> String {
        self.world.origin.clone()
    }

    /// Writes what is not on the disk yet; the bank goes on.
    ///
    /// # Errors
    /// The folder can't be written.
    pub fn flush(&self) -> anyhow::Result<()> {
        self.world.keep.flush()
    }
}

impl Drop for SandboxBank {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// What all parts share.
#[derive(Debug)]
struct World {
    /// `http://address`.
    origin: String,
    keep: Arc<Keep<State>>,
    /// For notifications that are sent by hand.
    client: Client,
}
