//! What many ask at once, in one statement. Its text is the same however many ask, so that each connection prepares it once.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QuerySelect, Statement};
use uuid::Uuid;

use super::{everywhere, owner};
use crate::ledger::{Grant, OperationId, Policy, Timestamp, User, UserId, UserView};
use crate::store::dialect::{self, Keys, column};
use crate::store::tables::operations;
use crate::store::tables::users_with_grants::{COLUMNS, grant, user};
use crate::store::{Store, StoreError};

/// Which users is still to be said. A grant that has expired (by $2) is nothing that a view shows.
fn views() -> String {
    format!(
        "SELECT {COLUMNS} FROM users u LEFT JOIN grants g ON g.user_id = u.user_id \
         AND (g.expire_time IS NULL OR g.expire_time > $2) WHERE u.user_id"
    )
}

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
        let text = format!("{} {}", views(), keys.test("$1"));
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
