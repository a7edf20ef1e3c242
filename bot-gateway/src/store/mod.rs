//! The gateway's own tables: dialogues, settings of users, paid requests. All SQL of this service is here.
//!
//! Each method is one statement in autocommit, so a dropped future never leaves a transaction open.

mod dialogues;
mod requests;
mod settings;

pub use requests::{NewRequest, Request, RequestState};
pub use settings::UserSettings;

use sea_orm::DatabaseConnection;

/// Why the database did not do it. Everything here is worth trying again, except `Corrupt`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed or did not answer.
    #[error("the database did not answer: {0}")]
    Database(#[from] sea_orm::DbErr),
    /// A row can't be read.
    #[error("a row of {table} can't be read: {what}")]
    Corrupt {
        /// Whose row.
        table: &'static str,
        /// Which column.
        what: String,
    },
}

/// The gateway's database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    connection: DatabaseConnection,
}

impl Store {
    /// Over a database that has this service's schema.
    pub fn new(connection: DatabaseConnection) -> Self {
        Store { connection }
    }
}
