//! Promo codes and referrals.

use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};

use super::owner;
use crate::ledger::{PromoCode, PromoCodeName, ReferralCode, ReferralState, Timestamp, UserId};
use crate::store::tables::{Named as _, promo_codes, referral_codes, referrals};
use crate::store::{Store, StoreError, dialect};

impl Store {
    /// Promo codes, newest first by time and code, older than `before`.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`; so for all that follow.
    pub async fn promo_codes(
        &self,
        before: Option<(Timestamp, PromoCodeName)>,
        limit: u64,
    ) -> Result<Vec<PromoCode>, StoreError> {
        use promo_codes::Column;
        let mut select = promo_codes::Entity::find()
            .order_by_desc(Column::CreateTime)
            .order_by_desc(Column::Code)
            .limit(limit);
        if let Some((time, code)) = before {
            let key = Expr::tuple([Expr::col(Column::CreateTime), Expr::col(Column::Code)]);
            select =
                select.filter(key.lt(Expr::tuple([time.micros().into(), code.as_str().into()])));
        }
        let rows = select.all(&self.connection).await.map_err(dialect::failed)?;
        rows.into_iter().map(promo_codes::Model::read).collect()
    }

    /// A user's own code, if they ever asked for one.
    pub async fn referral_code(
        &self,
        user_id: &UserId,
    ) -> Result<Option<ReferralCode>, StoreError> {
        let found = referral_codes::Entity::find()
            .filter(referral_codes::Column::UserId.eq(user_id.as_str()))
            .one(&self.connection)
            .await
            .map_err(dialect::failed)?;
        Ok(found.map(referral_codes::Model::read).transpose()?.map(|own| own.code))
    }

    /// Whose code is it? It never changes, so it may be read before a command about it is submitted.
    pub async fn user_of_referral_code(
        &self,
        code: &ReferralCode,
    ) -> Result<Option<UserId>, StoreError> {
        let found: Option<String> = referral_codes::Entity::find()
            .select_only()
            .column(referral_codes::Column::UserId)
            .filter(referral_codes::Column::Code.eq(code.as_str()))
            .into_tuple()
            .one(&self.connection)
            .await
            .map_err(dialect::failed)?;
        found.map(|user| owner("referral_codes", user)).transpose()
    }

    /// How many a user has invited, and for how many of them they were rewarded.
    pub async fn referral_counts(&self, user_id: &UserId) -> Result<(i64, i64), StoreError> {
        use referrals::Column;
        let rows: Vec<(String, i64)> = referrals::Entity::find()
            .select_only()
            .column(Column::State)
            .column_as(Column::UserId.count(), "users")
            .filter(Column::Inviter.eq(user_id.as_str()))
            .group_by(Column::State)
            .into_tuple()
            .all(&self.connection)
            .await
            .map_err(dialect::failed)?;
        let rewarded = ReferralState::Rewarded.name();
        let rewarded = rows.iter().filter(|(state, _)| state == rewarded).map(|(_, n)| n).sum();
        Ok((rows.iter().map(|(_, count)| count).sum(), rewarded))
    }
}
