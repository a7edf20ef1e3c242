//! What nearly every batch wants to know of its users, in one round trip and of one moment.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, Statement};

use super::GrantKey;
use crate::ledger::{Grant, RequestId, Timestamp, User, UserId};
use crate::store::dialect::column;
use crate::store::tables::users_with_grants::{COLUMNS, LENGTH, grant, user};
use crate::store::{StoreError, Transaction, dialect};

/// Answers of one statement.
#[derive(Default)]
pub(super) struct Look {
    /// The users who exist.
    pub users: BTreeMap<UserId, User>,
    /// Their grants that are live or hold something.
    pub grants: BTreeMap<GrantKey, Grant>,
    /// The version of the price list in force.
    pub price_version: i64,
    /// Was any of the charges asked for before?
    pub seen: bool,
}

impl Transaction {
    /// After the users are locked, if they are to be.
    pub(super) async fn look(
        &self,
        users: &BTreeSet<UserId>,
        charges: &BTreeSet<RequestId>,
        now: Timestamp,
    ) -> Result<Look, StoreError> {
        let users = self.texts(users.iter().map(UserId::as_str));
        let charges = self.texts(charges.iter().map(RequestId::as_str));
        // Counted, not asked for with EXISTS: that would make a plan which hopes to find one soon and reads a whole table
        // where there is none. The count stands for both tables of operations.
        let sql = format!(
            "SELECT {COLUMNS}, look.price_version, look.seen
            FROM (SELECT
                (SELECT coalesce(max(version), 0) FROM price_lists) AS price_version,
                (SELECT count(*) FROM operations WHERE request_id {charges})
                    + (SELECT count(*) FROM operations_archive WHERE request_id {charges}) AS seen
            ) AS look
            LEFT JOIN users u ON u.user_id {users}
            LEFT JOIN grants g ON g.user_id = u.user_id
                AND (g.remaining > 0 OR g.expire_time IS NULL OR g.expire_time > $3)",
            users = users.test("$1"),
            charges = charges.test("$2"),
        );
        let values = [users.into_value(), charges.into_value(), now.micros().into()];
        let statement =
            Statement::from_sql_and_values(self.inner.get_database_backend(), sql, values);
        let rows = self.inner.query_all_raw(statement).await.map_err(dialect::failed)?;
        let mut look = Look::default();
        for row in &rows {
            look.price_version = column(row, LENGTH)?;
            look.seen = column::<i64>(row, LENGTH + 1)? > 0;
            // Nobody, where none of the users exists.
            let Some(id) = column::<Option<String>>(row, 0)? else { continue };
            let grant = grant(row, &id)?;
            if !look.users.contains_key(id.as_str()) {
                let user = user(row, id)?;
                look.users.insert(user.user_id.clone(), user);
            }
            look.grants.extend(grant.map(|grant| ((grant.user_id.clone(), grant.grant_id), grant)));
        }
        Ok(look)
    }
}
