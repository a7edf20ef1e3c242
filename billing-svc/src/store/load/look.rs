//! What nearly every batch wants to know of its users besides their rows, in one round trip.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, FromQueryResult, Statement};

use super::{GrantKey, money};
use crate::ledger::{Grant, RequestId, Timestamp, UserId};
use crate::store::tables::grants;
use crate::store::{StoreError, Transaction, dialect};

/// Answers of one statement, each as new as the locks.
pub(super) struct Look {
    /// The users' grants that are live or hold something.
    pub grants: BTreeMap<GrantKey, Grant>,
    /// The version of the price list in force.
    pub price_version: i64,
    /// Was any of the charges asked for before?
    pub seen: bool,
}

impl Transaction {
    /// Looks after the users are locked.
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
            "SELECT look.price_version, look.seen, grants.*
            FROM (SELECT
                (SELECT coalesce(max(version), 0) FROM price_lists) AS price_version,
                (SELECT count(*) FROM operations WHERE request_id {charges})
                    + (SELECT count(*) FROM operations_archive WHERE request_id {charges}) AS seen
            ) AS look
            LEFT JOIN grants ON grants.user_id {users}
                AND (remaining > 0 OR expire_time IS NULL OR expire_time > $3)",
            users = users.test("$1"),
            charges = charges.test("$2"),
        );
        let values = [users.into_value(), charges.into_value(), now.micros().into()];
        let statement =
            Statement::from_sql_and_values(self.inner.get_database_backend(), sql, values);
        let rows = self.inner.query_all_raw(statement).await.map_err(dialect::failed)?;
        let (mut price_version, mut seen, mut found) = (0, 0_i64, Vec::new());
        for row in &rows {
            (price_version, seen) = (
                row.try_get("", "price_version").map_err(dialect::failed)?,
                row.try_get("", "seen").map_err(dialect::failed)?,
            );
            // The join's row for nobody's grant has no user.
            let user: Option<String> = row.try_get("", "user_id").map_err(dialect::failed)?;
            if user.is_some() {
                found.push(grants::Model::from_query_result(row, "").map_err(dialect::failed)?);
            }
        }
        Ok(Look { grants: money::read_grants(found)?, price_version, seen: seen > 0 })
    }
}
