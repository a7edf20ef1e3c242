//! What commands carry. Fields are checked where they enter; ids of what may be created are passed in.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{
    Amount, GrantId, GrantKind, Kind, OperationId, PaymentId, Provider, ProviderAmount, RefundId,
    Report, RequestId, Timestamp, Unit, UserId,
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

/// A request of an administrator: kept for ever, and done once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administrator {
    /// The administrator's id of this request.
    pub request_id: RequestId,
    /// Why, for people.
    pub reason: String,
    /// Who asked.
    pub caller: String,
}

/// A payment to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPayment {
    /// The id that it gets if it is new.
    pub payment_id: PaymentId,
    /// Whose.
    pub user_id: UserId,
    /// The caller's id of it.
    pub request_id: RequestId,
    /// Who makes it.
    pub caller: String,
    /// Who takes the money.
    pub provider: Provider,
    /// What is promised to be credited; above zero.
    pub amount: Amount,
    /// What the provider takes for it; above zero.
    pub price: ProviderAmount,
    /// Where the caller wants the user to be sent afterwards.
    pub return_url: Option<String>,
    /// Where the receipt goes.
    pub receipt_email: Option<String>,
    /// When the provider is to be asked for the first time.
    pub first_check: Option<Timestamp>,
}

/// What a provider says now of a payment that was made here, and the ids of what may follow from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Whose.
    pub user_id: UserId,
    /// The payment that the report is about, by what the provider carries for us (its metadata, or invoice payload).
    pub payment_id: PaymentId,
    /// Who says it.
    pub provider: Provider,
    /// What it says.
    pub report: Report,
    /// The id of the payment that is made where this is a second one of the same invoice.
    pub repeat_id: PaymentId,
    /// One for each reported refund, at its place; and a last one for the refund that a rule may ask for.
    pub refund_ids: Vec<RefundId>,
}
