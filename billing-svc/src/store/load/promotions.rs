//! Promo codes and referrals.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::ledger::{OwnReferralCode, PromoCode, PromoCodeName, Redemption, Referral, UserId};
use crate::store::tables::{promo_codes, promo_redemptions, referral_codes, referrals};
use crate::store::{StoreError, Transaction, dialect};

impl Transaction {
    /// Sorted like the users, and always after them: two batches never wait for each other.
    pub(super) async fn lock_promo_codes(
        &self,
        codes: &BTreeSet<PromoCodeName>,
    ) -> Result<BTreeMap<PromoCodeName, PromoCode>, StoreError> {
        if codes.is_empty() {
            return Ok(BTreeMap::new());
        }
        let codes = self.texts(codes.iter().map(PromoCodeName::as_str));
        let select = promo_codes::Entity::find()
            .filter(codes.hold(promo_codes::Column::Code))
            .order_by_asc(promo_codes::Column::Code);
        let select = dialect::lock(select, self.inner.get_database_backend());
        let codes = self.find(select).await?.into_iter().map(promo_codes::Model::read);
        codes.map(|row| row.map(|row| (row.code.clone(), row))).collect()
    }

    pub(super) async fn redemptions(
        &self,
        keys: &BTreeSet<(UserId, PromoCodeName)>,
    ) -> Result<BTreeMap<(UserId, PromoCodeName), Redemption>, StoreError> {
        use promo_redemptions::Column;
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let users: BTreeSet<&str> = keys.iter().map(|(user, _)| user.as_str()).collect();
        let codes: BTreeSet<&str> = keys.iter().map(|(_, code)| code.as_str()).collect();
        let select = promo_redemptions::Entity::find()
            .filter(self.texts(users.into_iter()).hold(Column::UserId))
            .filter(self.texts(codes.into_iter()).hold(Column::Code));
        let rows = self.find(select).await?;
        let redemptions = rows.into_iter().map(promo_redemptions::Model::read);
        redemptions
            .map(|row| row.map(|row| ((row.user_id.clone(), row.code.clone()), row)))
            .collect()
    }

    pub(super) async fn referrals(
        &self,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, Referral>, StoreError> {
        let users = self.texts(users.iter().map(UserId::as_str));
        let rows = self.find_by::<referrals::Entity>(referrals::Column::UserId, users);
        let referrals = rows.await?.into_iter().map(referrals::Model::read);
        referrals.map(|row| row.map(|row| (row.user_id.clone(), row))).collect()
    }

    pub(super) async fn referral_codes(
        &self,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, OwnReferralCode>, StoreError> {
        let users = self.texts(users.iter().map(UserId::as_str));
        let rows = self.find_by::<referral_codes::Entity>(referral_codes::Column::UserId, users);
        let codes = rows.await?.into_iter().map(referral_codes::Model::read);
        codes.map(|row| row.map(|row| (row.user_id.clone(), row))).collect()
    }

    /// Those of them who have invited anybody.
    pub(super) async fn inviters(
        &self,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeSet<UserId>, StoreError> {
        if users.is_empty() {
            return Ok(BTreeSet::new());
        }
        let users = self.texts(users.iter().map(UserId::as_str)).hold(referrals::Column::Inviter);
        let rows: Vec<String> = referrals::Entity::find()
            .select_only()
            .column(referrals::Column::Inviter)
            .filter(users)
            .distinct()
            .into_tuple()
            .all(&self.inner)
            .await
            .map_err(dialect::failed)?;
        let users = rows.into_iter().map(|user| {
            UserId::parse(&user).map_err(|why| StoreError::corrupt("referrals", user, why))
        });
        users.collect()
    }
}
