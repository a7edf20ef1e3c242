//! All SQL of billing-svc, and nothing but SQL.
//!
//! Writing goes through [`Transaction`] alone: begin → `load(needs)` → (the ledger decides) → `apply(changes)` →
//! commit. `load` locks the users in sorted order before it reads anything else, so what a batch decides on can't
//! change under it; `apply` writes each row once and checks that as many rows changed as should. The committer's own
//! tasks open these transactions.
//!
//! What is no money is written beside it: the order in which events are given out and how far consumers have come
//! (`outbox.rs`), how far a provider's list was read (`providers.rs`), each in a task of its own (`task.rs`).
//!
//! Reading (`read/`) is single statements, each a consistent picture of its own, scoped by the owner of the rows.
//! [`Snapshot`] is one consistent picture of everything, for `verify`.
//!
//! Rows never leave this module: callers see the ledger's own types. A row that can't be read back is
//! [`StoreError::Corrupt`] naming it. `dialect/` alone knows which database it is.

mod apply;
mod archive;
mod dialect;
mod error;
mod known_prices;
mod load;
mod outbox;
mod providers;
mod publish;
mod read;
mod snapshot;
mod tables;
mod task;
mod transaction;

use std::sync::Arc;

use sea_orm::DatabaseConnection;
use service_kit::db::{self, Alone, KeptConnections};
use tokio::sync::watch;

use known_prices::KnownPrices;

pub use archive::Old;
pub use error::StoreError;
pub use outbox::Acked;
pub use read::{Ages, Due, FindUsers, HistoryRow, OpenHolds};
pub use snapshot::{Found, Snapshot};
pub use transaction::Transaction;

/// The database of billing-svc. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    connection: Alone,
    /// For all that writes.
    writer: Alone,
    /// Changes whenever this process has given events out.
    given_out: Arc<watch::Sender<()>>,
    known_prices: KnownPrices,
    /// For batches that lock nothing.
    kept: KeptConnections,
}

impl Store {
    /// On a connection whose schema has been prepared.
    pub fn new(connection: DatabaseConnection) -> Self {
        Self {
            writer: Alone::new(db::writer(&connection)),
            connection: Alone::new(connection),
            given_out: Arc::default(),
            known_prices: KnownPrices::default(),
            kept: KeptConnections::default(),
        }
    }
    /// Lets go of the database, after all that uses it has ended.
    ///
    /// # Errors
    /// The driver's.
    pub async fn close(self) -> Result<(), StoreError> {
        self.writer.pool().clone().close().await.map_err(dialect::failed)?;
        self.connection.pool().clone().close().await.map_err(dialect::failed)
    }
}
