//! What was given to a user to spend.

use std::time::Duration;

use super::{GrantId, Timestamp, Unit, UserId};

/// How long an expired grant lives on when a refund puts something back into it.
pub(super) const REFUND_GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// Why something was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantKind {
    /// To every new user, once.
    Signup,
    /// A promotion.
    Promo,
    /// To make up for something.
    Compensation,
}

/// Free operations or promotional money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub grant_id: GrantId,
    /// Whose.
    pub user_id: UserId,
    /// Why.
    pub kind: GrantKind,
    /// What is counted: micros for [`Unit::Money`].
    pub unit: Unit,
    /// What was given, above zero.
    pub given: i64,
    /// What is left: 0 to `given`.
    pub remaining: i64,
    /// Lower is spent first.
    pub priority: i32,
    /// When it was given.
    pub create_time: Timestamp,
    /// When what is left is lost. `None`: never.
    pub expire_time: Option<Timestamp>,
    /// The user was told that it will be.
    pub announced: bool,
}

impl Grant {
    /// Can it be spent at this moment, if anything is left?
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expire_time.is_none_or(|end| now < end)
    }

    /// The order of spending: priority, then the one that ends first, then the oldest.
    pub(super) fn spending_order(&self) -> (i32, Timestamp, Timestamp, GrantId) {
        let end = self.expire_time.unwrap_or(Timestamp::from_micros(i64::MAX));
        (self.priority, end, self.create_time, self.grant_id)
    }
}
