//! Users beside their grants, as one statement reads both: of one moment.

use sea_orm::QueryResult;

use super::{grants, users};
use crate::ledger::{Grant, User};
use crate::store::StoreError;
use crate::store::dialect::column;

/// Of `users u` and `grants g`, in the order in which [`user`] and [`grant`] read them. A user without grants has one row, with
/// NULL in place of one.
pub const COLUMNS: &str = "u.user_id, u.available, u.held, u.held_operations, u.standing, u.version, u.last_entry, \
     u.create_time, u.topups, u.last_event, g.grant_id, g.kind, g.unit, g.given, g.remaining, g.priority, \
     g.create_time, g.expire_time, g.announced";

/// How many they are.
pub const LENGTH: usize = 19;

/// The user of a row.
pub fn user(row: &QueryResult, user_id: String) -> Result<User, StoreError> {
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
pub fn grant(row: &QueryResult, user_id: &str) -> Result<Option<Grant>, StoreError> {
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
