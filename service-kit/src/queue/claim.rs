//! Picking rows and leasing them, in one transaction.

use std::time::{Duration, SystemTime};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};

use super::{Leased, Queue, QueueError, row};
use crate::{
    db::{again, begin_write},
    time::to_micros,
};

/// An owner died or is too slow: go on with what it began. Of a key at most one row is leased, so this breaks no order.
const RAN_OUT: &str = "r.state = 'leased' AND r.lease_until <= $1 ORDER BY r.lease_until, r.seq";

pub(super) async fn claim(
    queue: &Queue,
    limit: u32,
    lease: Duration,
) -> Result<Vec<Leased>, QueueError> {
    let once = || async {
        match claim_once(queue, limit, lease).await {
            Err(QueueError::Database(error)) => Err(error),
            answer => Ok(answer),
        }
    };
    again(once).await?
}

async fn claim_once(queue: &Queue, limit: u32, lease: Duration) -> Result<Vec<Leased>, QueueError> {
    let transaction = begin_write(queue.connection.pool()).await?;
    if queue.connection.get_database_backend() == DbBackend::Postgres {
        // Before the first look at the table: a statement sees what was committed before it began. Where the whole transaction
        // sees what was committed before its first statement (SERIALIZABLE), a row that changed since fails it: it runs again.
        let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        let name = format!("kopilka.queue.{}", queue.table);
        transaction.execute_raw(queue.statement(lock, [name.into()])).await?;
    }
    let now = SystemTime::now();
    let picker = Picker {
        queue,
        transaction: &transaction,
        now: to_micros(now),
        until: to_micros(now + lease),
    };
    let mut claimed = picker.lease(RAN_OUT, limit).await?;
    let left = limit.saturating_sub(u32::try_from(claimed.len()).unwrap_or(limit));
    claimed.extend(picker.lease(&due(queue.table), left).await?);
    transaction.commit().await?;
    Ok(claimed)
}

/// Due, and no other row of its key is leased or comes first.
fn due(table: &str) -> String {
    format!(
        "r.state = 'ready' AND r.run_at <= $1 AND (r.key IS NULL OR (
            NOT EXISTS (SELECT 1 FROM {table} o WHERE o.key = r.key AND o.state = 'leased')
            AND NOT EXISTS (SELECT 1 FROM {table} o WHERE o.key = r.key AND o.state = 'ready'
                AND o.seq < r.seq AND (o.run_at <= $1 OR o.attempt > 0))))
         ORDER BY r.run_at, r.seq"
    )
}

struct Picker<'a> {
    queue: &'a Queue,
    transaction: &'a DatabaseTransaction,
    now: i64,
    until: i64,
}

impl Picker<'_> {
    /// Leases up to `limit` of the rows that fit the condition, in its order.
    async fn lease(&self, condition: &str, limit: u32) -> Result<Vec<Leased>, QueueError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        // A row that is just being written is not waited for: it is no longer what it was.
        let skip = match self.transaction.get_database_backend() {
            DbBackend::Postgres => "FOR UPDATE SKIP LOCKED",
            _ => "",
        };
        let sql = format!(
            "WITH picked AS MATERIALIZED (SELECT r.seq FROM {table} r WHERE {condition} LIMIT $2 {skip})
             UPDATE {table} SET state = 'leased', owner = $3, lease_until = $4, fence = fence + 1,
                 attempt = attempt + 1, update_time = $1
             WHERE seq IN (SELECT seq FROM picked) RETURNING {columns}",
            table = self.queue.table,
            columns = row::COLUMNS,
        );
        let values = [
            self.now.into(),
            i64::from(limit).into(),
            self.queue.owner.to_string().into(),
            self.until.into(),
        ];
        let rows = self.transaction.query_all_raw(self.queue.statement(&sql, values)).await?;
        let mut leased = rows.iter().map(row::read_leased).collect::<Result<Vec<_>, _>>()?;
        // RETURNING has no order of its own.
        leased.sort_by_key(|(place, _)| *place);
        Ok(leased.into_iter().map(|(_, leased)| leased).collect())
    }
}
