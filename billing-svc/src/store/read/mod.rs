//! Queries. Nearly each is one statement, so its answer is a picture of one moment; where one takes several, its rows
//! are each of their own moment, and none is missing. Lists of a user are scoped by the user. Operations are told wherever
//! they stand, in `operations` or in the archive.

mod due;
mod open;
mod payments;
mod promotions;
mod together;
mod users;

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};

pub use due::Due;
pub use open::{Ages, OpenHolds};
pub use payments::HistoryRow;
pub use users::FindUsers;

use super::archive::everywhere;
use super::tables::{Named as _, entries, grants, operations, prices};
use super::{Store, StoreError, dialect};
use crate::ledger::{
    Entry, Grant, Operation, OperationId, OperationState, PriceList, User, UserId,
};

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
        let found = operations::Entity::find()
            .select_only()
            .column(operations::Column::UserId)
            .filter(operations::Column::OperationId.eq(id.0));
        let found: Option<String> =
            everywhere(found).into_tuple().one(&self.connection).await.map_err(dialect::failed)?;
        found.map(|user| owner("operations", user)).transpose()
    }

    /// A user and all their grants, of one moment.
    pub async fn user_with_grants(
        &self,
        user_id: &UserId,
    ) -> Result<(Option<User>, Vec<Grant>), StoreError> {
        use crate::store::tables::users::{Column, Entity};
        let found = Entity::find()
            .filter(Column::UserId.eq(user_id.as_str()))
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
        let found = operations::Entity::find().filter(operations::Column::OperationId.eq(id.0));
        let found = everywhere(found).one(&self.connection).await.map_err(dialect::failed)?;
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
        let mut select =
            operations::Entity::find().filter(operations::Column::UserId.eq(user_id.as_str()));
        if !states.is_empty() {
            let names = states.iter().map(|state| state.name());
            select = select.filter(operations::Column::State.is_in(names));
        }
        if let Some(before) = before {
            select = select.filter(operations::Column::OperationId.lt(before.0));
        }
        let newest_first = everywhere(select)
            .order_by_desc(Expr::col(operations::Column::OperationId))
            .limit(limit);
        let rows = newest_first.all(&self.connection).await.map_err(dialect::failed)?;
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
}

fn owner(table: &str, user: String) -> Result<UserId, StoreError> {
    UserId::parse(&user).map_err(|why| StoreError::corrupt(table, user, why))
}
