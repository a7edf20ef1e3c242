//! All SQL of billing-svc, and nothing but SQL.
//!
//! Writing goes through [`Transaction`] alone: begin → `load(needs)` → (the ledger decides) → `apply(changes)` →
//! commit. `load` locks the users in sorted order before it reads anything else, so what a batch decides on can't
//! change under it; `apply` writes each row once and checks that as many rows changed as should. Only the committer's
//! own tasks open transactions.
//!
//! Reading (`read.rs`) is single statements, each a consistent picture of its own, scoped by the owner of the rows.
//! [`Snapshot`] is one consistent picture of everything, for `verify`.
//!
//! Rows never leave this module: callers see the ledger's own types. A row that can't be read back is
//! [`StoreError::Corrupt`] naming it. `dialect.rs` alone knows which database it is.

mod error;

use sea_orm::DatabaseConnection;

use crate::ledger::*;

pub use error::StoreError;

/// The database of billing-svc. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    connection: DatabaseConnection,
}

impl Store {
    /// On a connection whose schema has been prepared.
    pub fn new(connection: DatabaseConnection) -> Self {
        Self { connection }
    }

    /// Does the database answer?
    pub async fn ping(&self) -> Result<(), StoreError> { todo!() }
    /// Whose operation is it? It never changes, so it may be read before a command about it is submitted.
    pub async fn user_of(&self, _id: OperationId) -> Result<Option<UserId>, StoreError> { todo!() }
    /// What a user has at `now`; for an unknown one, what a new user would have.
    pub async fn user_view(&self, _user: &UserId, _policy: &Policy, _now: Timestamp) -> Result<UserView, StoreError> { todo!() }
    /// A user and all their grants, of one moment.
    pub async fn user_with_grants(&self, _user: &UserId) -> Result<(Option<User>, Vec<Grant>), StoreError> { todo!() }
    /// One operation.
    pub async fn operation(&self, _id: OperationId) -> Result<Option<Operation>, StoreError> { todo!() }
    /// Operations of a user, newest first, older than `before`; of all states where `states` is empty.
    pub async fn operations(&self, _user: &UserId, _states: &[OperationState], _before: Option<OperationId>, _limit: u64) -> Result<Vec<Operation>, StoreError> { todo!() }
    /// Entries of a user, newest first, before that sequence number.
    pub async fn entries(&self, _user: &UserId, _before: Option<i64>, _limit: u64) -> Result<Vec<Entry>, StoreError> { todo!() }
    /// The price list in force; version 0 and empty before the first was published.
    pub async fn prices(&self) -> Result<PriceList, StoreError> { todo!() }
    /// Makes these the prices in force: a new version only where they differ from the newest.
    pub async fn publish_prices(&self, _prices: &[Price]) -> Result<PriceList, StoreError> { todo!() }
}
