//! Queries. Each is one statement, so each answer is a picture of one moment; each is scoped by the owner of the rows.

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};

use super::tables::{Named, entries, grants, operations, prices, users};
use super::{Store, StoreError, dialect};
use crate::ledger::{
    Entry, Grant, GrantId, Operation, OperationId, OperationState, Policy, PriceList, Timestamp,
    User, UserId, UserView,
};

/// A hold or a grant whose time is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due<Id> {
    /// Whose.
    pub user_id: UserId,
    /// Which.
    pub id: Id,
    /// Since when.
    pub expire_time: Timestamp,
}

impl Store {
    /// Does the database answer?
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.connection.execute_unprepared("SELECT 1").await.map_err(dialect::failed)?;
        Ok(())
    }

    /// Whose operation is it? It never changes, so it may be read before a command about it is submitted.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`; so for all that follow.
    pub async fn user_of(&self, id: OperationId) -> Result<Option<UserId>, StoreError> {
        let found: Option<String> = operations::Entity::find()
            .select_only()
            .column(operations::Column::UserId)
            .filter(operations::Column::OperationId.eq(id.0))
            .into_tuple()
            .one(&self.connection)
            .await
            .map_err(dialect::failed)?;
        found.map(|user| owner("operations", user)).transpose()
    }

    /// What a user has at `now`; for an unknown one, what a new user would have. Writes nothing.
    pub async fn user_view(
        &self,
        user_id: &UserId,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<UserView, StoreError> {
        Ok(match self.user_with_grants(user_id).await? {
            (Some(user), grants) => UserView::of(&user, grants.iter(), now),
            (None, _) => UserView::of_unknown(user_id.clone(), policy),
        })
    }

    /// A user and all their grants, of one moment.
    pub async fn user_with_grants(
        &self,
        user_id: &UserId,
    ) -> Result<(Option<User>, Vec<Grant>), StoreError> {
        let found = users::Entity::find()
            .filter(users::Column::UserId.eq(user_id.as_str()))
            .find_with_related(grants::Entity)
            .all(&self.connection)
            .await
            .map_err(dialect::failed)?;
        let Some((user, grants)) = found.into_iter().next() else {
            return Ok((None, Vec::new()));
        };
        let grants = grants.into_iter().map(grants::Model::read).collect::<Result<_, _>>()?;
        Ok((Some(user.read()?), grants))
    }

    /// One operation.
    pub async fn operation(&self, id: OperationId) -> Result<Option<Operation>, StoreError> {
        let found = operations::Entity::find()
            .filter(operations::Column::OperationId.eq(id.0))
            .one(&self.connection)
            .await
            .map_err(dialect::failed)?;
        found.map(operations::Model::read).transpose()
    }

    /// Operations of a user, newest first, older than `before`; of all states where `states` is empty.
    pub async fn operations(
        &self,
        user_id: &UserId,
        states: &[OperationState],
        before: Option<OperationId>,
        limit: u64,
    ) -> Result<Vec<Operation>, StoreError> {
        let mut select = operations::Entity::find()
            .filter(operations::Column::UserId.eq(user_id.as_str()))
            .order_by_desc(operations::Column::OperationId)
            .limit(limit);
        if !states.is_empty() {
            let names = states.iter().map(|state| state.name());
            select = select.filter(operations::Column::State.is_in(names));
        }
        if let Some(before) = before {
            select = select.filter(operations::Column::OperationId.lt(before.0));
        }
        let rows = select.all(&self.connection).await.map_err(dialect::failed)?;
        rows.into_iter().map(operations::Model::read).collect()
    }

    /// Entries of a user, newest first, before that sequence number.
    pub async fn entries(
        &self,
        user_id: &UserId,
        before: Option<i64>,
        limit: u64,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut select = entries::Entity::find()
            .filter(entries::Column::UserId.eq(user_id.as_str()))
            .order_by_desc(entries::Column::Sequence)
            .limit(limit);
        if let Some(before) = before {
            select = select.filter(entries::Column::Sequence.lt(before));
        }
        let rows = select.all(&self.connection).await.map_err(dialect::failed)?;
        rows.into_iter().map(entries::Model::read).collect()
    }

    /// The price list in force; version 0 and empty before the first was published.
    pub async fn prices(&self) -> Result<PriceList, StoreError> {
        prices::newest(&self.connection).await
    }

    /// Holds whose time is up at `now`, the oldest first, after the one given.
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
            // In these very words: a bound value would not match the partial index.
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
        let rows: Vec<(String, uuid::Uuid, i64)> =
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
        let rows: Vec<(String, uuid::Uuid, i64)> =
            select.into_tuple().all(&self.connection).await.map_err(dialect::failed)?;
        rows.into_iter().map(|row| due("grants", row, GrantId)).collect()
    }
}

fn due<Id>(
    table: &str,
    (user, id, expire_time): (String, uuid::Uuid, i64),
    of: fn(uuid::Uuid) -> Id,
) -> Result<Due<Id>, StoreError> {
    let expire_time = Timestamp::from_micros(expire_time);
    Ok(Due { user_id: owner(table, user)?, id: of(id), expire_time })
}

fn owner(table: &str, user: String) -> Result<UserId, StoreError> {
    UserId::parse(&user).map_err(|why| StoreError::corrupt(table, user, why))
}
