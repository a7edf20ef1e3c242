//! Payments, their refunds, events and promotions, in the order of their keys.

use sea_orm::EntityTrait;
use uuid::Uuid;

use super::{Found, Snapshot};
use crate::ledger::{
    Event, OwnReferralCode, Payment, PaymentRefund, PromoCode, Redemption, Referral,
};
use crate::store::StoreError;
use crate::store::tables::{
    events, payment_refunds, payments, promo_codes, promo_redemptions, referral_codes, referrals,
};

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
        let after = after.map(|(user, id)| vec![user.as_str().into(), (*id).into()]);
        let keys = [Column::UserId, Column::PaymentId];
        let rows = self.page(payments::Entity::find(), &keys, after, limit).await?;
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
        let after = after.map(|(user, id)| vec![user.as_str().into(), (*id).into()]);
        let keys = [Column::UserId, Column::RefundId];
        let rows = self.page(payment_refunds::Entity::find(), &keys, after, limit).await?;
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
        let after = after.map(|(user, sequence)| vec![user.as_str().into(), (*sequence).into()]);
        let keys = [Column::UserId, Column::Sequence];
        let rows = self.page(events::Entity::find(), &keys, after, limit).await?;
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
        let after = after.map(|(user, code)| vec![user.as_str().into(), code.as_str().into()]);
        let keys = [Column::UserId, Column::Code];
        let rows = self.page(promo_redemptions::Entity::find(), &keys, after, limit).await?;
        let key = |row: &promo_redemptions::Model| (row.user_id.clone(), row.code.clone());
        Ok(rows.into_iter().map(|row| (key(&row), row.read())).collect())
    }

    /// Referrals, by the invited user.
    pub async fn referrals(
        &self,
        after: Option<&String>,
        limit: u64,
    ) -> Result<Vec<Found<String, Referral>>, StoreError> {
        let after = after.map(|user| vec![user.as_str().into()]);
        let rows = referrals::Entity::find();
        let rows = self.page(rows, &[referrals::Column::UserId], after, limit).await?;
        Ok(rows.into_iter().map(|row| (row.user_id.clone(), row.read())).collect())
    }

    /// Users' own referral codes, by user.
    pub async fn referral_codes(
        &self,
        after: Option<&String>,
        limit: u64,
    ) -> Result<Vec<Found<String, OwnReferralCode>>, StoreError> {
        let after = after.map(|user| vec![user.as_str().into()]);
        let rows = referral_codes::Entity::find();
        let rows = self.page(rows, &[referral_codes::Column::UserId], after, limit).await?;
        Ok(rows.into_iter().map(|row| (row.user_id.clone(), row.read())).collect())
    }

    /// Promo codes, by code.
    pub async fn promo_codes(
        &self,
        after: Option<&String>,
        limit: u64,
    ) -> Result<Vec<Found<String, PromoCode>>, StoreError> {
        let after = after.map(|code| vec![code.as_str().into()]);
        let rows = promo_codes::Entity::find();
        let rows = self.page(rows, &[promo_codes::Column::Code], after, limit).await?;
        Ok(rows.into_iter().map(|row| (row.code.clone(), row.read())).collect())
    }
}
