//! `load(needs) → State`: the users are locked first, in sorted order; then everything else is read.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::tables::{admin_requests, grants, operations, prices, users};
use super::{StoreError, Transaction, dialect};
use crate::ledger::{
    AdminAction, AdminRequest, Grant, GrantId, Needs, Operation, OperationId, PriceList, RequestId,
    State, Timestamp, User, UserId,
};

/// A grant's key.
type GrantKey = (UserId, GrantId);

impl Transaction {
    /// Locks and reads what a batch needs to see, as far as it exists. `now` is the batch's time: grants that are
    /// neither live then nor hold anything are left out, unless something refers to them.
    ///
    /// An operation that is asked for by id is found only if its user is among those that are asked for. The price
    /// list is read where there is a charge.
    ///
    /// # Errors
    /// `Corrupt` names the row that can't be read back; `Retryable`, `Unavailable`.
    pub async fn load(&self, needs: &Needs, now: Timestamp) -> Result<State, StoreError> {
        let users = self.lock_users(&needs.users).await?;
        let mut operations = self.operations(&needs.users, &needs.operations).await?;
        operations.extend(self.charges(&needs.charges).await?);
        let admin_requests = self.admin_requests(&needs.admin_requests).await?;

        let mut grants = self.grants_of(&needs.users, now).await?;
        let mut missing = referred_grants(&operations, &admin_requests);
        missing.extend(needs.grants.iter().cloned());
        missing.retain(|key| !grants.contains_key(key));
        grants.extend(self.grants(&missing).await?);

        let prices = match needs.charges.is_empty() {
            true => PriceList::default(),
            false => self.prices().await?,
        };
        Ok(State { users, grants, operations, admin_requests, prices })
    }

    async fn lock_users(
        &self,
        ids: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, User>, StoreError> {
        let mut found = BTreeMap::new();
        // Sorted as a whole: each part of a sorted set is, and comes after the one before.
        for ids in self.parts(ids.iter().map(UserId::as_str)) {
            let select = users::Entity::find()
                .filter(users::Column::UserId.is_in(ids))
                .order_by_asc(users::Column::UserId);
            let select = dialect::lock(select, self.inner.get_database_backend());
            for row in select.all(&self.inner).await.map_err(dialect::failed)? {
                let user = row.read()?;
                found.insert(user.user_id.clone(), user);
            }
        }
        Ok(found)
    }

    async fn operations(
        &self,
        users: &BTreeSet<UserId>,
        ids: &BTreeSet<OperationId>,
    ) -> Result<BTreeMap<OperationId, Operation>, StoreError> {
        let mut found = BTreeMap::new();
        for ids in self.parts(ids.iter().map(|id| id.0)) {
            let select =
                operations::Entity::find().filter(operations::Column::OperationId.is_in(ids));
            for row in select.all(&self.inner).await.map_err(dialect::failed)? {
                let operation = row.read()?;
                if users.contains(&operation.user_id) {
                    found.insert(operation.operation_id, operation);
                }
            }
        }
        Ok(found)
    }

    async fn charges(
        &self,
        request_ids: &BTreeSet<RequestId>,
    ) -> Result<BTreeMap<OperationId, Operation>, StoreError> {
        let mut found = BTreeMap::new();
        for ids in self.parts(request_ids.iter().map(RequestId::as_str)) {
            let select =
                operations::Entity::find().filter(operations::Column::RequestId.is_in(ids));
            for row in select.all(&self.inner).await.map_err(dialect::failed)? {
                let operation = row.read()?;
                found.insert(operation.operation_id, operation);
            }
        }
        Ok(found)
    }

    async fn admin_requests(
        &self,
        ids: &BTreeSet<RequestId>,
    ) -> Result<BTreeMap<RequestId, AdminRequest>, StoreError> {
        let mut found = BTreeMap::new();
        for ids in self.parts(ids.iter().map(RequestId::as_str)) {
            let select =
                admin_requests::Entity::find().filter(admin_requests::Column::RequestId.is_in(ids));
            for row in select.all(&self.inner).await.map_err(dialect::failed)? {
                let request = row.read()?;
                found.insert(request.request_id.clone(), request);
            }
        }
        Ok(found)
    }

    /// Those that are live or hold something.
    async fn grants_of(
        &self,
        users: &BTreeSet<UserId>,
        now: Timestamp,
    ) -> Result<BTreeMap<GrantKey, Grant>, StoreError> {
        let useful = Condition::any()
            .add(grants::Column::Remaining.gt(0))
            .add(grants::Column::ExpireTime.is_null())
            .add(grants::Column::ExpireTime.gt(now.micros()));
        let mut found = BTreeMap::new();
        for ids in self.parts(users.iter().map(UserId::as_str)) {
            let select = grants::Entity::find()
                .filter(grants::Column::UserId.is_in(ids))
                .filter(useful.clone());
            for row in select.all(&self.inner).await.map_err(dialect::failed)? {
                let grant = row.read()?;
                found.insert((grant.user_id.clone(), grant.grant_id), grant);
            }
        }
        Ok(found)
    }

    async fn grants(
        &self,
        keys: &BTreeSet<GrantKey>,
    ) -> Result<BTreeMap<GrantKey, Grant>, StoreError> {
        let mut found = BTreeMap::new();
        for keys in self.parts(keys.iter()) {
            let users: BTreeSet<&str> = keys.iter().map(|(user, _)| user.as_str()).collect();
            let ids = keys.iter().map(|(_, id)| id.0);
            let select = grants::Entity::find()
                .filter(grants::Column::UserId.is_in(users))
                .filter(grants::Column::GrantId.is_in(ids));
            for row in select.all(&self.inner).await.map_err(dialect::failed)? {
                let grant = row.read()?;
                found.insert((grant.user_id.clone(), grant.grant_id), grant);
            }
        }
        Ok(found)
    }

    /// The price list in force.
    pub(super) async fn prices(&self) -> Result<PriceList, StoreError> {
        prices::newest(&self.inner).await
    }

    /// A list in parts that one statement can carry, with room for a second value for each and a few of its own.
    fn parts<T>(&self, list: impl Iterator<Item = T>) -> Vec<Vec<T>> {
        let size = dialect::bind_limit(self.inner.get_database_backend()) / 2 - 8;
        let mut list = list.peekable();
        let mut parts = Vec::new();
        while list.peek().is_some() {
            parts.push(list.by_ref().take(size).collect());
        }
        parts
    }
}

/// Grants that slices came from and requests gave.
fn referred_grants(
    operations: &BTreeMap<OperationId, Operation>,
    requests: &BTreeMap<RequestId, AdminRequest>,
) -> BTreeSet<GrantKey> {
    let of_slices = operations.values().flat_map(|operation| {
        let grants = operation.funding.iter().filter_map(|slice| slice.source.grant_id());
        grants.map(|id| (operation.user_id.clone(), id))
    });
    let of_requests = requests.values().filter_map(|request| match request.action {
        AdminAction::GrantCredits { grant_id, .. } => Some((request.user_id.clone(), grant_id)),
        AdminAction::AdjustBalance(_) => None,
    });
    of_slices.chain(of_requests).collect()
}
