//! `apply(changes)`: each row is written once, all of them together, and as many must change as should.

use std::time::SystemTime;

use sea_orm::{ConnectionTrait, EntityTrait, ModelTrait};

use super::dialect::Rows;
use super::tables::{
    admin_requests, entries, events, grants, operations, payment_refunds, payments, prices,
    promo_codes, promo_redemptions, referral_codes, referrals, users,
};
use super::transaction::Inner;
use super::{StoreError, Transaction};
use crate::ledger::{Changes, Grant, Operation, Payment, PaymentRefund, PriceList};

impl Transaction {
    /// Writes what a batch decided. New rows fail with a conflict where another instance was faster; rows that were
    /// there belong to users, or are promo codes, that `load` locked; or nothing was locked, and it is a conflict too where a
    /// user's version has changed meanwhile.
    ///
    /// # Errors
    /// `Conflict`, `Retryable`, `Unavailable`, `Refused`; `Corrupt` where a row to be changed is not there. Without locks this is
    /// the commit, too, and may end in `OutcomeUnknown`.
    pub async fn apply(&self, changes: &Changes) -> Result<(), StoreError> {
        let mut write = self.rows();
        // First, and in the order of their ids: batches that write the same users meet at the first of them, and neither holds
        // what the other one waits for.
        update_users(&mut write, changes)?;
        insert_new(&mut write, changes)?;
        insert_new_payments_and_promotions(&mut write, changes)?;
        update_grants(&mut write, &changes.grants)?;
        update_operations(&mut write, &changes.operations)?;
        update_payments(&mut write, &changes.payments)?;
        update_payment_refunds(&mut write, &changes.payment_refunds)?;
        write.update::<promo_codes::Entity>(
            &rows(&changes.promo_codes, promo_codes::row),
            &[promo_codes::Column::Code],
            &[promo_codes::Column::Redemptions],
        )?;
        write.update::<referrals::Entity>(
            &rows(&changes.referrals, referrals::row),
            &[referrals::Column::UserId],
            &[referrals::Column::State, referrals::Column::UpdateTime],
        )?;
        match &self.inner {
            Inner::Locking(transaction) => write.write(transaction).await,
            Inner::Comparing(connection) => write.write_alone(connection).await,
        }
    }

    /// The version is the key: whoever publishes it second runs again and takes the next one.
    pub(super) async fn insert_prices(&self, list: &PriceList) -> Result<(), StoreError> {
        let mut write = self.rows();
        add_prices(&mut write, list)?;
        write.write(&self.inner).await
    }

    /// Sets columns of rows that must be there.
    pub(super) async fn update<E>(
        &self,
        rows: &[E::Model],
        keys: &[E::Column],
        set: &[E::Column],
    ) -> Result<(), StoreError>
    where
        E: EntityTrait,
        E::Model: ModelTrait<Entity = E>,
    {
        let mut write = self.rows();
        write.update::<E>(rows, keys, set)?;
        write.write(&self.inner).await
    }

    fn rows(&self) -> Rows {
        Rows::new(self.inner.get_database_backend())
    }
}

fn insert_new(write: &mut Rows, changes: &Changes) -> Result<(), StoreError> {
    write.insert::<users::Entity>(&rows(&changes.new_users, users::row))?;
    write.insert::<operations::Entity>(&try_rows(&changes.new_operations, operations::row)?)?;
    let requests = try_rows(&changes.new_admin_requests, admin_requests::row)?;
    write.insert::<admin_requests::Entity>(&requests)?;
    write.insert::<grants::Entity>(&rows(&changes.new_grants, grants::row))?;
    write.insert::<entries::Entity>(&rows(&changes.entries, entries::row))?;
    write.insert::<events::Entity>(&try_rows(&changes.events, events::row)?)?;
    changes.new_price_lists.iter().try_for_each(|list| add_prices(write, list))
}

fn insert_new_payments_and_promotions(
    write: &mut Rows,
    changes: &Changes,
) -> Result<(), StoreError> {
    write.insert::<payments::Entity>(&rows(&changes.new_payments, payments::row))?;
    let refunds = rows(&changes.new_payment_refunds, payment_refunds::row);
    write.insert::<payment_refunds::Entity>(&refunds)?;
    write.insert::<promo_codes::Entity>(&rows(&changes.new_promo_codes, promo_codes::row))?;
    let redemptions = rows(&changes.new_redemptions, promo_redemptions::row);
    write.insert::<promo_redemptions::Entity>(&redemptions)?;
    write.insert::<referrals::Entity>(&rows(&changes.new_referrals, referrals::row))?;
    let codes = rows(&changes.new_referral_codes, referral_codes::row);
    write.insert::<referral_codes::Entity>(&codes)
}

fn add_prices(write: &mut Rows, list: &PriceList) -> Result<(), StoreError> {
    let publish_time = service_kit::time::to_micros(SystemTime::now());
    let version = prices::lists::Model { version: list.version, publish_time };
    write.insert::<prices::lists::Entity>(&[version])?;
    write.insert::<prices::Entity>(&prices::rows(list))
}

fn update_users(write: &mut Rows, changes: &Changes) -> Result<(), StoreError> {
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
    let users = rows(&changes.users, users::row);
    let (keys, loaded) = ([Column::UserId], &changes.versions);
    write.update_unchanged::<users::Entity>(&users, &keys, &set, Column::Version, loaded)
}

fn update_grants(write: &mut Rows, list: &[Grant]) -> Result<(), StoreError> {
    use grants::Column;
    let set = [Column::Remaining, Column::ExpireTime, Column::Announced];
    let keys = [Column::UserId, Column::GrantId];
    write.update::<grants::Entity>(&rows(list, grants::row), &keys, &set)
}

fn update_operations(write: &mut Rows, list: &[Operation]) -> Result<(), StoreError> {
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
    write.update::<operations::Entity>(&try_rows(list, operations::row)?, &keys, &set)
}

fn update_payments(write: &mut Rows, list: &[Payment]) -> Result<(), StoreError> {
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
    write.update::<payments::Entity>(&rows(list, payments::row), &keys, &set)
}

fn update_payment_refunds(write: &mut Rows, list: &[PaymentRefund]) -> Result<(), StoreError> {
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
    write.update::<payment_refunds::Entity>(&rows, &keys, &set)
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
