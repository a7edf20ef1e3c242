//! What happened.

use proto::billing::v1;
use proto::billing::v1::event::Body as Wire;

use super::payments::{park_reason, payment_state, provider, refund_origin, refund_state};
use super::{grant, money, refund_reason, standing, time};
use crate::ledger::{Event, EventBody, GiftCause, OperationSettled};

/// An event at the position that it was given.
pub fn event(position: i64, event: Event, currency: &str) -> v1::Event {
    v1::Event {
        position,
        user_id: event.user_id.to_string(),
        sequence: event.sequence,
        create_time: Some(time(event.create_time)),
        body: Some(body(event.body, currency)),
    }
}

fn body(body: EventBody, currency: &str) -> Wire {
    match body {
        EventBody::PaymentChanged { payment_id, provider: through, state, amount, parked } => {
            Wire::PaymentChanged(v1::PaymentChanged {
                payment_id: payment_id.to_string(),
                provider: provider(through).into(),
                state: payment_state(state).into(),
                amount: Some(money(amount, currency)),
                park_reason: parked.map_or(v1::ParkReason::Unspecified, park_reason).into(),
            })
        }
        EventBody::RefundChanged {
            payment_id,
            refund_id,
            provider: through,
            origin,
            state,
            amount,
        } => Wire::RefundChanged(v1::RefundChanged {
            payment_id: payment_id.to_string(),
            refund_id: refund_id.to_string(),
            provider: provider(through).into(),
            origin: refund_origin(origin).into(),
            state: refund_state(state).into(),
            amount: Some(money(amount, currency)),
        }),
        EventBody::OperationRefunded(settled) => {
            Wire::OperationRefunded(operation_settled(settled, currency))
        }
        EventBody::OperationExpired(settled) => {
            Wire::OperationExpired(operation_settled(settled, currency))
        }
        EventBody::GrantExpiring { grant: one } => {
            Wire::GrantExpiring(v1::GrantExpiring { grant: Some(grant(one, currency)) })
        }
        EventBody::GrantGiven { grant: one, cause } => Wire::GrantGiven(v1::GrantGiven {
            grant: Some(grant(one, currency)),
            cause: gift_cause(cause).into(),
        }),
        EventBody::StandingChanged { from, to, paid_balance } => {
            Wire::StandingChanged(v1::StandingChanged {
                from: standing(from).into(),
                to: standing(to).into(),
                paid_balance: Some(money(paid_balance, currency)),
            })
        }
    }
}

fn operation_settled(settled: OperationSettled, currency: &str) -> v1::OperationSettled {
    v1::OperationSettled {
        operation_id: settled.operation_id.to_string(),
        kind: settled.kind.to_string(),
        refunded: Some(money(settled.refunded, currency)),
        free_operations: settled.free_operations,
        reason: refund_reason(settled.reason).into(),
    }
}

fn gift_cause(cause: GiftCause) -> v1::GiftCause {
    match cause {
        GiftCause::Admin => v1::GiftCause::Admin,
        GiftCause::PromoCode => v1::GiftCause::PromoCode,
        GiftCause::Invited => v1::GiftCause::Invited,
        GiftCause::Inviter => v1::GiftCause::Inviter,
    }
}
