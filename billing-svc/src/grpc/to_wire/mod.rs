//! Values to messages.

mod events;
mod payments;
mod promotions;

use proto::billing::v1;
use proto::google::r#type::Money;
use proto::money;

use crate::ledger::{
    Amount, Decline, Entry, Grant, GrantKind, Operation, OperationState, Price, Reference,
    RefundReason, Slice, Source, Standing, Timestamp, Unit, UserView,
};

pub use events::event;
pub use payments::{
    method, payment, payment_state_name, pre_checkout_refusal, refund, whole_payment,
};
pub use promotions::promo_code;

pub fn money(amount: Amount, currency: &str) -> Money {
    money::from_micros(amount.micros(), currency)
}

pub fn user(user: UserView, currency: &str) -> v1::UserInfo {
    v1::UserInfo {
        user_id: user.user_id.to_string(),
        balance: Some(money(user.balance, currency)),
        paid_balance: Some(money(user.paid_balance, currency)),
        held: Some(money(user.held, currency)),
        free_operations_left: user.free_operations_left,
        free_operations_total: user.free_operations_total,
        standing: standing(user.standing).into(),
        version: user.version,
        create_time: user.create_time.map(time),
    }
}

pub fn operation(operation: Operation, currency: &str) -> v1::Operation {
    let declined = operation.state == OperationState::Declined;
    v1::Operation {
        operation_id: operation.operation_id.to_string(),
        user_id: operation.user_id.to_string(),
        request_id: operation.request_id.to_string(),
        kind: operation.kind.to_string(),
        quantity: i32::try_from(operation.quantity).unwrap_or(i32::MAX),
        state: state(operation.state).into(),
        price: Some(money(operation.price(), currency)),
        price_version: operation.price_version,
        funding: operation.funding.iter().map(|slice| funding(slice, currency)).collect(),
        refunded: Some(money(operation.refunded, currency)),
        refund_reason: operation
            .refund_reason
            .map_or(v1::RefundReason::Unspecified, refund_reason)
            .into(),
        create_time: Some(time(operation.create_time)),
        // Nothing is held by what was declined.
        expire_time: (!declined).then(|| time(operation.expire_time)),
        settle_time: operation.settle_time.map(time),
        labels: operation.labels,
        decline_reason: operation
            .decline
            .as_ref()
            .map_or_else(String::new, |decline| reason_name(decline_reason(decline)).to_owned()),
        refund_comment: operation.refund_comment,
    }
}

pub fn funding(slice: &Slice, currency: &str) -> v1::Funding {
    use v1::funding::{Balance, FreeOperations, Promotional, Source as Wire};
    let amount = || Some(money(Amount::from_micros(slice.amount), currency));
    let source = match slice.source {
        Source::FreeOperations(grant_id) => Wire::FreeOperations(FreeOperations {
            count: slice.amount,
            grant_id: grant_id.to_string(),
        }),
        Source::Promotional(grant_id) => {
            Wire::Promotional(Promotional { amount: amount(), grant_id: grant_id.to_string() })
        }
        Source::Balance => Wire::Balance(Balance { amount: amount() }),
    };
    v1::Funding { source: Some(source) }
}

pub fn entry(entry: Entry, currency: &str) -> v1::Entry {
    let in_money = |amount| match entry.unit {
        Unit::Money => Some(money(Amount::from_micros(amount), currency)),
        Unit::Operation => None,
    };
    let in_operations = |amount| match entry.unit {
        Unit::Money => 0,
        Unit::Operation => amount,
    };
    let (mut operation_id, mut request_id, mut payment_id) =
        (String::new(), String::new(), String::new());
    match &entry.reference {
        Reference::Operation(id) => operation_id = id.to_string(),
        Reference::Request(id) => request_id = id.to_string(),
        Reference::Payment(id) => payment_id = id.to_string(),
        Reference::Rule => {}
    }
    v1::Entry {
        user_id: entry.user_id.to_string(),
        sequence: entry.sequence,
        from_account: entry.from.to_string(),
        to_account: entry.to.to_string(),
        unit: unit(entry.unit).into(),
        amount: in_money(entry.amount),
        operations: in_operations(entry.amount),
        operation_id,
        request_id,
        create_time: Some(time(entry.create_time)),
        balance_after: in_money(entry.balance_after),
        operations_after: in_operations(entry.balance_after),
        payment_id,
    }
}

pub fn price(price: &Price, currency: &str) -> v1::Price {
    v1::Price {
        kind: price.kind.to_string(),
        price: Some(money(price.amount, currency)),
        free_operations_allowed: price.free_operations_allowed,
    }
}

pub fn grant(grant: Grant, currency: &str) -> v1::Grant {
    let in_money = |amount| match grant.unit {
        Unit::Money => Some(money(Amount::from_micros(amount), currency)),
        Unit::Operation => None,
    };
    let in_operations = |amount| match grant.unit {
        Unit::Money => 0,
        Unit::Operation => amount,
    };
    v1::Grant {
        grant_id: grant.grant_id.to_string(),
        user_id: grant.user_id.to_string(),
        kind: grant_kind(grant.kind).into(),
        unit: unit(grant.unit).into(),
        operations_given: in_operations(grant.given),
        operations_remaining: in_operations(grant.remaining),
        amount_given: in_money(grant.given),
        amount_remaining: in_money(grant.remaining),
        priority: grant.priority,
        create_time: Some(time(grant.create_time)),
        expire_time: grant.expire_time.map(time),
    }
}

pub fn state(state: OperationState) -> v1::OperationState {
    match state {
        OperationState::Charged => v1::OperationState::Charged,
        OperationState::Completed => v1::OperationState::Completed,
        OperationState::Refunded => v1::OperationState::Refunded,
        OperationState::Declined => v1::OperationState::Declined,
    }
}

/// The state's name without the prefix that it bears in the proto.
pub fn state_name(value: OperationState) -> &'static str {
    state(value).as_str_name().trim_start_matches("OPERATION_STATE_")
}

/// The reason's name without the prefix that it bears in the proto.
pub fn reason_name(reason: v1::ErrorReason) -> &'static str {
    reason.as_str_name().trim_start_matches("ERROR_REASON_")
}

fn decline_reason(decline: &Decline) -> v1::ErrorReason {
    match decline {
        Decline::InsufficientFunds { .. } => v1::ErrorReason::InsufficientFunds,
        Decline::PriceChanged => v1::ErrorReason::PriceChanged,
        Decline::UserBlocked => v1::ErrorReason::UserBlocked,
        Decline::InDebt => v1::ErrorReason::InDebt,
    }
}

fn standing(standing: Standing) -> v1::Standing {
    match standing {
        Standing::Good => v1::Standing::Good,
        Standing::InDebt => v1::Standing::InDebt,
        Standing::Blocked => v1::Standing::Blocked,
    }
}

fn refund_reason(reason: RefundReason) -> v1::RefundReason {
    match reason {
        RefundReason::JobFailed => v1::RefundReason::JobFailed,
        RefundReason::ContentRejected => v1::RefundReason::ContentRejected,
        RefundReason::Undeliverable => v1::RefundReason::Undeliverable,
        RefundReason::CustomerRequest => v1::RefundReason::CustomerRequest,
        RefundReason::Other => v1::RefundReason::Other,
        RefundReason::Expired => v1::RefundReason::Expired,
    }
}

fn grant_kind(kind: GrantKind) -> v1::GrantKind {
    match kind {
        GrantKind::Signup => v1::GrantKind::Signup,
        GrantKind::Promo => v1::GrantKind::Promo,
        GrantKind::Compensation => v1::GrantKind::Compensation,
    }
}

fn unit(unit: Unit) -> v1::Unit {
    match unit {
        Unit::Money => v1::Unit::Money,
        Unit::Operation => v1::Unit::Operation,
    }
}

fn time(time: Timestamp) -> prost_types::Timestamp {
    let micros = time.micros();
    prost_types::Timestamp {
        seconds: micros.div_euclid(1_000_000),
        // Below one million in size: it fits, and a thousand times it does too.
        nanos: micros.rem_euclid(1_000_000) as i32 * 1_000,
    }
}
