//! Users and their grants, as administrators look them up.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::owner;
use crate::ledger::{
    Grant, GrantId, OperationId, PaymentId, Provider, RequestId, Standing, Timestamp, User, UserId,
    UserView,
};
use crate::store::archive::everywhere;
use crate::store::tables::{Named as _, grants, operations, users};
use crate::store::{Store, StoreError, dialect};

/// Which users are looked for: those that fit everything that is set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FindUsers {
    /// Their id begins so; empty: any.
    pub prefix: String,
    /// They stand so; empty: any way.
    pub standings: Vec<Standing>,
    /// The id of an operation or a payment of theirs, the provider's id of a payment, or the request_id of a charge or
    /// payment.
    pub reference: Option<String>,
}

impl Store {
    /// Users by id, after the one given, with what they have at `now`.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`; so for all that follow.
    pub async fn find_users(
        &self,
        find: &FindUsers,
        after: Option<&UserId>,
        limit: u64,
        now: Timestamp,
    ) -> Result<Vec<UserView>, StoreError> {
        use users::Column;
        let mut select = users::Entity::find().order_by_asc(Column::UserId).limit(limit);
        if !find.prefix.is_empty() {
            select = select.filter(Column::UserId.gte(find.prefix.as_str()));
            // No byte of a user_id is as great as this character's; text is compared byte by byte.
            select = select.filter(Column::UserId.lt(format!("{}\u{10ffff}", find.prefix)));
        }
        if !find.standings.is_empty() {
            let names = find.standings.iter().map(|standing| standing.name());
            select = select.filter(Column::Standing.is_in(names));
        }
        if let Some(reference) = &find.reference {
            select = select.filter(Column::UserId.is_in(self.users_of(reference).await?));
        }
        if let Some(after) = after {
            select = select.filter(Column::UserId.gt(after.as_str()));
        }
        let rows = select.all(&self.connection).await.map_err(dialect::failed)?;
        let users = rows.into_iter().map(users::Model::read).collect::<Result<Vec<_>, _>>()?;
        self.views(users, now).await
    }

    async fn views(&self, users: Vec<User>, now: Timestamp) -> Result<Vec<UserView>, StoreError> {
        let ids = users.iter().map(|user| user.user_id.as_str());
        let rows = grants::Entity::find()
            .filter(grants::Column::UserId.is_in(ids))
            .all(&self.connection)
            .await
            .map_err(dialect::failed)?;
        let mut grants: BTreeMap<UserId, Vec<Grant>> = BTreeMap::new();
        for row in rows {
            let grant = row.read()?;
            grants.entry(grant.user_id.clone()).or_default().push(grant);
        }
        let view =
            |user: &User| UserView::of(user, grants.get(&user.user_id).into_iter().flatten(), now);
        Ok(users.iter().map(view).collect())
    }

    /// Whose is it? More than one only where ids of two kinds are the same text. A look-up for each kind: all of them
    /// in one would read whole tables.
    async fn users_of(&self, reference: &str) -> Result<BTreeSet<String>, StoreError> {
        let mut found = BTreeSet::new();
        if let Ok(id) = Uuid::parse_str(reference) {
            found.extend(self.user_of(OperationId(id)).await?);
            found.extend(self.payment(PaymentId(id)).await?.map(|payment| payment.user_id));
        }
        if let Ok(id) = RequestId::parse(reference) {
            found.extend(self.user_of_charge(&id).await?);
            found.extend(self.payment_by_request(&id).await?.map(|payment| payment.user_id));
        }
        for provider in Provider::ALL {
            let payment = self.payment_by_provider_id(provider, reference).await?;
            found.extend(payment.map(|payment| payment.user_id));
        }
        Ok(found.iter().map(UserId::to_string).collect())
    }

    /// Whose charge was made by this request, if any was.
    pub async fn user_of_charge(&self, id: &RequestId) -> Result<Option<UserId>, StoreError> {
        let found = operations::Entity::find()
            .select_only()
            .column(operations::Column::UserId)
            .filter(operations::Column::RequestId.eq(id.as_str()));
        let found: Option<String> =
            everywhere(found).into_tuple().one(&self.connection).await.map_err(dialect::failed)?;
        found.map(|user| owner("operations", user)).transpose()
    }

    /// A user's grants, newest first by time and id, older than `before`; spent and expired ones too.
    pub async fn grants_page(
        &self,
        user_id: &UserId,
        before: Option<(Timestamp, GrantId)>,
        limit: u64,
    ) -> Result<Vec<Grant>, StoreError> {
        use grants::Column;
        let mut select = grants::Entity::find()
            .filter(Column::UserId.eq(user_id.as_str()))
            .order_by_desc(Column::CreateTime)
            .order_by_desc(Column::GrantId)
            .limit(limit);
        if let Some((time, id)) = before {
            let key = Expr::tuple([Expr::col(Column::CreateTime), Expr::col(Column::GrantId)]);
            select = select.filter(key.lt(Expr::tuple([time.micros().into(), id.0.into()])));
        }
        let rows = select.all(&self.connection).await.map_err(dialect::failed)?;
        rows.into_iter().map(grants::Model::read).collect()
    }
}
