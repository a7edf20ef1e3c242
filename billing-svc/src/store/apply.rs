//! `apply(changes)`: each row is written once, many rows a statement, and as many must change as should.

use std::time::SystemTime;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Iterable,
    ModelTrait,
    sea_query::{Alias, Expr, ExprTrait, IntoIden, Query, TableRef, ValueTuple},
};

use super::tables::{
    admin_requests, entries, events, grants, operations, payment_refunds, payments, prices,
    promo_codes, promo_redemptions, referral_codes, referrals, users,
};
use super::{StoreError, Transaction, dialect};
use crate::ledger::{Changes, Grant, Operation, Payment, PaymentRefund, PriceList, User};

impl Transaction {
    /// Writes what a batch decided. New rows fail with a conflict where another instance was faster; rows that were
    /// there belong to users, or are promo codes, that `load` locked.
    ///
    /// # Errors
    /// `Conflict`, `Retryable`, `Unavailable`, `Refused`; `Corrupt` where a row to be changed is not there.
    pub async fn apply(&self, changes: &Changes) -> Result<(), StoreError> {
        self.insert_new(changes).await?;
        self.insert_new_payments_and_promotions(changes).await?;
        self.update_users(&changes.users).await?;
        self.update_grants(&changes.grants).await?;
        self.update_operations(&changes.operations).await?;
        self.update_payments(&changes.payments).await?;
        self.update_payment_refunds(&changes.payment_refunds).await?;
        self.update::<promo_codes::Entity>(
            rows(&changes.promo_codes, promo_codes::row),
            &[promo_codes::Column::Code],
            &[promo_codes::Column::Redemptions],
        )
        .await?;
        self.update::<referrals::Entity>(
            rows(&changes.referrals, referrals::row),
            &[referrals::Column::UserId],
            &[referrals::Column::State, referrals::Column::UpdateTime],
        )
        .await
    }

    async fn insert_new(&self, changes: &Changes) -> Result<(), StoreError> {
        self.insert::<users::Entity>(rows(&changes.new_users, users::row)).await?;
        self.insert::<operations::Entity>(try_rows(&changes.new_operations, operations::row)?)
            .await?;
        let requests = try_rows(&changes.new_admin_requests, admin_requests::row)?;
        self.insert::<admin_requests::Entity>(requests).await?;
        self.insert::<grants::Entity>(rows(&changes.new_grants, grants::row)).await?;
        self.insert::<entries::Entity>(rows(&changes.entries, entries::row)).await?;
        self.insert::<events::Entity>(try_rows(&changes.events, events::row)?).await?;
        for list in &changes.new_price_lists {
            self.insert_prices(list).await?;
        }
        Ok(())
    }

    async fn insert_new_payments_and_promotions(
        &self,
        changes: &Changes,
    ) -> Result<(), StoreError> {
        self.insert::<payments::Entity>(rows(&changes.new_payments, payments::row)).await?;
        let refunds = rows(&changes.new_payment_refunds, payment_refunds::row);
        self.insert::<payment_refunds::Entity>(refunds).await?;
        self.insert::<promo_codes::Entity>(rows(&changes.new_promo_codes, promo_codes::row))
            .await?;
        let redemptions = rows(&changes.new_redemptions, promo_redemptions::row);
        self.insert::<promo_redemptions::Entity>(redemptions).await?;
        self.insert::<referrals::Entity>(rows(&changes.new_referrals, referrals::row)).await?;
        let codes = rows(&changes.new_referral_codes, referral_codes::row);
        self.insert::<referral_codes::Entity>(codes).await
    }

    /// The version is the key: whoever publishes it second runs again and takes the next one.
    pub(super) async fn insert_prices(&self, list: &PriceList) -> Result<(), StoreError> {
        let publish_time = service_kit::time::to_micros(SystemTime::now());
        let version = prices::lists::Model { version: list.version, publish_time };
        self.insert::<prices::lists::Entity>(vec![version]).await?;
        self.insert::<prices::Entity>(prices::rows(list)).await
    }

    async fn update_users(&self, list: &[User]) -> Result<(), StoreError> {
        use users::Column;
        let set = [
            Column::Available,
            Column::Held,
            Column::HeldOperations,
            Column::Standing,
            Column::Version,
            Column::LastEntry,
            Column::LastEvent,
            Column::Topups,
        ];
        self.update::<users::Entity>(rows(list, users::row), &[Column::UserId], &set).await
    }

    async fn update_grants(&self, list: &[Grant]) -> Result<(), StoreError> {
        use grants::Column;
        let set = [Column::Remaining, Column::ExpireTime, Column::Announced];
        let keys = [Column::UserId, Column::GrantId];
        self.update::<grants::Entity>(rows(list, grants::row), &keys, &set).await
    }

    async fn update_operations(&self, list: &[Operation]) -> Result<(), StoreError> {
        use operations::Column;
        let set = [
            Column::State,
            Column::Refunded,
            Column::RefundReason,
            Column::RefundComment,
            Column::ExpireTime,
            Column::SettleTime,
        ];
        let keys = [Column::UserId, Column::OperationId];
        self.update::<operations::Entity>(try_rows(list, operations::row)?, &keys, &set).await
    }

    async fn update_payments(&self, list: &[Payment]) -> Result<(), StoreError> {
        use payments::Column;
        let set = [
            Column::State,
            Column::ProviderPaymentId,
            Column::ConfirmationUrl,
            Column::Method,
            Column::ReceivedAmount,
            Column::ReceivedCurrency,
            Column::Parked,
            Column::Credited,
            Column::UpdateTime,
            Column::PaidTime,
            Column::CreditTime,
            Column::NextCheck,
            Column::Checks,
        ];
        let keys = [Column::UserId, Column::PaymentId];
        self.update::<payments::Entity>(rows(list, payments::row), &keys, &set).await
    }

    async fn update_payment_refunds(&self, list: &[PaymentRefund]) -> Result<(), StoreError> {
        use payment_refunds::Column;
        let set = [
            Column::State,
            Column::Amount,
            Column::Reason,
            Column::ProviderRefundId,
            Column::SettleTime,
            Column::NextTry,
            Column::Tries,
        ];
        let keys = [Column::UserId, Column::RefundId];
        let rows = rows(list, payment_refunds::row);
        self.update::<payment_refunds::Entity>(rows, &keys, &set).await
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
    pub(super) async fn update<E>(
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

fn rows<T, Row>(list: &[T], row: fn(&T) -> Row) -> Vec<Row> {
    list.iter().map(row).collect()
}

fn try_rows<T, Row>(
    list: &[T],
    row: fn(&T) -> Result<Row, StoreError>,
) -> Result<Vec<Row>, StoreError> {
    list.iter().map(row).collect()
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
