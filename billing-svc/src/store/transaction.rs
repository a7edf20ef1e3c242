//! One transaction that writes: load, (decide), apply, commit.

use sea_orm::DatabaseTransaction;

use super::known_prices::KnownPrices;
use super::{Store, StoreError, dialect};

/// A transaction of the committer's. Dropped without a commit, it changes nothing.
#[derive(Debug)]
pub struct Transaction {
    pub(super) inner: DatabaseTransaction,
    pub(super) known_prices: KnownPrices,
}

impl Store {
    /// Begins a transaction that writes.
    ///
    /// Call it in a task of our own: an RPC's future is dropped when its client's deadline passes, and with it, at the
    /// wrong moment, the connection's clean state.
    ///
    /// # Errors
    /// `Unavailable`, `Retryable` where SQLite's writer lock could not be had in time.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        let inner = dialect::begin_write(self.connection.pool()).await?;
        Ok(Transaction { inner, known_prices: self.known_prices.clone() })
    }
}

impl Transaction {
    /// Writes it, for good.
    ///
    /// # Errors
    /// `OutcomeUnknown` where the database did not say that it rolled back: a connection lost here was seen to end
    /// both ways, with the same error text.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.inner.commit().await.map_err(dialect::failed_commit)
    }

    /// Ends it without a change.
    ///
    /// # Errors
    /// The connection was lost; nothing was changed all the same.
    pub async fn roll_back(self) -> Result<(), StoreError> {
        self.inner.rollback().await.map_err(dialect::failed)
    }
}
