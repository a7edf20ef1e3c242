//! Payments, their refunds, events and promotions, in the order of their keys.

use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{Found, Snapshot};
use crate::ledger::{
    Event, OwnReferralCode, Payment, PaymentRefund, PromoCode, Redemption, Referral,
};
use crate::store::tables::{
    events, payment_refunds, payments, promo_codes, promo_redemptions, referral_codes, referrals,
};
use crate::store::{StoreError, dialect};

impl Snapshot {
    /// Payments, by user and id.
    ///
    /// # Errors
    /// As the database answers; so for all that follow.
    pub async fn payments(
        &self,
        after: Option<&(String, Uuid)>,
        limit: u64,
    ) -> Result<Vec<Found<(String, Uuid), Payment>>, StoreError> {
        use payments::Column;
        let mut select = payments::Entity::find()
            .order_by_asc(Column::UserId)
            .order_by_asc(Column::PaymentId)
            .limit(limit);
        if let Some((user, id)) = after {
            let key = Expr::tuple([Expr::col(Column::UserId), Expr::col(Column::PaymentId)]);
            select = select.filter(key.gt(Expr::tuple([user.as_str().into(), (*id).into()])));
        }
        let rows = select.all(&self.inner).await.map_err(dialect::failed)?;
        let key = |row: &payments::Model| (row.user_id.clone(), row.payment_id);
        Ok(rows.into_iter().map(|row| (key(&row), row.read())).collect())
    }

    /// Refunds of payments, by user and id.
    pub async fn payment_refunds(
        &self,
        after: Option<&(String, Uuid)>,
        limit: u64,
    ) -> Result<Vec<Found<(String, Uuid), PaymentRefund>>, StoreError> {
        use payment_refunds::Column;
        let mut select = payment_refunds::Entity::find()
            .order_by_asc(Column::UserId)
            .order_by_asc(Column::RefundId)
            .limit(limit);
        if let Some((user, id)) = after {
            let key = Expr::tuple([Expr::col(Column::UserId), Expr::col(Column::RefundId)]);
            select = select.filter(key.gt(Expr::tuple([user.as_str().into(), (*id).into()])));
        }
        let rows = select.all(&self.inner).await.map_err(dialect::failed)?;
        let key = |row: &payment_refunds::Model| (row.user_id.clone(), row.refund_id);
        Ok(rows.into_iter().map(|row| (key(&row), row.read())).collect())
    }

    /// Events with the positions that were given to them, by user and sequence.
    pub async fn events(
        &self,
        after: Option<&(String, i64)>,
        limit: u64,
    ) -> Result<Vec<Found<(String, i64), (Event, Option<i64>)>>, StoreError> {
        use events::Column;
        let mut select = events::Entity::find()
            .order_by_asc(Column::UserId)
            .order_by_asc(Column::Sequence)
            .limit(limit);
        if let Some((user, sequence)) = after {
            let key = Expr::tuple([Expr::col(Column::UserId), Expr::col(Column::Sequence)]);
            select = select.filter(key.gt(Expr::tuple([user.as_str().into(), (*sequence).into()])));
        }
        let rows = select.all(&self.inner).await.map_err(dialect::failed)?;
        let found = |row: events::Model| {
            let (key, position) = ((row.user_id.clone(), row.sequence), row.position);
            (key, row.read().map(|event| (event, position)))
        };
        Ok(rows.into_iter().map(found).collect())
    }

    /// Redemptions of promo codes, by user and code.
    pub async fn redemptions(
        &self,
        after: Option<&(String, String)>,
        limit: u64,
    ) -> Result<Vec<Found<(String, String), Redemption>>, StoreError> {
        use promo_redemptions::Column;
        let mut select = promo_redemptions::Entity::find()
            .order_by_asc(Column::UserId)
            .order_by_asc(Column::Code)
            .limit(limit);
        if let Some((user, code)) = after {
            let key = Expr::tuple([Expr::col(Column::UserId), Expr::col(Column::Code)]);
            let after = Expr::tuple([user.as_str().into(), code.as_str().into()]);
            select = select.filter(key.gt(after));
        }
        let rows = select.all(&self.inner).await.map_err(dialect::failed)?;
        let key = |row: &promo_redemptions::Model| (row.user_id.clone(), row.code.clone());
        Ok(rows.into_iter().map(|row| (key(&row), row.read())).collect())
    }

    /// Referrals, by the invited user.
    pub async fn referrals(
        &self,
        after: Option<&String>,
        limit: u64,
    ) -> Result<Vec<Found<String, Referral>>, StoreError> {
        use referrals::Column;
        let mut select = referrals::Entity::find().order_by_asc(Column::UserId).limit(limit);
        if let Some(user) = after {
            select = select.filter(Column::UserId.gt(user));
        }
        let rows = select.all(&self.inner).await.map_err(dialect::failed)?;
        Ok(rows.into_iter().map(|row| (row.user_id.clone(), row.read())).collect())
    }

    /// Users' own referral codes, by user.
    pub async fn referral_codes(
        &self,
        after: Option<&String>,
        limit: u64,
    ) -> Result<Vec<Found<String, OwnReferralCode>>, StoreError> {
        use referral_codes::Column;
        let mut select = referral_codes::Entity::find().order_by_asc(Column::UserId).limit(limit);
        if let Some(user) = after {
            select = select.filter(Column::UserId.gt(user));
        }
        let rows = select.all(&self.inner).await.map_err(dialect::failed)?;
        Ok(rows.into_iter().map(|row| (row.user_id.clone(), row.read())).collect())
    }

    /// Promo codes, by code.
    pub async fn promo_codes(
        &self,
        after: Option<&String>,
        limit: u64,
    ) -> Result<Vec<Found<String, PromoCode>>, StoreError> {
        use promo_codes::Column;
        let mut select = promo_codes::Entity::find().order_by_asc(Column::Code).limit(limit);
        if let Some(code) = after {
            select = select.filter(Column::Code.gt(code));
        }
        let rows = select.all(&self.inner).await.map_err(dialect::failed)?;
        Ok(rows.into_iter().map(|row| (row.code.clone(), row.read())).collect())
    }
}
