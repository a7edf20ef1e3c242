//! What a user was charged for, and what became of it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Amount, Kind, OperationId, RequestId, Slice, Source, Timestamp, UserId};

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationState {
    /// Paid for and held.
    Charged,
    /// Delivered.
    Completed,
    /// Given back.
    Refunded,
    /// Refused when it was charged.
    Declined,
}

/// Why it was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundReason {
    /// The job could not be done.
    JobFailed,
    /// The provider refused the content.
    ContentRejected,
    /// The result could not be handed over.
    Undeliverable,
    /// The user asked.
    CustomerRequest,
    /// None of the others.
    Other,
    /// The hold ended unsettled.
    Expired,
}

/// Why a charge was refused, with what is needed to refuse it again in the same words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decline {
    /// Too little money.
    InsufficientFunds {
        /// What had to be paid in money, after free operations.
        required: Amount,
        /// What could be spent.
        available: Amount,
        /// The difference.
        missing: Amount,
    },
    /// The price was above the caller's `max_price`.
    PriceChanged,
    /// An administrator blocked the user.
    UserBlocked,
    /// The user owes.
    InDebt,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its id.
    pub operation_id: OperationId,
    /// Whose.
    pub user_id: UserId,
    /// The caller's id of the charge.
    pub request_id: RequestId,
    /// The name of the caller who charged it.
    pub caller: String,
    /// What was asked for.
    pub kind: Kind,
    /// How many: 1 to 100.
    pub quantity: i64,
    /// Where it stands.
    pub state: OperationState,
    /// Of one unit, when it was charged.
    pub unit_price: Amount,
    /// The price list it was charged by.
    pub price_version: i64,
    /// The caller's guard, part of what makes a repeated request the same.
    pub max_price: Option<Amount>,
    /// The hold that the caller asked for, likewise.
    pub hold: Option<Duration>,
    /// The caller's own words.
    pub labels: BTreeMap<String, String>,
    /// What was taken, in that order; empty when declined.
    pub funding: Vec<Slice>,
    /// Money given back.
    pub refunded: Amount,
    /// Why it was given back.
    pub refund_reason: Option<RefundReason>,
    /// What the one who gave it back wrote.
    pub refund_comment: String,
    /// Why it was declined.
    pub decline: Option<Decline>,
    /// When it was charged or declined.
    pub create_time: Timestamp,
    /// When an unsettled hold ends.
    pub expire_time: Timestamp,
    /// When it was completed, refunded or declined.
    pub settle_time: Option<Timestamp>,
}

impl Operation {
    /// The list price of the whole quantity.
    pub fn price(&self) -> Amount {
        self.unit_price.times(self.quantity)
    }

    /// The money that was taken.
    pub fn paid(&self) -> Amount {
        self.funding
            .iter()
            .filter(|slice| !matches!(slice.source, Source::FreeOperations(_)))
            .map(|slice| Amount::from_micros(slice.amount))
            .sum()
    }
}
