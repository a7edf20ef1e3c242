//! `apply(changes)`: each row is written once, many rows a statement, and as many must change as should.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Iterable,
    ModelTrait,
    sea_query::{Alias, Expr, ExprTrait, IntoIden, Query, TableRef, ValueTuple},
};

use super::tables::{admin_requests, entries, grants, operations, users};
use super::{StoreError, Transaction, dialect};
use crate::ledger::Changes;

impl Transaction {
    /// Writes what a batch decided. New rows fail with a conflict where another instance was faster; rows that were
    /// there belong to users whom `load` locked.
    ///
    /// # Errors
    /// `Conflict`, `Retryable`, `Unavailable`, `Refused`; `Corrupt` where a row to be changed is not there.
    pub async fn apply(&self, changes: &Changes) -> Result<(), StoreError> {
        self.insert::<users::Entity>(changes.new_users.iter().map(users::row).collect()).await?;
        self.insert::<operations::Entity>(operation_rows(&changes.new_operations)?).await?;
        self.insert::<admin_requests::Entity>(
            changes.new_admin_requests.iter().map(admin_requests::row).collect(),
        )
        .await?;
        self.insert::<grants::Entity>(changes.new_grants.iter().map(grants::row).collect()).await?;
        self.insert::<entries::Entity>(changes.entries.iter().map(entries::row).collect()).await?;

        self.update::<users::Entity>(
            changes.users.iter().map(users::row).collect(),
            &[users::Column::UserId],
            &[
                users::Column::Available,
                users::Column::Held,
                users::Column::HeldOperations,
                users::Column::Standing,
                users::Column::Version,
                users::Column::LastEntry,
            ],
        )
        .await?;
        self.update::<grants::Entity>(
            changes.grants.iter().map(grants::row).collect(),
            &[grants::Column::UserId, grants::Column::GrantId],
            &[grants::Column::Remaining, grants::Column::ExpireTime],
        )
        .await?;
        self.update::<operations::Entity>(
            operation_rows(&changes.operations)?,
            &[operations::Column::UserId, operations::Column::OperationId],
            &[
                operations::Column::State,
                operations::Column::Refunded,
                operations::Column::RefundReason,
                operations::Column::RefundComment,
                operations::Column::ExpireTime,
                operations::Column::SettleTime,
            ],
        )
        .await
    }

    /// Inserts rows that must not be there.
    pub(super) async fn insert<E>(&self, rows: Vec<E::Model>) -> Result<(), StoreError>
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
    {
        let limit = dialect::bind_limit(self.inner.get_database_backend());
        let size = limit / E::Column::iter().count();
        let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model).peekable();
        while rows.peek().is_some() {
            let part: Vec<E::ActiveModel> = rows.by_ref().take(size).collect();
            let expected = part.len();
            let insert = E::insert_many(part).exec_without_returning(&self.inner);
            check::<E>(insert.await.map_err(dialect::failed)?, expected)?;
        }
        Ok(())
    }

    /// Sets columns of rows that must be there: `UPDATE … FROM (VALUES …)`, the same on both databases.
    async fn update<E>(
        &self,
        rows: Vec<E::Model>,
        keys: &[E::Column],
        set: &[E::Column],
    ) -> Result<(), StoreError>
    where
        E: EntityTrait,
        E::Model: ModelTrait<Entity = E>,
    {
        let columns = || keys.iter().chain(set).copied();
        let limit = dialect::bind_limit(self.inner.get_database_backend());
        for part in rows.chunks(limit / columns().count()) {
            let values = part
                .iter()
                .map(|row| ValueTuple::Many(columns().map(|column| row.get(column)).collect()));
            let new = Alias::new("new");
            let mut update = Query::update();
            update
                .table(E::default())
                .from(TableRef::ValuesList(values.collect(), new.clone().into_iden()));
            for (position, column) in columns().enumerate() {
                // What both databases call the columns of VALUES.
                let value = Expr::col((new.clone(), Alias::new(format!("column{}", position + 1))));
                if position < keys.len() {
                    update.and_where(column.into_expr().eq(value));
                } else {
                    update.value(column, value);
                }
            }
            let result = self.inner.execute(&update).await.map_err(dialect::failed)?;
            check::<E>(result.rows_affected(), part.len())?;
        }
        Ok(())
    }
}

fn operation_rows(list: &[crate::ledger::Operation]) -> Result<Vec<operations::Model>, StoreError> {
    list.iter().map(operations::row).collect()
}

/// As many rows changed as should have?
fn check<E: EntityTrait>(affected: u64, expected: usize) -> Result<(), StoreError> {
    if usize::try_from(affected) == Ok(expected) {
        return Ok(());
    }
    let table = E::default().as_str().to_owned();
    Err(StoreError::Corrupt {
        what: format!("{table}: {affected} rows changed instead of {expected}"),
    })
}
