//! One file a table, all the same shape: the row as it is stored (`Model`), `read` to the ledger's type, and `row` back
//! where the ledger has one.

pub mod admin_requests;
pub mod entries;
pub mod event_consumers;
pub mod event_position;
pub mod events;
pub mod grants;
mod json;
mod names;
pub mod operations;
pub mod payment_refunds;
pub mod payments;
pub mod prices;
pub mod promo_codes;
pub mod promo_redemptions;
pub mod provider_cursors;
pub mod referral_codes;
pub mod referrals;
pub mod users;
pub mod users_with_grants;

pub use names::Named;

use std::fmt::Display;

use super::StoreError;

/// A value of a column that is not what it should be.
fn unreadable(table: &str, key: impl Display, column: &str) -> StoreError {
    StoreError::corrupt(table, key, format_args!("{column} is not readable"))
}
