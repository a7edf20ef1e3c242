//! Double entry: what moved, from where to where.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::{
    GrantId, InvalidId, OperationId, PaymentId, Provider, RequestId, Timestamp, Unit, UserId,
};

/// One side of a movement. Those of the house are sums over entries, not rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// The user's own money.
    Available,
    /// What unsettled operations took.
    Held,
    /// What is left of a grant.
    Grant(GrantId),
    /// The house earned it.
    Revenue,
    /// It came in through a payment provider.
    Topups(Provider),
    /// The house gave it.
    Grants,
    /// It was given and not spent in time.
    Expired,
    /// An administrator moved it.
    Adjustments,
}

impl Account {
    /// Is it one of the user's?
    pub fn is_of_user(&self) -> bool {
        match self {
            Self::Available | Self::Held | Self::Grant(_) => true,
            Self::Revenue | Self::Topups(_) | Self::Grants | Self::Expired | Self::Adjustments => {
                false
            }
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Available => f.write_str("available"),
            Self::Held => f.write_str("held"),
            Self::Grant(id) => write!(f, "grant:{id}"),
            Self::Revenue => f.write_str("revenue"),
            Self::Topups(provider) => write!(f, "topups:{}", provider.name()),
            Self::Grants => f.write_str("grants"),
            Self::Expired => f.write_str("expired"),
            Self::Adjustments => f.write_str("adjustments"),
        }
    }
}

impl FromStr for Account {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        const UNKNOWN: InvalidId = InvalidId("not the name of an account");
        if let Some(id) = text.strip_prefix("grant:") {
            let id = Uuid::parse_str(id).map_err(|_| UNKNOWN)?;
            return Ok(Self::Grant(GrantId(id)));
        }
        if let Some(provider) = text.strip_prefix("topups:") {
            let known = Provider::ALL.into_iter().find(|known| known.name() == provider);
            return known.map(Self::Topups).ok_or(UNKNOWN);
        }
        match text {
            "available" => Ok(Self::Available),
            "held" => Ok(Self::Held),
            "revenue" => Ok(Self::Revenue),
            "grants" => Ok(Self::Grants),
            "expired" => Ok(Self::Expired),
            "adjustments" => Ok(Self::Adjustments),
            _ => Err(UNKNOWN),
        }
    }
}

/// What caused a movement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// An operation was charged or settled.
    Operation(OperationId),
    /// An administrator asked.
    Request(RequestId),
    /// A payment was credited or taken back.
    Payment(PaymentId),
    /// The house's own rule: a sign-up, or an expiry.
    Rule,
}

/// One movement. Appended, never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whose.
    pub user_id: UserId,
    /// 1, 2, 3… within the user.
    pub sequence: i64,
    /// Where it was.
    pub from: Account,
    /// Where it is.
    pub to: Account,
    /// What is counted.
    pub unit: Unit,
    /// How much, above zero: micros or operations.
    pub amount: i64,
    /// Why.
    pub reference: Reference,
    /// When.
    pub create_time: Timestamp,
    /// The balance, after the movement, of the user's account that it changed: of the one that is not `held` where
    /// both sides are the user's.
    pub balance_after: i64,
}
