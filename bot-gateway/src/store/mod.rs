//! The gateway's own tables: dialogues, settings of users, paid requests, messages of payments. All SQL of this
//! service is here, save that of the queues, which is the leased queue's.
//!
//! Each write is one statement in autocommit, so a dropped future never leaves a transaction open. The SQL is the
//! same for SQLite and PostgreSQL. Times are unix microseconds.

mod delivering;
mod dialogues;
mod payment_messages;
mod progressing;
mod requests;
mod settings;

use std::time::{Duration, SystemTime};

use sea_orm::{ConnectionTrait, DatabaseConnection, QueryResult, Statement, Value};

use service_kit::time::to_micros;

pub use delivering::{Claim, DeliveryLease, Intent};
pub use payment_messages::{PaymentMessage, PaymentMessages};
pub use progressing::DueProgress;
pub use requests::{NewRequest, Request, RequestState};
pub use settings::UserSettings;

/// How long what has ended is kept: the buttons below a picture work that long.
const KEEP_ENDED: Duration = Duration::from_secs(90 * 24 * 3600);
/// How long a dialogue that was left is kept.
const KEEP_DIALOGUE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed or did not answer: worth trying again.
    #[error("the database did not answer: {0}")]
    Database(#[from] sea_orm::DbErr),
    /// A row can't be read: trying again is no use.
    #[error("column {column} of {table} can't be read")]
    Corrupt {
        /// Whose row.
        table: &'static str,
        /// Which column.
        column: &'static str,
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

    /// Deletes what ended long ago; answers how many rows.
    pub async fn prune(&self, now: SystemTime) -> Result<u64, StoreError> {
        let requests = self
            .write(
                "DELETE FROM requests WHERE update_time < $1
                 AND state IN ('abandoned', 'delivered', 'blocked', 'failed_told')",
                [to_micros(now - KEEP_ENDED).into()],
            )
            .await?;
        let dialogues = self
            .write(
                "DELETE FROM dialogues WHERE update_time < $1",
                [to_micros(now - KEEP_DIALOGUE).into()],
            )
            .await?;
        let payment_messages = self
            .write(
                "DELETE FROM payment_messages WHERE create_time < $1",
                [to_micros(now - KEEP_ENDED).into()],
            )
            .await?;
        Ok(requests + dialogues + payment_messages)
    }

    /// Runs one writing statement; answers how many rows it changed.
    async fn write(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<u64, StoreError> {
        Ok(self.connection.execute_raw(self.statement(sql, values)).await?.rows_affected())
    }

    async fn rows(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<QueryResult>, StoreError> {
        Ok(self.connection.query_all_raw(self.statement(sql, values)).await?)
    }

    async fn row(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Option<QueryResult>, StoreError> {
        Ok(self.connection.query_one_raw(self.statement(sql, values)).await?)
    }

    fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        Statement::from_sql_and_values(self.connection.get_database_backend(), sql, values)
    }
}
