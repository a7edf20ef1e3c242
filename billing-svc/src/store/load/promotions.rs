//! Promo codes and referrals.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::ledger::{OwnReferralCode, PromoCode, PromoCodeName, Redemption, Referral, UserId};
use crate::store::tables::{promo_codes, promo_redemptions, referral_codes, referrals};
use crate::store::{StoreError, Transaction, dialect};

impl Transaction {
    /// Sorted like the users, and always after them: two batches never wait for each other.
    pub(super) async fn lock_promo_codes(
        &self,
        codes: &BTreeSet<PromoCodeName>,
    ) -> Result<BTreeMap<PromoCodeName, PromoCode>, StoreError> {
        let backend = self.inner.get_database_backend();
        let rows = self.find(codes.iter().map(PromoCodeName::as_str), |codes| {
            let select = promo_codes::Entity::find()
                .filter(promo_codes::Column::Code.is_in(codes))
                .order_by_asc(promo_codes::Column::Code);
            dialect::lock(select, backend)
        });
        let codes = rows.await?.into_iter().map(promo_codes::Model::read);
        codes.map(|row| row.map(|row| (row.code.clone(), row))).collect()
    }

    pub(super) async fn redemptions(
        &self,
        keys: &BTreeSet<(UserId, PromoCodeName)>,
    ) -> Result<BTreeMap<(UserId, PromoCodeName), Redemption>, StoreError> {
        use promo_redemptions::Column;
        let rows = self.find(keys.iter(), |keys| {
            let users: BTreeSet<&str> = keys.iter().map(|(user, _)| user.as_str()).collect();
            let codes: BTreeSet<&str> = keys.iter().map(|(_, code)| code.as_str()).collect();
            promo_redemptions::Entity::find()
                .filter(Column::UserId.is_in(users))
                .filter(Column::Code.is_in(codes))
        });
        let redemptions = rows.await?.into_iter().map(promo_redemptions::Model::read);
        redemptions
            .map(|row| row.map(|row| ((row.user_id.clone(), row.code.clone()), row)))
            .collect()
    }

    pub(super) async fn referrals(
        &self,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, Referral>, StoreError> {
        let rows = self.find(users.iter().map(UserId::as_str), |ids| {
            referrals::Entity::find().filter(referrals::Column::UserId.is_in(ids))
        });
        let referrals = rows.await?.into_iter().map(referrals::Model::read);
        referrals.map(|row| row.map(|row| (row.user_id.clone(), row))).collect()
    }

    pub(super) async fn referral_codes(
        &self,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, OwnReferralCode>, StoreError> {
        let rows = self.find(users.iter().map(UserId::as_str), |ids| {
            referral_codes::Entity::find().filter(referral_codes::Column::UserId.is_in(ids))
        });
        let codes = rows.await?.into_iter().map(referral_codes::Model::read);
        codes.map(|row| row.map(|row| (row.user_id.clone(), row))).collect()
    }

    /// Those of them who have invited anybody.
    pub(super) async fn inviters(
        &self,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeSet<UserId>, StoreError> {
        let mut found = BTreeSet::new();
        for ids in self.parts(users.iter().map(UserId::as_str)) {
            let rows: Vec<String> = referrals::Entity::find()
                .select_only()
                .column(referrals::Column::Inviter)
                .filter(referrals::Column::Inviter.is_in(ids))
                .distinct()
                .into_tuple()
                .all(&self.inner)
                .await
                .map_err(dialect::failed)?;
            let users = rows.into_iter().map(|user| {
                UserId::parse(&user).map_err(|why| StoreError::corrupt("referrals", user, why))
            });
            found.extend(users.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(found)
    }
}
