//! How long what is not done yet has been waiting.

use std::time::{Duration, SystemTime};

use sea_orm::ConnectionTrait;

use super::{Queue, QueueError};
use crate::time::{from_micros, to_micros};

impl Queue {
    /// For how long the oldest row that is neither done nor given up has been waiting or worked on: since it came in, or since it
    /// was due first where it was put off. A row that is put off and not due yet does not count, one between two attempts does.
    /// Zero where there is none.
    pub async fn oldest(&self) -> Result<Duration, QueueError> {
        let now = SystemTime::now();
        let sql = format!(
            "SELECT MIN(CASE WHEN attempt = 0 THEN run_at ELSE create_time END) AS since FROM {}
             WHERE state = 'leased' OR (state = 'ready' AND (attempt > 0 OR run_at <= $1))",
            self.table
        );
        let statement = self.statement(&sql, [to_micros(now).into()]);
        let row = self.connection.query_one_raw(statement).await?;
        let since = row.map(|row| row.try_get::<Option<i64>>("", "since")).transpose()?.flatten();
        let age = since.map(|since| now.duration_since(from_micros(since)).unwrap_or_default());
        Ok(age.unwrap_or_default())
    }
}
