//! What many ask at once, in one statement. Its text is the same however many ask, so that each connection prepares it once.

use std::collections::HashMap;

use sea_orm::{
    ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryResult, QuerySelect, Statement,
    TryGetable,
};
use uuid::Uuid;

use super::{everywhere, owner};
use crate::ledger::{Grant, OperationId, Policy, Timestamp, User, UserId, UserView};
use crate::store::dialect::{self, Keys};
use crate::store::tables::{grants, operations, users};
use crate::store::{Store, StoreError};

/// The columns that [`user`] and [`grant`] read, in that order; which users is still to be said. A grant that has expired
/// (by $2) is nothing that a view shows.
const VIEWS: &str = "SELECT u.user_id, u.available, u.held, u.held_operations, u.standing, u.version, u.last_entry, \
     u.create_time, u.topups, u.last_event, g.grant_id, g.kind, g.unit, g.given, g.remaining, g.priority, \
     g.create_time, g.expire_time, g.announced \
     FROM users u LEFT JOIN grants g ON g.user_id = u.user_id AND (g.expire_time IS NULL OR g.expire_time > $2) \
     WHERE u.user_id";

impl Store {
    /// What these users have at `now`, in their order and of one moment; for an unknown one, what a new user would have.
    /// Writes nothing.
    ///
    /// # Errors
    /// `Corrupt` names a row that can't be read back; `Unavailable`. So for what follows.
    pub async fn user_views(
        &self,
        ids: &[UserId],
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Vec<UserView>, StoreError> {
        let keys = Keys::texts(self.backend(), ids.iter().map(UserId::as_str));
        let text = format!("{VIEWS} {}", keys.test("$1"));
        let values = [keys.into_value(), now.micros().into()];
        let statement = Statement::from_sql_and_values(self.backend(), text, values);
        let rows = self.connection.query_all_raw(statement).await.map_err(dialect::failed)?;
        let mut found: HashMap<String, (User, Vec<Grant>)> = HashMap::with_capacity(ids.len());
        for row in &rows {
            let id: String = column(row, 0)?;
            let grant = grant(row, &id)?;
            if let Some((_, grants)) = found.get_mut(&id) {
                grants.extend(grant);
            } else {
                let user = user(row, id.clone())?;
                found.insert(id, (user, grant.into_iter().collect()));
            }
        }
        let view = |id: &UserId| match found.get(id.as_str()) {
            Some((user, grants)) => UserView::of(user, grants.iter(), now),
            None => UserView::of_unknown(id.clone(), policy),
        };
        Ok(ids.iter().map(view).collect())
    }

    /// Whose operations are these, in their order? It never changes, so it may be read before a command about one is
    /// submitted.
    pub async fn owners(&self, ids: &[OperationId]) -> Result<Vec<Option<UserId>>, StoreError> {
        use operations::Column;
        let keys = Keys::ids(self.backend(), ids.iter().map(|id| id.0));
        let rows = operations::Entity::find()
            .select_only()
            .columns([Column::OperationId, Column::UserId])
            .filter(keys.hold(Column::OperationId));
        let rows: Vec<(Uuid, String)> =
            everywhere(rows).into_tuple().all(&self.connection).await.map_err(dialect::failed)?;
        let mut found = HashMap::with_capacity(rows.len());
        for (id, user) in rows {
            found.insert(id, owner("operations", user)?);
        }
        Ok(ids.iter().map(|id| found.get(&id.0).cloned()).collect())
    }

    fn backend(&self) -> DbBackend {
        self.connection.get_database_backend()
    }
}

fn column<T: TryGetable>(row: &QueryResult, index: usize) -> Result<T, StoreError> {
    row.try_get_by_index(index).map_err(dialect::failed)
}

fn user(row: &QueryResult, user_id: String) -> Result<User, StoreError> {
    let user = users::Model {
        user_id,
        available: column(row, 1)?,
        held: column(row, 2)?,
        held_operations: column(row, 3)?,
        standing: column(row, 4)?,
        version: column(row, 5)?,
        last_entry: column(row, 6)?,
        create_time: column(row, 7)?,
        topups: column(row, 8)?,
        last_event: column(row, 9)?,
    };
    user.read()
}

/// None where the user has none: the rest of the row is NULL.
fn grant(row: &QueryResult, user_id: &str) -> Result<Option<Grant>, StoreError> {
    let Some(grant_id) = column(row, 10)? else { return Ok(None) };
    let grant = grants::Model {
        user_id: user_id.to_owned(),
        grant_id,
        kind: column(row, 11)?,
        unit: column(row, 12)?,
        given: column(row, 13)?,
        remaining: column(row, 14)?,
        priority: column(row, 15)?,
        create_time: column(row, 16)?,
        expire_time: column(row, 17)?,
        announced: column(row, 18)?,
    };
    grant.read().map(Some)
}
