//! The sandbox's own bank: the smallest provider of payments that has everything, a dispute with an outcome too.
//!
//! It speaks small JSON on loopback and trusts whoever calls. `POST /payments` with `payment_id`, `amount`, `currency`,
//! `return_url` answers `id`, `status` and `confirmation_url`, once for each `payment_id`; `GET /payments/{id}` shows the
//! payment with its refunds; `GET /payments?after=&limit=` lists what changed since, oldest change first, with the
//! `cursor` to go on from; `POST /refunds` with `refund_id`, `id`, `amount` refunds, once for each `refund_id`. An error is
//! `{"error": "…"}` with 400, 404 or 409. Its notification names the payment and nothing else: `{"payment": "…"}`.
//!
//! State is in memory only.

mod control;
mod pages;
mod routes;
mod state;

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
    delivering: JoinHandle<()>,
    _server: Server,
}

impl SandboxBank {
    /// Starts serving on `listener`. Must be called inside a tokio runtime.
    pub fn start(listener: TcpListener) -> Self {
        let world = Arc::new(World {
            origin: url_of(&listener),
            keep: Arc::new(Keep::fresh()),
            client: Client::new(),
        });
        let server = Server::start(listener, routes::router(world.clone()));
        let delivering = notices::deliver(world.keep.clone(), |state| &mut state.outbox);
        Self { world, delivering: tokio::spawn(delivering), _server: server }
    }

    /// The base URL, for `BILLING_SANDBOX_BANK_URL`.
    pub fn url(&self) -> String {
        self.world.origin.clone()
    }
}

impl Drop for SandboxBank {
    fn drop(&mut self) {
        self.delivering.abort();
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
