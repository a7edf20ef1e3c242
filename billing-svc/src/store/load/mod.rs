//! `load(needs) → State`: the users are locked first, in sorted order, then the promo codes; then everything else is
//! read.

mod limits;
mod look;
mod money;
mod promotions;

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Select};

use uuid::Uuid;

use self::look::Look;
use super::dialect::Keys;
use super::tables::{prices, users};
use super::transaction::Inner;
use super::{StoreError, Transaction, dialect};
use crate::ledger::{
    AdminAction, AdminRequest, GrantId, Needs, Operation, OperationId, PriceList, PromoCodeName,
    Redemption, RequestId, State, Timestamp, User, UserId,
};

/// A grant's key.
type GrantKey = (UserId, GrantId);

impl Transaction {
    /// Locks and reads what a batch needs to see, as far as it exists. `now` is the batch's time: grants that are
    /// neither live then nor hold anything are left out, unless something refers to them.
    ///
    /// An operation or payment that is asked for by its id is found only if its user is among those that are asked
    /// for. The price list is read where there is a charge, too.
    ///
    /// # Errors
    /// `Corrupt` names the row that can't be read back; `Retryable`, `Unavailable`.
    pub async fn load(&self, needs: &Needs, now: Timestamp) -> Result<State, StoreError> {
        let locked = match &self.inner {
            Inner::Locking(_) => Some(self.lock_users(&needs.users).await?),
            Inner::Comparing(_) => None,
        };
        let promo_codes = self.lock_promo_codes(&needs.promo_codes).await?;

        let Look { mut users, mut grants, price_version, seen } =
            self.look(&needs.users, &needs.charges, now).await?;
        if let Some(locked) = locked {
            // Who came to be since is not locked: to make them once more is a conflict.
            users.retain(|id, _| locked.contains_key(id));
            grants.retain(|(id, _), _| locked.contains_key(id));
        }
        let mut operations = self.operations(&needs.users, &needs.operations).await?;
        if seen {
            operations.extend(self.charges(&needs.charges).await?);
        }
        let admin_requests = self.admin_requests(&needs.admin_requests).await?;
        let redemptions = self.redemptions(&needs.redemptions).await?;

        let mut missing = referred_grants(&operations, &admin_requests, &redemptions);
        missing.extend(needs.grants.iter().cloned());
        missing.retain(|key| !grants.contains_key(key));
        grants.extend(self.grants(&missing).await?);

        let payments = self.payments(needs).await?;
        let payment_refunds = self.refunds_of(&payments).await?;
        let prices = match needs.prices || !needs.charges.is_empty() {
            true => self.prices_of(price_version).await?,
            false => PriceList::default(),
        };
        Ok(State {
            users,
            grants,
            operations,
            admin_requests,
            prices,
            payments,
            payment_refunds,
            promo_codes,
            redemptions,
            referrals: self.referrals(&needs.referrals).await?,
            referral_codes: self.referral_codes(&needs.referral_codes).await?,
            inviters: self.inviters(&needs.inviters).await?,
            open_holds: self.open_holds(&needs.open_holds).await?,
            spent_today: self.spent_since(&needs.daily_spend, now.start_of_day()).await?,
        })
    }

    pub(in crate::store) async fn lock_users(
        &self,
        ids: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, User>, StoreError> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let select = users::Entity::find()
            .filter(self.texts(ids.iter().map(UserId::as_str)).hold(users::Column::UserId))
            .order_by_asc(users::Column::UserId);
        let select = dialect::lock(select, self.inner.get_database_backend());
        let users = self.find(select).await?.into_iter().map(users::Model::read);
        users.map(|user| user.map(|user| (user.user_id.clone(), user))).collect()
    }

    /// The price list of that version, the one in force: it never changes, so it is read once.
    async fn prices_of(&self, version: i64) -> Result<PriceList, StoreError> {
        if let Some(list) = self.known_prices.of(version) {
            return Ok(list);
        }
        let list = self.prices().await?;
        self.known_prices.keep(&list);
        Ok(list)
    }

    /// The price list in force.
    pub(super) async fn prices(&self) -> Result<PriceList, StoreError> {
        prices::newest(&self.inner).await
    }

    /// The rows that a statement finds.
    pub(in crate::store) async fn find<E: EntityTrait>(
        &self,
        select: Select<E>,
    ) -> Result<Vec<E::Model>, StoreError> {
        select.all(&self.inner).await.map_err(dialect::failed)
    }

    /// The rows with one of the keys in the column; without keys it asks nothing.
    async fn find_by<E: EntityTrait>(
        &self,
        column: E::Column,
        keys: Keys,
    ) -> Result<Vec<E::Model>, StoreError> {
        if keys.are_none() {
            return Ok(Vec::new());
        }
        self.find(E::find().filter(keys.hold(column))).await
    }

    /// Texts to find rows by.
    pub(in crate::store) fn texts<'a>(&self, keys: impl Iterator<Item = &'a str>) -> Keys {
        Keys::texts(self.inner.get_database_backend(), keys)
    }

    /// Ids to find rows by.
    pub(in crate::store) fn ids(&self, keys: impl Iterator<Item = Uuid>) -> Keys {
        Keys::ids(self.inner.get_database_backend(), keys)
    }
}

/// Grants that slices came from, and that requests and promo codes gave.
fn referred_grants(
    operations: &BTreeMap<OperationId, Operation>,
    requests: &BTreeMap<RequestId, AdminRequest>,
    redemptions: &BTreeMap<(UserId, PromoCodeName), Redemption>,
) -> BTreeSet<GrantKey> {
    let of_slices = operations.values().flat_map(|operation| {
        let grants = operation.funding.iter().filter_map(|slice| slice.source.grant_id());
        grants.map(|id| (operation.user_id.clone(), id))
    });
    let of_requests = requests.values().filter_map(|request| {
        let grant_id = match request.action {
            AdminAction::GrantCredits { grant_id, .. } | AdminAction::RevokeGrant(grant_id) => {
                grant_id
            }
            AdminAction::AdjustBalance(_)
            | AdminAction::SetStanding(_)
            | AdminAction::PublishPrices(_)
            | AdminAction::CreatePromoCode(_)
            | AdminAction::CreditPayment { .. }
            | AdminAction::RefundPayment { .. }
            | AdminAction::RecordDispute { .. } => return None,
        };
        Some((request.user_id.clone()?, grant_id))
    });
    let of_codes =
        redemptions.values().map(|redemption| (redemption.user_id.clone(), redemption.grant_id));
    of_slices.chain(of_requests).chain(of_codes).collect()
}
