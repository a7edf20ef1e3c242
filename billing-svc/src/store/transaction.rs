//! One transaction that writes: load, (decide), apply, commit. Or, on PostgreSQL, a look without locks and one statement that
//! writes only where all is as it was.

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement,
};
use service_kit::db::KeptConnection;

use super::known_prices::KnownPrices;
use super::{Store, StoreError, dialect};

/// A transaction of the committer's. Dropped without a commit, it changes nothing.
#[derive(Debug)]
pub struct Transaction {
    pub(super) inner: Inner,
    pub(super) known_prices: KnownPrices,
}

/// How it keeps others from changing what it has read.
#[derive(Debug)]
pub(super) enum Inner {
    /// By locks, until it is committed.
    Locking(DatabaseTransaction),
    /// Not at all: what it writes is one statement, which fails where a user's version is not what it was.
    Comparing(KeptConnection),
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
        let inner = dialect::begin_write(self.writer.pool()).await?;
        Ok(Transaction { inner: Inner::Locking(inner), known_prices: self.known_prices.clone() })
    }

    /// Can [`begin_comparing`](Self::begin_comparing) be used? SQLite's writer is alone with the file: it has nothing to compare.
    pub fn can_compare(&self) -> bool {
        self.connection.get_database_backend() == DbBackend::Postgres
    }

    /// Begins one that locks nothing, on PostgreSQL, for [commands of one user each](crate::ledger::Command::is_of_one_user).
    ///
    /// Two round trips in place of six, and no lock to write: it pays where others hardly ever change the same users
    /// meanwhile. Where they do, `apply` is a `Conflict`, nothing was written, and the batch has to be run again with locks.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn begin_comparing(&self) -> Result<Transaction, StoreError> {
        let kept = self.kept.take(self.connection.pool()).await.map_err(dialect::failed)?;
        let known_prices = self.known_prices.clone();
        Ok(Transaction { inner: Inner::Comparing(kept), known_prices })
    }
}

impl Transaction {
    /// Writes it, for good.
    ///
    /// # Errors
    /// `OutcomeUnknown` where the database did not say that it rolled back: a connection lost here was seen to end
    /// both ways, with the same error text.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.inner {
            Inner::Locking(transaction) => {
                transaction.commit().await.map_err(dialect::failed_commit)
            }
            // `apply` was the commit.
            Inner::Comparing(_) => Ok(()),
        }
    }

    /// Ends it without a change.
    ///
    /// # Errors
    /// The connection was lost; nothing was changed all the same.
    pub async fn roll_back(self) -> Result<(), StoreError> {
        match self.inner {
            Inner::Locking(transaction) => transaction.rollback().await.map_err(dialect::failed),
            Inner::Comparing(_) => Ok(()),
        }
    }
}

#[async_trait]
impl ConnectionTrait for Inner {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Locking(transaction) => transaction.get_database_backend(),
            Self::Comparing(connection) => connection.get_database_backend(),
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::Locking(transaction) => transaction.execute_raw(statement).await,
            Self::Comparing(connection) => connection.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Locking(transaction) => transaction.execute_unprepared(sql).await,
            Self::Comparing(connection) => connection.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::Locking(transaction) => transaction.query_one_raw(statement).await,
            Self::Comparing(connection) => connection.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Locking(transaction) => transaction.query_all_raw(statement).await,
            Self::Comparing(connection) => connection.query_all_raw(statement).await,
        }
    }
}
