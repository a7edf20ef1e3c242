//! What no two rows may share, and what each row needs of another user's.

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IdenStatic, QueryFilter, QueryOrder, QuerySelect,
    Select, Statement, TryGetable, TryGetableMany,
    sea_query::{Expr, ExprTrait, Query},
};
use uuid::Uuid;

use super::Snapshot;
use crate::store::archive::in_archive;
use crate::store::tables::{
    event_position, events, operations, payments, promo_redemptions, referrals, users,
};
use crate::store::{StoreError, dialect};

impl Snapshot {
    /// request_ids that more than one operation has, in the archive or out of it; at most `limit` of each kind.
    ///
    /// # Errors
    /// As the database answers; so for all that follow.
    pub async fn shared_request_ids(&self, limit: u64) -> Result<Vec<String>, StoreError> {
        self.shared_by_operations(operations::Column::RequestId, limit).await
    }

    /// Ids that more than one operation has; likewise.
    pub async fn shared_operation_ids(&self, limit: u64) -> Result<Vec<Uuid>, StoreError> {
        self.shared_by_operations(operations::Column::OperationId, limit).await
    }

    /// request_ids that more than one payment has, at most `limit`.
    pub async fn shared_payment_requests(&self, limit: u64) -> Result<Vec<String>, StoreError> {
        self.shared(payments::Entity::find(), payments::Column::RequestId, limit).await
    }

    /// Providers with a name that more than one payment has, at most `limit`.
    pub async fn shared_provider_payments(
        &self,
        limit: u64,
    ) -> Result<Vec<(String, String)>, StoreError> {
        use payments::Column;
        payments::Entity::find()
            .select_only()
            .columns([Column::Provider, Column::ProviderPaymentId])
            .filter(Column::ProviderPaymentId.is_not_null())
            .group_by(Column::Provider)
            .group_by(Column::ProviderPaymentId)
            .having(Column::PaymentId.count().gt(1))
            .limit(limit)
            .into_tuple()
            .all(&self.inner)
            .await
            .map_err(dialect::failed)
    }

    /// How often each promo code was redeemed, by its redemptions, in the order of the codes.
    pub async fn redemptions_by_code(&self) -> Result<Vec<(String, i64)>, StoreError> {
        use promo_redemptions::Column;
        promo_redemptions::Entity::find()
            .select_only()
            .column(Column::Code)
            .column_as(Column::UserId.count(), "users")
            .group_by(Column::Code)
            .order_by_asc(Column::Code)
            .into_tuple()
            .all(&self.inner)
            .await
            .map_err(dialect::failed)
    }

    /// How many events have a position, the highest of them, and the last that was given out.
    pub async fn positions(&self) -> Result<(i64, i64, i64), StoreError> {
        use events::Column;
        let found: Option<(i64, Option<i64>)> = events::Entity::find()
            .select_only()
            .column_as(Column::Position.count(), "given_out")
            .column_as(Column::Position.max(), "highest")
            .into_tuple()
            .one(&self.inner)
            .await
            .map_err(dialect::failed)?;
        let (count, highest) = found.unwrap_or_default();
        let only = event_position::Entity::find_by_id(event_position::ONLY);
        let last = only.one(&self.inner).await.map_err(dialect::failed)?;
        Ok((count, highest.unwrap_or(0), last.map_or(0, |row| row.position)))
    }

    /// Invited users whose inviter does not exist, at most `limit`.
    pub async fn invited_by_nobody(&self, limit: u64) -> Result<Vec<String>, StoreError> {
        let inviter = Query::select()
            .expr(Expr::val(1))
            .from(users::Entity)
            .and_where(
                Expr::col((users::Entity, users::Column::UserId))
                    .equals((referrals::Entity, referrals::Column::Inviter)),
            )
            .take();
        referrals::Entity::find()
            .select_only()
            .column(referrals::Column::UserId)
            .filter(Expr::not_exists(inviter))
            .limit(limit)
            .into_tuple()
            .all(&self.inner)
            .await
            .map_err(dialect::failed)
    }

    /// In either of their tables, and in both.
    async fn shared_by_operations<T>(
        &self,
        column: operations::Column,
        limit: u64,
    ) -> Result<Vec<T>, StoreError>
    where
        T: TryGetableMany + TryGetable + Send,
    {
        let mut shared: Vec<T> = self.shared(operations::Entity::find(), column, limit).await?;
        let archived = in_archive(operations::Entity::find());
        shared.extend(self.shared(archived, column, limit).await?);
        // Materialized, so that it is planned for all rows: a plan that hopes to find the first few soon looks each up.
        let (column, backend) = (column.as_str(), self.inner.get_database_backend());
        let in_both = format!(
            "WITH shared AS MATERIALIZED (
                SELECT operations.{column} AS id FROM operations
                JOIN operations_archive ON operations_archive.{column} = operations.{column}
            ) SELECT id FROM shared LIMIT {limit}"
        );
        let rows = self.inner.query_all_raw(Statement::from_string(backend, in_both));
        for row in rows.await.map_err(dialect::failed)? {
            shared.push(row.try_get("", "id").map_err(dialect::failed)?);
        }
        Ok(shared)
    }

    /// What more than one of these rows has in a column, at most `limit`.
    async fn shared<E, T>(
        &self,
        rows: Select<E>,
        column: E::Column,
        limit: u64,
    ) -> Result<Vec<T>, StoreError>
    where
        E: EntityTrait,
        T: TryGetableMany + Send,
    {
        rows.select_only()
            .column(column)
            .group_by(column)
            .having(column.count().gt(1))
            .limit(limit)
            .into_tuple()
            .all(&self.inner)
            .await
            .map_err(dialect::failed)
    }
}
