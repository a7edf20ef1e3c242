//! What users have used of their limits. Read after the users are locked: nobody else changes it then.
//!
//! The condition of the partial index stands here in its very words, as in `read/due.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::ledger::{Amount, OperationState, Timestamp, UserId};
use crate::store::tables::{Named, operations};
use crate::store::{StoreError, Transaction, dialect};

/// An operation's id is made before its batch, so it can be older than the operation, and by another machine's clock: by
/// less than this.
const ID_LEAD: Duration = Duration::from_secs(60 * 60);

impl Transaction {
    /// How many operations of each user are CHARGED. By the index `operations_open`: a long history costs nothing.
    pub(super) async fn open_holds(
        &self,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, i64>, StoreError> {
        use operations::Column;
        let mut holds = BTreeMap::new();
        if users.is_empty() {
            return Ok(holds);
        }
        let users = self.texts(users.iter().map(UserId::as_str)).hold(Column::UserId);
        let rows: Vec<(String, i64)> = operations::Entity::find()
            .select_only()
            .column(Column::UserId)
            .column_as(Expr::cust("COUNT(*)"), "holds")
            .filter(users)
            .filter(Expr::cust("state = 'CHARGED'"))
            .group_by(Column::UserId)
            .into_tuple()
            .all(&self.inner)
            .await
            .map_err(dialect::failed)?;
        for (user, count) in rows {
            holds.insert(owner(user)?, count);
        }
        Ok(holds)
    }

    /// The money of each user's operations that were charged since `day`, less what was given back of it. A range of the
    /// primary key: the ids are UUIDv7, which begin with the time.
    pub(super) async fn spent_since(
        &self,
        users: &BTreeSet<UserId>,
        day: Timestamp,
    ) -> Result<BTreeMap<UserId, Amount>, StoreError> {
        use operations::Column;
        let mut spent = BTreeMap::new();
        if users.is_empty() {
            return Ok(spent);
        }
        let users = self.texts(users.iter().map(UserId::as_str)).hold(Column::UserId);
        let rows: Vec<(String, Uuid, String, i64)> = operations::Entity::find()
            .select_only()
            .columns([Column::UserId, Column::OperationId, Column::Funding, Column::Refunded])
            .filter(users)
            .filter(Column::OperationId.gte(first_id_since(day)))
            .filter(Column::CreateTime.gte(day.micros()))
            .filter(Column::State.ne(OperationState::Declined.name()))
            .into_tuple()
            .all(&self.inner)
            .await
            .map_err(dialect::failed)?;
        for (user, id, funding, refunded) in rows {
            let paid = operations::paid(&funding)
                .map_err(|error| StoreError::corrupt("operations", id, error))?;
            let sum: &mut Amount = spent.entry(owner(user)?).or_default();
            // Capped: beyond it the exact sum makes no difference to any limit.
            let micros = sum.micros().saturating_add(paid.micros() - refunded);
            *sum = Amount::from_micros(micros);
        }
        Ok(spent)
    }
}

fn owner(user: String) -> Result<UserId, StoreError> {
    UserId::parse(&user).map_err(|why| StoreError::corrupt("operations", user, why))
}

/// The least id that an operation of this time can have. A UUIDv7 begins with 48 bits of milliseconds (RFC 9562).
fn first_id_since(time: Timestamp) -> Uuid {
    let lead = i64::try_from(ID_LEAD.as_micros()).unwrap_or(i64::MAX);
    let millis = u128::try_from((time.micros() - lead) / 1000).unwrap_or(0);
    Uuid::from_u128(millis << 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_time_are_not_below_it_and_older_ones_are() {
        let time = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let made = |seconds| Uuid::new_v7(uuid::Timestamp::from_unix_time(seconds, 0, 0, 0));
        let first = first_id_since(time(1_800_000_000));
        assert!(made(1_800_000_000) >= first && made(1_800_000_000 - 3600) >= first);
        assert!(made(1_800_000_000 - 3601) < first);
        assert_eq!(first_id_since(time(0)), Uuid::nil());
    }
}
