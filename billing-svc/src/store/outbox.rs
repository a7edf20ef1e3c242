//! Gives events out in one order, and keeps how far each consumer has come.
//!
//! Events are written without a position. [`Store::give_out_events`] gives positions afterwards: it holds the one row of
//! `event_position` until it commits, so positions become visible in their order, and a reader that asks for those
//! after the last one it saw misses none. Each user's events get theirs in the order of their sequence.

use std::collections::BTreeSet;
use std::time::SystemTime;

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use tokio::sync::watch;

use super::tables::{event_consumers, event_position, events};
use super::{Store, StoreError, Transaction, dialect, task::detached};
use crate::ledger::Event;

/// How many users' events one step gives out at most; of each, all that wait.
const STEP: u64 = 1000;

/// What became of an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acked {
    /// The last position that this consumer has acknowledged now.
    At(i64),
    /// No event was given out at that position yet; nothing was kept.
    NotGivenOut {
        /// The last one that was.
        last: i64,
    },
}

impl Store {
    /// Gives positions to events that have none, and answers to how many; 0: none waits. Any number of instances may do so
    /// at once, one after the other does.
    ///
    /// # Errors
    /// `Retryable` where another one was faster: the next step will do. `Corrupt`, `Unavailable`, `OutcomeUnknown`.
    pub async fn give_out_events(&self) -> Result<u64, StoreError> {
        let store = self.clone();
        detached(async move {
            // Most steps find nothing: they take no lock.
            if waiting(&store.connection, 1).await?.is_empty() {
                return Ok(0);
            }
            let transaction = store.begin().await?;
            let given = transaction.give_out().await?;
            transaction.commit().await?;
            if given > 0 {
                store.given_out.send_replace(());
            }
            Ok(given)
        })
        .await
    }

    /// Changes whenever this process has given events out; of other instances it knows nothing.
    pub fn given_out(&self) -> watch::Receiver<()> {
        self.given_out.subscribe()
    }

    /// Events that were given out after `position`, in their order.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    pub async fn events_after(
        &self,
        position: i64,
        limit: u64,
    ) -> Result<Vec<(i64, Event)>, StoreError> {
        use events::Column;
        let rows = events::Entity::find()
            .filter(Expr::cust("position IS NOT NULL"))
            .filter(Column::Position.gt(position))
            .order_by_asc(Column::Position)
            .limit(limit)
            .all(&self.connection)
            .await
            .map_err(dialect::failed)?;
        let with_position =
            |row: events::Model| Ok((row.position.unwrap_or_default(), row.read()?));
        rows.into_iter().map(with_position).collect()
    }

    /// The last position that a consumer has acknowledged; 0 before the first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn consumer(&self, consumer: &str) -> Result<i64, StoreError> {
        acknowledged(&self.connection, consumer).await
    }

    /// Notes that a consumer has dealt with everything up to a position. It never goes back: an older one changes nothing.
    ///
    /// # Errors
    /// `Unavailable`, `Retryable`.
    pub async fn ack(&self, consumer: &str, position: i64) -> Result<Acked, StoreError> {
        let connection = self.writer.clone();
        let consumer = consumer.to_owned();
        detached(async move {
            // It only rises, so that what is below it now stays so.
            let last = last_position(&connection).await?;
            if position > last {
                return Ok(Acked::NotGivenOut { last });
            }
            raise(&connection, &consumer, position).await?;
            acknowledged(&connection, &consumer).await.map(Acked::At)
        })
        .await
    }
}

impl Transaction {
    async fn give_out(&self) -> Result<u64, StoreError> {
        let only = event_position::Entity::find_by_id(event_position::ONLY);
        let row = dialect::lock(only, self.inner.get_database_backend())
            .one(&self.inner)
            .await
            .map_err(dialect::failed)?;
        let Some(mut last) = row else {
            return Err(StoreError::corrupt("event_position", event_position::ONLY, "is gone"));
        };
        let users = waiting(&self.inner, STEP).await?;
        let rows = events::Entity::find()
            .filter(events::Column::Position.is_null())
            .filter(events::Column::UserId.is_in(users))
            .all(&self.inner)
            .await
            .map_err(dialect::failed)?;
        if rows.is_empty() {
            return Ok(0);
        }
        let mut rows = in_order(rows);
        for row in &mut rows {
            last.position += 1;
            row.position = Some(last.position);
        }
        let given = rows.len();
        let keys = [events::Column::UserId, events::Column::Sequence];
        self.update::<events::Entity>(&rows, &keys, &[events::Column::Position]).await?;
        let set = [event_position::Column::Position];
        self.update::<event_position::Entity>(&[last], &[event_position::Column::Id], &set).await?;
        Ok(u64::try_from(given).unwrap_or(u64::MAX))
    }
}

/// By time, but each user's by sequence: where clocks differ, a later event may bear an earlier time.
fn in_order(mut rows: Vec<events::Model>) -> Vec<events::Model> {
    rows.sort_unstable_by(|a, b| (&a.user_id, a.sequence).cmp(&(&b.user_id, b.sequence)));
    let mut timed: Vec<(i64, events::Model)> = Vec::with_capacity(rows.len());
    for row in rows {
        let time = match timed.last() {
            Some((time, before)) if before.user_id == row.user_id => {
                Ord::max(row.create_time, *time)
            }
            _ => row.create_time,
        };
        timed.push((time, row));
    }
    // Stable: what has one time stays in the order above.
    timed.sort_by_key(|(time, _)| *time);
    timed.into_iter().map(|(_, row)| row).collect()
}

/// Whose events have waited longest.
async fn waiting<C: ConnectionTrait>(
    connection: &C,
    limit: u64,
) -> Result<BTreeSet<String>, StoreError> {
    use events::Column;
    let users: Vec<String> = events::Entity::find()
        .select_only()
        .column(Column::UserId)
        .filter(Column::Position.is_null())
        .order_by_asc(Column::CreateTime)
        .order_by_asc(Column::UserId)
        .order_by_asc(Column::Sequence)
        .limit(limit)
        .into_tuple()
        .all(connection)
        .await
        .map_err(dialect::failed)?;
    Ok(users.into_iter().collect())
}

async fn last_position<C: ConnectionTrait>(connection: &C) -> Result<i64, StoreError> {
    let only = event_position::Entity::find_by_id(event_position::ONLY);
    let row = only.one(connection).await.map_err(dialect::failed)?;
    let gone = || StoreError::corrupt("event_position", event_position::ONLY, "is gone");
    Ok(row.ok_or_else(gone)?.position)
}

async fn acknowledged<C: ConnectionTrait>(
    connection: &C,
    consumer: &str,
) -> Result<i64, StoreError> {
    let row = event_consumers::Entity::find()
        .filter(event_consumers::Column::Consumer.eq(consumer))
        .one(connection)
        .await
        .map_err(dialect::failed)?;
    Ok(row.map_or(0, |row| row.position))
}

async fn raise<C: ConnectionTrait>(
    connection: &C,
    consumer: &str,
    position: i64,
) -> Result<(), StoreError> {
    use event_consumers::{ActiveModel, Column, Entity};
    let row = ActiveModel {
        consumer: Set(consumer.to_owned()),
        position: Set(position),
        update_time: Set(service_kit::time::to_micros(SystemTime::now())),
    };
    let mut replace = OnConflict::column(Column::Consumer);
    replace
        .update_columns([Column::Position, Column::UpdateTime])
        .action_and_where(Expr::col((Entity, Column::Position)).lt(position));
    let write = Entity::insert(row).on_conflict(replace);
    write.exec_without_returning(connection).await.map_err(dialect::failed)?;
    Ok(())
}
