//! Events by what can be seen of a step: whatever came to stand elsewhere is told, and nothing else is.

use std::collections::BTreeMap;

use super::memory::Memory;
use crate::ledger::*;

/// What an event is about: its kind and an id.
type About = (&'static str, String);

/// Proves the events of one command by the rows before and after it.
pub fn check_told(before: &Memory, after: &Memory) {
    let mut last: BTreeMap<About, &Event> = BTreeMap::new();
    for event in &after.events[before.events.len()..] {
        last.insert(about(event), event);
    }
    for user in after.users.values() {
        let stood = before.users.get(&user.user_id).map_or(Standing::Good, |user| user.standing);
        expect(&mut last, ("standing", user.user_id.to_string()), stood != user.standing, || {
            let paid_balance = user.available;
            EventBody::StandingChanged { from: stood, to: user.standing, paid_balance }
        });
    }
    for operation in after.operations.values() {
        let stood = before.operations.get(&operation.operation_id).map(|before| before.state);
        let back = operation.state == OperationState::Refunded && stood != Some(operation.state);
        expect(&mut last, ("operation", operation.operation_id.to_string()), back, || {
            given_back(before, after, operation)
        });
    }
    payments(&mut last, before, after);
    grants(&mut last, before, after);
    assert!(last.is_empty(), "told of what did not happen: {last:#?}");
}

fn about(event: &Event) -> About {
    match &event.body {
        EventBody::PaymentChanged { payment_id, .. } => ("payment", payment_id.to_string()),
        EventBody::RefundChanged { refund_id, .. } => ("refund", refund_id.to_string()),
        EventBody::OperationRefunded(settled) | EventBody::OperationExpired(settled) => {
            ("operation", settled.operation_id.to_string())
        }
        EventBody::GrantExpiring { grant } => ("end", grant.grant_id.to_string()),
        EventBody::GrantGiven { grant, .. } => ("grant", grant.grant_id.to_string()),
        EventBody::StandingChanged { .. } => ("standing", event.user_id.to_string()),
    }
}

fn expect(
    last: &mut BTreeMap<About, &Event>,
    about: About,
    changed: bool,
    body: impl FnOnce() -> EventBody,
) {
    let told = last.remove(&about).map(|event| event.body.clone());
    assert_eq!(told, changed.then(body), "the last event about {about:?}");
}

fn payments(last: &mut BTreeMap<About, &Event>, before: &Memory, after: &Memory) {
    for payment in after.payments.values() {
        let stood = before.payments.get(&payment.payment_id);
        let stood = stood.map_or((PaymentState::Created, None), |p| (p.state, p.parked));
        let changed = stood != (payment.state, payment.parked);
        expect(last, ("payment", payment.payment_id.to_string()), changed, || {
            let credited = payment.credited > Amount::ZERO;
            EventBody::PaymentChanged {
                payment_id: payment.payment_id,
                provider: payment.provider,
                state: payment.state,
                amount: if credited { payment.credited } else { payment.amount },
                parked: payment.parked,
            }
        });
    }
    for refund in after.payment_refunds.values() {
        let stood = before.payment_refunds.get(&(refund.payment_id, refund.refund_id));
        let changed =
            stood.map(|stood| (stood.state, stood.amount)) != Some((refund.state, refund.amount));
        expect(last, ("refund", refund.refund_id.to_string()), changed, || {
            EventBody::RefundChanged {
                payment_id: refund.payment_id,
                refund_id: refund.refund_id,
                provider: after.payments[&refund.payment_id].provider,
                origin: refund.origin,
                state: refund.state,
                amount: refund.amount,
            }
        });
    }
}

fn grants(last: &mut BTreeMap<About, &Event>, before: &Memory, after: &Memory) {
    for (key, grant) in &after.grants {
        let id = grant.grant_id.to_string();
        let stood = before.grants.get(key);
        let given = stood.is_none() && grant.grant_id != GrantId::signup(&grant.user_id);
        expect(last, ("grant", id.clone()), given, || {
            let grant = Grant { remaining: grant.given, ..grant.clone() };
            EventBody::GrantGiven { cause: cause(after, &grant), grant }
        });
        let ending = grant.announced && stood.is_some_and(|stood| !stood.announced);
        expect(last, ("end", id), ending, || EventBody::GrantExpiring {
            grant: stood.expect("it was there").clone(),
        });
    }
}

fn cause(after: &Memory, grant: &Grant) -> GiftCause {
    let redeemed = after.redemptions.values().any(|r| r.grant_id == grant.grant_id);
    let inviter = after.referrals.keys().any(|id| GrantId::inviter(id) == grant.grant_id);
    if redeemed {
        GiftCause::PromoCode
    } else if grant.grant_id == GrantId::invited(&grant.user_id) {
        GiftCause::Invited
    } else if inviter {
        GiftCause::Inviter
    } else {
        GiftCause::Admin
    }
}

fn given_back(before: &Memory, after: &Memory, operation: &Operation) -> EventBody {
    let mine = Reference::Operation(operation.operation_id);
    let written = after.entries[before.entries.len()..].iter();
    let free = written.filter(|entry| entry.reference == mine && entry.unit == Unit::Operation);
    let reason = operation.refund_reason.expect("a refund has a reason");
    let settled = OperationSettled {
        operation_id: operation.operation_id,
        kind: operation.kind.clone(),
        refunded: operation.refunded,
        free_operations: free.map(|entry| entry.amount).sum(),
        reason,
    };
    if reason == RefundReason::Expired {
        EventBody::OperationExpired(settled)
    } else {
        EventBody::OperationRefunded(settled)
    }
}
