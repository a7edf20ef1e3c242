//! Operations that were settled long ago, out of the way of charges: moved to a table of their own, told as before.
//!
//! An operation stands in one of the two tables, whole, and moves with its user locked: whoever has locked the user sees
//! it stand still. Who reads without that lock asks both tables in one statement ([`everywhere`]), which sees one moment:
//! an operation on its way is in the one or in the other. What is to be changed comes back first
//! ([`Transaction::bring_back`]), so that the ledger and `apply` know of one table alone.

use std::collections::BTreeSet;

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IdenStatic, Iterable, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select, Statement,
    sea_query::{Alias, UnionType},
};
use uuid::Uuid;

use super::tables::{Named as _, operations};
use super::{Store, StoreError, Transaction, dialect, task::detached};
use crate::ledger::{OperationId, OperationState, Timestamp, UserId};

/// The table that they go to; its columns are those of `operations`.
const ARCHIVE: &str = "operations_archive";
/// The table that they come from.
const OPERATIONS: &str = "operations";
/// Any number that only we use: the advisory lock of whoever archives.
const ARCHIVING: i64 = 0x6b6f_7069_6c6b_6103;

/// An operation that began long ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Old {
    /// Which.
    pub operation_id: OperationId,
    /// Whose.
    pub user_id: UserId,
    /// Since when it is settled; `None`: it is open.
    pub settle_time: Option<Timestamp>,
}

impl Store {
    /// Operations that are not archived and began before `until`, in the order of their ids, which is that of time, after the
    /// one given. By the unique index of the ids: `operations` needs none for this.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    pub async fn old_operations(
        &self,
        until: Timestamp,
        after: Option<OperationId>,
        limit: u64,
    ) -> Result<Vec<Old>, StoreError> {
        use operations::Column;
        let mut select = operations::Entity::find()
            .select_only()
            .columns([Column::OperationId, Column::UserId, Column::SettleTime])
            .filter(Column::OperationId.lt(first_id(until)))
            .order_by_asc(Column::OperationId)
            .limit(limit);
        if let Some(after) = after {
            select = select.filter(Column::OperationId.gt(after.0));
        }
        let rows: Vec<(Uuid, String, Option<i64>)> =
            select.into_tuple().all(&self.connection).await.map_err(dialect::failed)?;
        let old = |(id, user, settle_time): (Uuid, String, Option<i64>)| {
            let user_id =
                UserId::parse(&user).map_err(|why| StoreError::corrupt(OPERATIONS, id, why))?;
            let settle_time = settle_time.map(Timestamp::from_micros);
            Ok(Old { operation_id: OperationId(id), user_id, settle_time })
        };
        rows.into_iter().map(old).collect()
    }

    /// Moves to the archive those of a page that were settled by `until`, and answers to how many; `None`: another instance
    /// is moving some. One transaction, all of them or none; it locks their users as the committer does.
    ///
    /// # Errors
    /// `Conflict` and `Corrupt` where an operation stands in both tables; `Retryable`, `Unavailable`, `OutcomeUnknown`: the
    /// same page can be given again.
    pub async fn archive(
        &self,
        page: Vec<Old>,
        until: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let settled = |row: &Old| row.settle_time.is_some_and(|time| time <= until);
        let page: Vec<Old> = page.into_iter().filter(settled).collect();
        if page.is_empty() {
            return Ok(Some(0));
        }
        let store = self.clone();
        detached(async move {
            match store.archive_once(&page, until).await {
                // Where all is SERIALIZABLE, the snapshot is older than the lock that keeps archivers apart: another one may have
                // moved the page between the two. What really stands in both tables is a conflict again.
                Err(StoreError::Conflict(_)) => store.archive_once(&page, until).await,
                end => end,
            }
        })
        .await
    }

    async fn archive_once(
        &self,
        page: &[Old],
        until: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let transaction = self.begin().await?;
        if !dialect::try_alone(&transaction.inner, ARCHIVING).await? {
            transaction.roll_back().await?;
            return Ok(None);
        }
        match transaction.archive(page, until).await {
            Ok(moved) => transaction.commit().await.map(|()| Some(moved)),
            Err(error) => {
                // At once, so that the next try doesn't meet this one.
                transaction.roll_back().await?;
                Err(error)
            }
        }
    }
}

impl Transaction {
    /// Moves back to `operations` what is named and stands in the archive, and answers with it: what a batch may change
    /// stands where it can be changed. Nothing of a user who is not among `users`, whom the caller has locked. Without
    /// names it asks nothing.
    pub(super) async fn bring_back(
        &self,
        users: &BTreeSet<UserId>,
        ids: &BTreeSet<OperationId>,
    ) -> Result<Vec<operations::Model>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let named = self.ids(ids.iter().map(|id| id.0)).hold(operations::Column::OperationId);
        let mut found = self.find(in_archive(operations::Entity::find().filter(named))).await?;
        found.retain(|row| UserId::parse(&row.user_id).is_ok_and(|user| users.contains(&user)));
        let ids: Vec<Uuid> = found.iter().map(|row| row.operation_id).collect();
        self.move_rows(ARCHIVE, OPERATIONS, &ids).await?;
        Ok(found)
    }

    /// Moves those of a page to the archive that are still there and settled, now that their users are locked.
    async fn archive(&self, page: &[Old], until: Timestamp) -> Result<u64, StoreError> {
        use operations::Column;
        let users = page.iter().map(|row| row.user_id.clone()).collect();
        let users = self.lock_users(&users).await?;
        let ids = page.iter().filter(|row| users.contains_key(&row.user_id));
        let ids: Vec<Uuid> = operations::Entity::find()
            .select_only()
            .column(Column::OperationId)
            .filter(self.ids(ids.map(|row| row.operation_id.0)).hold(Column::OperationId))
            .filter(Column::State.ne(OperationState::Charged.name()))
            .filter(Column::SettleTime.lte(until.micros()))
            .into_tuple()
            .all(&self.inner)
            .await
            .map_err(dialect::failed)?;
        self.move_rows(OPERATIONS, ARCHIVE, &ids).await?;
        Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX))
    }

    /// Moves all that are named, or fails. Their users are locked, so both statements meet the same rows.
    async fn move_rows(&self, from: &str, to: &str, ids: &[Uuid]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let columns: Vec<&str> = operations::Column::iter().map(|column| column.as_str()).collect();
        let columns = columns.join(", ");
        let named = self.ids(ids.iter().copied());
        let rows = format!("FROM {from} WHERE operation_id {}", named.test("$1"));
        let insert = format!("INSERT INTO {to} ({columns}) SELECT {columns} {rows}");
        let delete = format!("DELETE {rows}");
        let named = named.into_value();
        let backend = self.inner.get_database_backend();
        for (what, sql) in [("written", insert), ("deleted", delete)] {
            let statement = Statement::from_sql_and_values(backend, sql, [named.clone()]);
            let done = self.inner.execute_raw(statement).await.map_err(dialect::failed)?;
            if usize::try_from(done.rows_affected()) != Ok(ids.len()) {
                let (rows, named) = (done.rows_affected(), ids.len());
                let what =
                    format!("{from}, on the way to {to}: {rows} rows {what} instead of {named}");
                return Err(StoreError::Corrupt { what });
            }
        }
        Ok(())
    }
}

/// The same rows of the archive.
pub(super) fn in_archive(mut rows: Select<operations::Entity>) -> Select<operations::Entity> {
    // By the name that the query's columns have.
    QueryTrait::query(&mut rows).from_clear().from_as(Alias::new(ARCHIVE), Alias::new(OPERATIONS));
    rows
}

/// The same rows, wherever they stand, of one moment. Order and limit come after it, and name columns without their table;
/// conditions come before it.
pub(super) fn everywhere(mut rows: Select<operations::Entity>) -> Select<operations::Entity> {
    let archived = in_archive(rows.clone()).into_query();
    QueryTrait::query(&mut rows).union(UnionType::All, archived);
    rows
}

/// The least id that an operation of this time can have: a UUIDv7 begins with 48 bits of milliseconds (RFC 9562).
fn first_id(time: Timestamp) -> Uuid {
    const LAST: u128 = (1 << 48) - 1;
    let millis = u128::try_from(time.micros() / 1000).unwrap_or(0);
    Uuid::from_u128(millis.min(LAST) << 80)
}
