//! What can be asked of the ledger. Fields are checked where they enter; ids of what may be created are passed in.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{
    Amount, GrantId, GrantKind, Kind, OperationId, RefundReason, RequestId, Timestamp, Unit, UserId,
};

/// What a caller may give back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundRight {
    /// Charged operations that this caller charged itself.
    OwnCharges {
        /// The caller's name.
        caller: String,
    },
    /// Any charged operation.
    AnyCharged,
    /// Completed ones too, in part too.
    Everything,
}

/// Takes the price of an operation and holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Who pays.
    pub user_id: UserId,
    /// The caller's id of this charge.
    pub request_id: RequestId,
    /// The id that the operation gets if it is new.
    pub operation_id: OperationId,
    /// The caller's name, kept with the operation.
    pub caller: String,
    /// What is charged for.
    pub kind: Kind,
    /// How many: 1 to 100.
    pub quantity: i64,
    /// Refuse above this total.
    pub max_price: Option<Amount>,
    /// How long to hold; the policy's default where absent.
    pub hold: Option<Duration>,
    /// The caller's own words.
    pub labels: BTreeMap<String, String>,
}

/// What a grant gives; above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credits {
    /// What is counted.
    pub unit: Unit,
    /// How much: micros or operations.
    pub amount: i64,
}

/// Gives free operations or promotional money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantCredits {
    /// To whom.
    pub user_id: UserId,
    /// The administrator's id of this request.
    pub request_id: RequestId,
    /// The id that the grant gets if it is new.
    pub grant_id: GrantId,
    /// What.
    pub credits: Credits,
    /// Why, for machines.
    pub kind: GrantKind,
    /// Lower is spent first.
    pub priority: i32,
    /// When what is left is lost.
    pub expire_time: Option<Timestamp>,
    /// Why, for people.
    pub reason: String,
    /// Who asked.
    pub caller: String,
}

/// One thing asked of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Takes and holds.
    Charge(Charge),
    /// The result was delivered.
    Complete {
        /// Whose operation: looked up before, it never changes.
        user_id: UserId,
        /// Which.
        operation_id: OperationId,
    },
    /// Gives back.
    Refund {
        /// Whose operation.
        user_id: UserId,
        /// Which.
        operation_id: OperationId,
        /// Why.
        reason: RefundReason,
        /// Why, for people.
        comment: String,
        /// Only this much of a completed operation's money.
        amount: Option<Amount>,
        /// What the caller may.
        right: RefundRight,
    },
    /// Holds on for longer.
    ExtendHold {
        /// Whose operation.
        user_id: UserId,
        /// Which.
        operation_id: OperationId,
        /// From now.
        hold: Duration,
    },
    /// The sweeper found a hold whose time is up.
    Expire {
        /// Whose operation.
        user_id: UserId,
        /// Which.
        operation_id: OperationId,
    },
    /// The sweeper found a grant whose time is up.
    ExpireGrant {
        /// Whose.
        user_id: UserId,
        /// Which.
        grant_id: GrantId,
    },
    /// Moves a user's own money.
    AdjustBalance {
        /// Whose.
        user_id: UserId,
        /// The administrator's id of this request.
        request_id: RequestId,
        /// Not zero; below zero takes.
        amount: Amount,
        /// Why, for people.
        reason: String,
        /// Who asked.
        caller: String,
    },
    /// Gives something to spend.
    GrantCredits(GrantCredits),
}

impl Command {
    /// The one user whose rows the command may change.
    pub fn user_id(&self) -> &UserId {
        match self {
            Self::Charge(charge) => &charge.user_id,
            Self::GrantCredits(grant) => &grant.user_id,
            Self::Complete { user_id, .. }
            | Self::Refund { user_id, .. }
            | Self::ExtendHold { user_id, .. }
            | Self::Expire { user_id, .. }
            | Self::ExpireGrant { user_id, .. }
            | Self::AdjustBalance { user_id, .. } => user_id,
        }
    }

    /// A short name for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Charge(_) => "charge",
            Self::Complete { .. } => "complete",
            Self::Refund { .. } => "refund",
            Self::ExtendHold { .. } => "extend_hold",
            Self::Expire { .. } => "expire",
            Self::ExpireGrant { .. } => "expire_grant",
            Self::AdjustBalance { .. } => "adjust_balance",
            Self::GrantCredits(_) => "grant_credits",
        }
    }
}
