//! How much is open, and for how long: counts for metrics, each one statement over a partial index of what is open.
//!
//! Conditions of partial indexes stand here in their very words, as in `due.rs`.

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};

use crate::ledger::{PaymentState, Timestamp};
use crate::store::tables::Named as _;
use crate::store::{Store, StoreError, dialect};

/// How many are how old: each counts those that are older than the age before it, and not older than its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ages {
    /// Up to 10 minutes.
    pub ten_minutes: i64,
    /// Up to an hour.
    pub hour: i64,
    /// Up to a day.
    pub day: i64,
    /// Older.
    pub more: i64,
}

/// Operations that are charged and not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenHolds {
    /// By the time since they were charged.
    pub ages: Ages,
    /// Those whose time is up: the sweeper has not been there yet.
    pub overdue: i64,
}

const MINUTE: i64 = 60 * 1_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The columns of [`Ages`], with the moments of [`limits`] bound as `$1` to `$3`.
const AGES: &str = "COUNT(CASE WHEN since >= $1 THEN 1 END) AS ten_minutes,
    COUNT(CASE WHEN since < $1 AND since >= $2 THEN 1 END) AS hour,
    COUNT(CASE WHEN since < $2 AND since >= $3 THEN 1 END) AS day,
    COUNT(CASE WHEN since < $3 THEN 1 END) AS more";

impl Store {
    /// What is held at `now`.
    ///
    /// # Errors
    /// `Unavailable`; so for what follows.
    pub async fn open_holds(&self, now: Timestamp) -> Result<OpenHolds, StoreError> {
        let sql = format!(
            "SELECT {AGES}, COUNT(CASE WHEN expire_time <= $4 THEN 1 END) AS overdue
             FROM (SELECT create_time AS since, expire_time FROM operations WHERE state = 'CHARGED') AS open"
        );
        let [a, b, c] = limits(now);
        let rows = self.counted(&sql, [a, b, c, now.micros().into()]).await?;
        let Some(row) = rows.first() else { return Ok(OpenHolds::default()) };
        let read = || Ok(OpenHolds { ages: ages(row)?, overdue: row.try_get("", "overdue")? });
        read().map_err(dialect::failed)
    }

    /// Payments that are not at their end at `now` and that no person has to look at: CREATED and PENDING, by the time since they
    /// were made; PAID, by the time since we learned that they were.
    pub async fn open_payments(
        &self,
        now: Timestamp,
    ) -> Result<Vec<(PaymentState, Ages)>, StoreError> {
        let sql = format!(
            "SELECT state, {AGES} FROM (
                SELECT state, create_time AS since FROM payments
                WHERE next_check IS NOT NULL AND state IN ('CREATED', 'PENDING')
                UNION ALL
                SELECT state, COALESCE(paid_time, create_time) AS since FROM payments
                WHERE state = 'PAID' AND parked IS NULL) AS open
             GROUP BY state"
        );
        let rows = self.counted(&sql, limits(now)).await?;
        let read = |row: &QueryResult| -> Result<_, DbErr> {
            let name: String = row.try_get("", "state")?;
            let state = PaymentState::of(&name)
                .ok_or_else(|| DbErr::Type(format!("no state of a payment: {name:?}")))?;
            Ok((state, ages(row)?))
        };
        rows.iter().map(read).collect::<Result<_, _>>().map_err(dialect::failed)
    }

    async fn counted<const N: usize>(
        &self,
        sql: &str,
        values: [Value; N],
    ) -> Result<Vec<QueryResult>, StoreError> {
        let backend = self.connection.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, values);
        self.connection.query_all_raw(statement).await.map_err(dialect::failed)
    }
}

fn limits(now: Timestamp) -> [Value; 3] {
    [10 * MINUTE, HOUR, DAY].map(|age| now.micros().saturating_sub(age).into())
}

fn ages(row: &QueryResult) -> Result<Ages, DbErr> {
    Ok(Ages {
        ten_minutes: row.try_get("", "ten_minutes")?,
        hour: row.try_get("", "hour")?,
        day: row.try_get("", "day")?,
        more: row.try_get("", "more")?,
    })
}
