//! What is to be done now: holds and grants that end, payments and refunds that providers are to be asked about, rewards.
//!
//! Conditions of partial indexes stand here in their very words: a bound value would not match them.

use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::owner;
use crate::ledger::{GrantId, OperationId, Payment, PaymentRefund, Referral, Timestamp, UserId};
use crate::store::tables::{grants, operations, payment_refunds, payments, referrals};
use crate::store::{Store, StoreError, dialect};

/// A hold or a grant whose time is up, or soon will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due<Id> {
    /// Whose.
    pub user_id: UserId,
    /// Which.
    pub id: Id,
    /// Since when, or when.
    pub expire_time: Timestamp,
}

impl Store {
    /// Holds whose time is up at `now`, the oldest first, after the one given.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`; so for all that follow.
    pub async fn due_holds(
        &self,
        now: Timestamp,
        after: Option<&Due<OperationId>>,
        limit: u64,
    ) -> Result<Vec<Due<OperationId>>, StoreError> {
        use operations::Column;
        let mut select = operations::Entity::find()
            .select_only()
            .columns([Column::UserId, Column::OperationId, Column::ExpireTime])
            .filter(Expr::cust("state = 'CHARGED'"))
            .filter(Column::ExpireTime.lte(now.micros()))
            .order_by_asc(Column::ExpireTime)
            .order_by_asc(Column::OperationId)
            .limit(limit);
        if let Some(after) = after {
            select = select.filter(
                Expr::tuple([Expr::col(Column::ExpireTime), Expr::col(Column::OperationId)])
                    .gt(Expr::tuple([after.expire_time.micros().into(), after.id.0.into()])),
            );
        }
        let rows: Vec<(String, Uuid, i64)> =
            select.into_tuple().all(&self.connection).await.map_err(dialect::failed)?;
        rows.into_iter().map(|row| due("operations", row, OperationId)).collect()
    }

    /// Grants with something left whose time is up at `now`, the oldest first, after the one given.
    pub async fn due_grants(
        &self,
        now: Timestamp,
        after: Option<&Due<GrantId>>,
        limit: u64,
    ) -> Result<Vec<Due<GrantId>>, StoreError> {
        use grants::Column;
        let mut select = grants::Entity::find()
            .select_only()
            .columns([Column::UserId, Column::GrantId, Column::ExpireTime])
            .filter(Expr::cust("remaining > 0 AND expire_time IS NOT NULL"))
            .filter(Column::ExpireTime.lte(now.micros()))
            .order_by_asc(Column::ExpireTime)
            .order_by_asc(Column::GrantId)
            .limit(limit);
        if let Some(after) = after {
            select = select.filter(
                Expr::tuple([Expr::col(Column::ExpireTime), Expr::col(Column::GrantId)])
                    .gt(Expr::tuple([after.expire_time.micros().into(), after.id.0.into()])),
            );
        }
        let rows: Vec<(String, Uuid, i64)> =
            select.into_tuple().all(&self.connection).await.map_err(dialect::failed)?;
        rows.into_iter().map(|row| due("grants", row, GrantId)).collect()
    }

    /// Grants with something left that end after `now`, at `until` at the latest, and whose users were not told, those
    /// that end first.
    pub async fn expiring_grants(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u64,
    ) -> Result<Vec<Due<GrantId>>, StoreError> {
        use grants::Column;
        let rows: Vec<(String, Uuid, i64)> = grants::Entity::find()
            .select_only()
            .columns([Column::UserId, Column::GrantId, Column::ExpireTime])
            .filter(Expr::cust("remaining > 0 AND expire_time IS NOT NULL"))
            .filter(Column::ExpireTime.gt(now.micros()))
            .filter(Column::ExpireTime.lte(until.micros()))
            .filter(Column::Announced.eq(0))
            .order_by_asc(Column::ExpireTime)
            .order_by_asc(Column::GrantId)
            .limit(limit)
            .into_tuple()
            .all(&self.connection)
            .await
            .map_err(dialect::failed)?;
        rows.into_iter().map(|row| due("grants", row, GrantId)).collect()
    }

    /// Payments whose provider is to be asked at `now`, those that wait longest first.
    pub async fn due_checks(&self, now: Timestamp, limit: u64) -> Result<Vec<Payment>, StoreError> {
        use payments::Column;
        let rows = payments::Entity::find()
            .filter(Expr::cust("next_check IS NOT NULL"))
            .filter(Column::NextCheck.lte(now.micros()))
            .order_by_asc(Column::NextCheck)
            .order_by_asc(Column::PaymentId)
            .limit(limit)
            .all(&self.connection)
            .await
            .map_err(dialect::failed)?;
        rows.into_iter().map(payments::Model::read).collect()
    }

    /// Payments that are paid and were not credited, though nothing stands against it, the oldest first.
    pub async fn paid_uncredited(&self, limit: u64) -> Result<Vec<Payment>, StoreError> {
        let rows = payments::Entity::find()
            .filter(Expr::cust("state = 'PAID' AND parked IS NULL"))
            // What a rule gives back is not credited, unless the provider would not have it.
            .filter(Expr::cust(
                "NOT EXISTS (SELECT 1 FROM payment_refunds
                    WHERE payment_refunds.payment_id = payments.payment_id AND origin = 'RULE'
                    AND payment_refunds.state <> 'REVERSED')",
            ))
            .order_by_asc(payments::Column::PaymentId)
            .limit(limit)
            .all(&self.connection)
            .await
            .map_err(dialect::failed)?;
        rows.into_iter().map(payments::Model::read).collect()
    }

    /// Refunds that are to be asked of their provider at `now`, those that wait longest first.
    pub async fn due_refunds(
        &self,
        now: Timestamp,
        limit: u64,
    ) -> Result<Vec<PaymentRefund>, StoreError> {
        use payment_refunds::Column;
        let rows = payment_refunds::Entity::find()
            .filter(Expr::cust("state = 'PENDING' AND next_try IS NOT NULL"))
            .filter(Column::NextTry.lte(now.micros()))
            .order_by_asc(Column::NextTry)
            .order_by_asc(Column::RefundId)
            .limit(limit)
            .all(&self.connection)
            .await
            .map_err(dialect::failed)?;
        rows.into_iter().map(payment_refunds::Model::read).collect()
    }

    /// Invitations whose inviter is to be rewarded, the oldest first.
    pub async fn earned_referrals(&self, limit: u64) -> Result<Vec<Referral>, StoreError> {
        use referrals::Column;
        let rows = referrals::Entity::find()
            .filter(Expr::cust("state = 'EARNED'"))
            .order_by_asc(Column::UpdateTime)
            .order_by_asc(Column::UserId)
            .limit(limit)
            .all(&self.connection)
            .await
            .map_err(dialect::failed)?;
        rows.into_iter().map(referrals::Model::read).collect()
    }
}

fn due<Id>(
    table: &str,
    (user, id, expire_time): (String, Uuid, i64),
    of: fn(Uuid) -> Id,
) -> Result<Due<Id>, StoreError> {
    let expire_time = Timestamp::from_micros(expire_time);
    Ok(Due { user_id: owner(table, user)?, id: of(id), expire_time })
}
