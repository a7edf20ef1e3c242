//! One file a table, all the same shape: the row as it is stored (`Model`), `read` to the ledger's type, and `row` back.

pub mod admin_requests;
pub mod entries;
pub mod grants;
mod json;
mod names;
pub mod operations;
pub mod prices;
pub mod users;

pub use names::Named;

use std::fmt::Display;

use super::StoreError;

/// A value of a column that is not what it should be.
fn unreadable(table: &str, key: impl Display, column: &str) -> StoreError {
    StoreError::corrupt(table, key, format_args!("{column} is not readable"))
}
