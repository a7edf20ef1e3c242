//! One consistent picture of every table, page by page in key order, for `verify`.
//!
//! A SQLite snapshot keeps the write-ahead log from being emptied, a PostgreSQL one keeps dead rows from being removed:
//! end it soon.

mod money_in;
mod shared;

use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use crate::ledger::{Entry, Grant, Operation, User};
use crate::store::archive::in_archive;
use crate::store::tables::{entries, grants, operations, users};
use crate::store::{Store, StoreError, dialect};

/// Any number that only we use: the advisory lock of an audit.
const AUDIT: i64 = 0x6b6f_7069_6c6b_6102;

/// A row by its key, or why it can't be read back.
pub type Found<Key, Row> = (Key, Result<Row, StoreError>);

/// Everything, as it was at one moment. Writes nothing, locks nothing.
#[derive(Debug)]
pub struct Snapshot {
    inner: DatabaseTransaction,
}

impl Store {
    /// Takes a snapshot.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot { inner: dialect::begin_snapshot(self.connection.pool()).await? })
    }

    /// Takes a snapshot that no other instance has one like: `None` while another has. It is let go with the snapshot.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn audit_snapshot(&self) -> Result<Option<Snapshot>, StoreError> {
        let snapshot = self.snapshot().await?;
        if dialect::try_alone(&snapshot.inner, AUDIT).await? {
            return Ok(Some(snapshot));
        }
        snapshot.end().await?;
        Ok(None)
    }
}

impl Snapshot {
    /// Users, by id.
    ///
    /// # Errors
    /// As the database answers; so for all that follow.
    pub async fn users(
        &self,
        after: Option<&String>,
        limit: u64,
    ) -> Result<Vec<Found<String, User>>, StoreError> {
        let after = after.map(|user| vec![user.as_str().into()]);
        let rows = users::Entity::find();
        let rows = self.page(rows, &[users::Column::UserId], after, limit).await?;
        Ok(rows.into_iter().map(|row| (row.user_id.clone(), row.read())).collect())
    }

    /// Grants, by user and id.
    pub async fn grants(
        &self,
        after: Option<&(String, Uuid)>,
        limit: u64,
    ) -> Result<Vec<Found<(String, Uuid), Grant>>, StoreError> {
        use grants::Column;
        let after = after.map(|(user, id)| vec![user.as_str().into(), (*id).into()]);
        let keys = [Column::UserId, Column::GrantId];
        let rows = self.page(grants::Entity::find(), &keys, after, limit).await?;
        Ok(rows.into_iter().map(|row| ((row.user_id.clone(), row.grant_id), row.read())).collect())
    }

    /// Operations that are not archived, by user and id.
    pub async fn operations(
        &self,
        after: Option<&(String, Uuid)>,
        limit: u64,
    ) -> Result<Vec<Found<(String, Uuid), Operation>>, StoreError> {
        self.operations_of(operations::Entity::find(), after, limit).await
    }

    /// Archived operations, by user and id.
    pub async fn archived_operations(
        &self,
        after: Option<&(String, Uuid)>,
        limit: u64,
    ) -> Result<Vec<Found<(String, Uuid), Operation>>, StoreError> {
        self.operations_of(in_archive(operations::Entity::find()), after, limit).await
    }

    async fn operations_of(
        &self,
        rows: Select<operations::Entity>,
        after: Option<&(String, Uuid)>,
        limit: u64,
    ) -> Result<Vec<Found<(String, Uuid), Operation>>, StoreError> {
        use operations::Column;
        let after = after.map(|(user, id)| vec![user.as_str().into(), (*id).into()]);
        let keys = [Column::UserId, Column::OperationId];
        let rows = self.page(rows, &keys, after, limit).await?;
        let key = |row: &operations::Model| (row.user_id.clone(), row.operation_id);
        Ok(rows.into_iter().map(|row| (key(&row), row.read())).collect())
    }

    /// Entries, by user and sequence.
    pub async fn entries(
        &self,
        after: Option<&(String, i64)>,
        limit: u64,
    ) -> Result<Vec<Found<(String, i64), Entry>>, StoreError> {
        use entries::Column;
        let after = after.map(|(user, sequence)| vec![user.as_str().into(), (*sequence).into()]);
        let keys = [Column::UserId, Column::Sequence];
        let rows = self.page(entries::Entity::find(), &keys, after, limit).await?;
        Ok(rows.into_iter().map(|row| ((row.user_id.clone(), row.sequence), row.read())).collect())
    }

    /// One user's entries after a sequence number, by number.
    pub async fn entries_of(
        &self,
        user: &str,
        after: i64,
        limit: u64,
    ) -> Result<Vec<Found<i64, Entry>>, StoreError> {
        use entries::Column;
        let theirs = entries::Entity::find().filter(Column::UserId.eq(user));
        let after = Some(vec![after.into()]);
        let rows = self.page(theirs, &[Column::Sequence], after, limit).await?;
        Ok(rows.into_iter().map(|row| (row.sequence, row.read())).collect())
    }

    /// Ends it.
    pub async fn end(self) -> Result<(), StoreError> {
        self.inner.rollback().await.map_err(dialect::failed)
    }

    /// The next page of a table after a key, in the order of its keys.
    async fn page<E: EntityTrait>(
        &self,
        rows: Select<E>,
        keys: &[E::Column],
        after: Option<Vec<Expr>>,
        limit: u64,
    ) -> Result<Vec<E::Model>, StoreError> {
        let mut select = keys.iter().fold(rows, |rows, key| rows.order_by_asc(*key)).limit(limit);
        if let Some(after) = after {
            let key = Expr::tuple(keys.iter().map(|key| Expr::col(*key)));
            select = select.filter(key.gt(Expr::tuple(after)));
        }
        select.all(&self.inner).await.map_err(dialect::failed)
    }
}
