//! The leased queue: work that was taken is done, whoever crashes.
//!
//! A row is `ready` from its `run_at` on, `leased` to one owner for a while, and ends as `done` or `dead`. An owner that
//! dies leaves a lease that runs out, and another one claims the row. Each claim raises the row's `fence`; a write by an owner whose
//! fence is no longer the row's changes nothing and answers [`Held::Lost`]. So work may be begun twice, but only one owner's
//! progress counts: what acts on the outside must be idempotent by the row's id.
//!
//! Order: due rows by `run_at`, then arrival. Rows with the same `key` are handled in the order of arrival and one at a time. A
//! row that is delayed and was never attempted does not hold up later ones of its key; one that is between two attempts does.
//!
//! The table is made by `migrations::queue_table`. Claims take turns on a table (SQLite's write lock; an advisory lock on
//! PostgreSQL), because two that look at the same moment could each pick a row of one key.
//! A statement or claim that lost a race (40001, where transactions are SERIALIZABLE) runs again.
//! Times are judged by the claimer's clock: clocks of several instances must agree to much less than a lease.

mod backlog;
mod claim;
mod row;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement, Value};
use serde_json::Value as Json;
use tokio::sync::{Notify, futures::Notified};

pub use row::{Counts, Leased, Row, RowState};

use crate::{db::Alone, telemetry, time::to_micros};

/// Rows that [`Queue::prune`] deletes in one statement, so that it never holds the table for long.
const PRUNE_BATCH: i64 = 1_000;

/// A queue in a table of the service's own database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue {
    connection: Alone,
    table: &'static str,
    owner: Arc<str>,
    changed: Arc<Notify>,
}

/// Was a row put in?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// Yes.
    New,
    /// No: there is one of that id, whatever its state; it was left as it is.
    Existing,
}

/// Is the lease still ours?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "work whose lease was lost must stop"]
pub enum Held {
    /// Yes, and what was asked is written.
    Yes,
    /// No: another owner has claimed the row, or it has ended. Nothing was written.
    Lost,
}

/// How a row ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// As it should. Deleted by [`Queue::prune`] one day.
    Done,
    /// Given up on; kept for people to look at.
    Dead,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The database refused or did not answer. A write may have been done or not.
    #[error("queue: {0}")]
    Database(#[from] DbErr),
    /// A row's payload is no JSON: written by something else than this module.
    #[error("queue: the payload of row {id:?} is no JSON")]
    Payload {
        /// Of the row.
        id: String,
    },
}

impl Queue {
    /// `owner` names this process in rows it leases, for people; the fence is what protects. `table` becomes part of the SQL.
    pub fn new(connection: DatabaseConnection, table: &'static str, owner: String) -> Queue {
        let connection = Alone::new(connection);
        Queue { connection, table, owner: owner.into(), changed: Arc::default() }
    }

    /// Puts a row in unless there is one of that id, in one statement. `run_at` absent: now. The trace that this is part of is
    /// kept with the row: [`Leased::trace_context`].
    pub async fn enqueue(
        &self,
        id: &str,
        key: Option<&str>,
        payload: &Json,
        run_at: Option<SystemTime>,
    ) -> Result<Enqueued, QueueError> {
        let now = now();
        let sql = format!(
            "INSERT INTO {} (id, key, state, fence, attempt, run_at, payload, create_time, update_time, trace_context)
             VALUES ($1, $2, 'ready', 0, 0, $3, $4, $5, $5, $6) ON CONFLICT (id) DO NOTHING",
            self.table
        );
        let values = [
            id.into(),
            key.map(str::to_owned).into(),
            run_at.map_or(now, to_micros).into(),
            payload.to_string().into(),
            now.into(),
            telemetry::trace_context().into(),
        ];
        if self.execute(&sql, values).await? == 0 {
            return Ok(Enqueued::Existing);
        }
        self.changed.notify_one();
        Ok(Enqueued::New)
    }

    /// Leases up to `limit` rows for `lease`, oldest first: rows whose lease ran out, then rows that are due. Raises the
    /// attempt and the fence of each.
    ///
    /// Await it to the end: rows claimed by a call that is dropped wait for their lease to run out.
    pub async fn claim(&self, limit: u32, lease: Duration) -> Result<Vec<Leased>, QueueError> {
        claim::claim(self, limit, lease).await
    }

    /// At start: lets what a process that died left leased be claimed at once, where it is certain that no other process
    /// lives. That is so on a SQLite file, which [`crate::db::open`] locks; on PostgreSQL leases run out by themselves.
    pub async fn take_over(&self) -> Result<(), QueueError> {
        if self.connection.get_database_backend() == DbBackend::Sqlite {
            let sql = format!("UPDATE {} SET lease_until = $1 WHERE state = 'leased'", self.table);
            self.execute(&sql, [now().into()]).await?;
        }
        Ok(())
    }

    /// Makes the lease end `lease` from now.
    pub async fn extend(&self, leased: &Leased, lease: Duration) -> Result<Held, QueueError> {
        let until = to_micros(SystemTime::now() + lease);
        self.write(leased, "lease_until = $4", [until.into()]).await
    }

    /// Keeps progress: whoever claims the row next begins with this payload.
    pub async fn save(&self, leased: &Leased, payload: &Json) -> Result<Held, QueueError> {
        self.write(leased, "payload = $4", [payload.to_string().into()]).await
    }

    /// Gives the row back, to be claimed again from `run_at` on. Its attempts are counted on, unless they are reset: then it
    /// counts as never attempted, and while it waits it does not hold up others of its key.
    pub async fn reschedule(
        &self,
        leased: &Leased,
        run_at: SystemTime,
        payload: &Json,
        reset_attempts: bool,
    ) -> Result<Held, QueueError> {
        let attempt = if reset_attempts { ", attempt = 0" } else { "" };
        let set = format!(
            "state = 'ready', owner = NULL, lease_until = NULL, run_at = $4, payload = $5{attempt}"
        );
        let values = [to_micros(run_at).into(), payload.to_string().into()];
        let held = self.write(leased, &set, values).await?;
        self.changed.notify_one();
        Ok(held)
    }

    /// Ends the row.
    pub async fn finish(
        &self,
        leased: &Leased,
        end: End,
        payload: &Json,
    ) -> Result<Held, QueueError> {
        let state = match end {
            End::Done => RowState::Done,
            End::Dead => RowState::Dead,
        };
        let set = "state = $4, payload = $5, owner = NULL, lease_until = NULL";
        let values = [state.as_str().into(), payload.to_string().into()];
        let held = self.write(leased, set, values).await?;
        // The next row of its key may be claimed now.
        self.changed.notify_one();
        Ok(held)
    }

    /// The row of that id, in whatever state.
    pub async fn get(&self, id: &str) -> Result<Option<Row>, QueueError> {
        let sql = format!("SELECT {} FROM {} WHERE id = $1", row::COLUMNS, self.table);
        let found = self.connection.query_one_raw(self.statement(&sql, [id.into()])).await?;
        found.map(|found| Row::read(&found)).transpose()
    }

    /// Makes a row that waits due now. Answers whether there is such a ready row.
    pub async fn wake(&self, id: &str) -> Result<bool, QueueError> {
        let sql = format!(
            "UPDATE {} SET run_at = CASE WHEN run_at > $1 THEN $1 ELSE run_at END, update_time = $1
             WHERE id = $2 AND state = 'ready'",
            self.table
        );
        let woken = self.execute(&sql, [now().into(), id.into()]).await? > 0;
        if woken {
            self.changed.notify_one();
        }
        Ok(woken)
    }

    /// How many rows are in each state.
    pub async fn count(&self) -> Result<Counts, QueueError> {
        let sql = format!("SELECT state, COUNT(*) AS number FROM {} GROUP BY state", self.table);
        let rows = self.connection.query_all_raw(self.statement(&sql, [])).await?;
        Counts::read(&rows)
    }

    /// Deletes the rows that were done before `older_than`, in batches. Answers how many.
    pub async fn prune(&self, older_than: SystemTime) -> Result<u64, QueueError> {
        let table = self.table;
        let sql = format!(
            "DELETE FROM {table} WHERE seq IN
             (SELECT seq FROM {table} WHERE state = 'done' AND update_time < $1 ORDER BY update_time LIMIT $2)"
        );
        let mut pruned = 0;
        loop {
            let values = [to_micros(older_than).into(), PRUNE_BATCH.into()];
            let batch = self.execute(&sql, values).await?;
            pruned += batch;
            if batch < PRUNE_BATCH as u64 {
                return Ok(pruned);
            }
        }
    }

    /// Waits until something may have become claimable through this `Queue` or a clone of it. What other processes do, and the
    /// passing of time, is not told: poll as well.
    pub fn notified(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// `set` with its values from `$4` on, under the lease.
    async fn write<const N: usize>(
        &self,
        leased: &Leased,
        set: &str,
        values: [Value; N],
    ) -> Result<Held, QueueError> {
        let sql = format!(
            "UPDATE {} SET update_time = $1, {set} WHERE id = $2 AND fence = $3 AND state = 'leased'",
            self.table
        );
        let lease: [Value; 3] = [now().into(), leased.id.as_str().into(), leased.fence.into()];
        let written = self.execute(&sql, lease.into_iter().chain(values)).await?;
        Ok(if written == 1 { Held::Yes } else { Held::Lost })
    }

    async fn execute(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<u64, QueueError> {
        let result = self.connection.execute_raw(self.statement(sql, values)).await?;
        Ok(result.rows_affected())
    }

    fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        Statement::from_sql_and_values(self.connection.get_database_backend(), sql, values)
    }
}

fn now() -> i64 {
    to_micros(SystemTime::now())
}
