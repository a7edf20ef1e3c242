//! Payments, refunds and events as the tables write them.

use super::words::{amount, grant_in_words, micros, name};
use crate::ledger::model_test::memory::Memory;
use crate::ledger::*;

/// `CREDITED 100`, `PAID, AMOUNT_MISMATCH: 90 for 100`, `REFUNDED 40 of 100`.
pub fn payment(payment: &Payment, refunds: &[PaymentRefund]) -> String {
    let taken: Amount = refunds
        .iter()
        .filter(|refund| refund.state != RefundState::Reversed)
        .map(|refund| refund.amount)
        .sum();
    let state = payment_state(payment.state);
    match payment.state {
        PaymentState::Created
        | PaymentState::Pending
        | PaymentState::Canceled
        | PaymentState::Expired => state.into(),
        PaymentState::Paid => match (payment.parked, &payment.received) {
            (Some(why), Some(received)) => {
                let (received, price) = (sum(received), sum(&payment.price));
                format!("{state}, {}: {received} for {price}", park_reason(why))
            }
            _ => state.into(),
        },
        PaymentState::Credited => format!("{state} {}", amount(payment.credited)),
        PaymentState::Refunded | PaymentState::Disputed => {
            format!("{state} {} of {}", amount(taken), amount(payment.credited))
        }
    }
}

pub fn payment_state(state: PaymentState) -> &'static str {
    match state {
        PaymentState::Created => "CREATED",
        PaymentState::Pending => "PENDING",
        PaymentState::Paid => "PAID",
        PaymentState::Credited => "CREDITED",
        PaymentState::Canceled => "CANCELED",
        PaymentState::Expired => "EXPIRED",
        PaymentState::Refunded => "REFUNDED",
        PaymentState::Disputed => "DISPUTED",
    }
}

fn park_reason(why: ParkReason) -> &'static str {
    match why {
        ParkReason::AmountMismatch => "AMOUNT_MISMATCH",
        ParkReason::CurrencyMismatch => "CURRENCY_MISMATCH",
        ParkReason::BalanceLimit => "BALANCE_LIMIT",
    }
}

/// Roubles are not named.
fn sum(sum: &ProviderAmount) -> String {
    let currency = if sum.currency == "RUB" { "" } else { &sum.currency };
    format!("{}{currency}", amount(sum.amount))
}

/// `ADMIN rf-1 PENDING 40`, and what the payer gets where that is another number.
pub fn refund(refund: &PaymentRefund) -> String {
    let (here, there) = (amount(refund.amount), sum(&refund.price));
    let there = if here == there { String::new() } else { format!(" for {there}") };
    let name = refund.provider_refund_id.as_deref().map(|name| format!(" {name}"));
    let (origin, state) = (origin(refund.origin), refund_state(refund.state));
    format!("{origin}{} {state} {here}{there}", name.unwrap_or_default())
}

fn origin(origin: RefundOrigin) -> &'static str {
    match origin {
        RefundOrigin::Admin => "ADMIN",
        RefundOrigin::Provider => "PROVIDER",
        RefundOrigin::Dispute => "DISPUTE",
        RefundOrigin::Rule => "RULE",
    }
}

fn refund_state(state: RefundState) -> &'static str {
    match state {
        RefundState::Pending => "PENDING",
        RefundState::Succeeded => "SUCCEEDED",
        RefundState::Reversed => "REVERSED",
    }
}

pub fn event(memory: &Memory, event: &Event) -> String {
    match &event.body {
        EventBody::PaymentChanged { state, amount: of, parked, .. } => {
            let parked = parked.map(|why| format!(" {}", park_reason(why))).unwrap_or_default();
            format!("payment {} {}{parked}", payment_state(*state), amount(*of))
        }
        EventBody::RefundChanged { origin: by, state, amount: of, .. } => {
            format!("refund {} {} {}", origin(*by), refund_state(*state), amount(*of))
        }
        EventBody::OperationRefunded(settled) => operation("refunded", settled),
        EventBody::OperationExpired(settled) => operation("expired", settled),
        EventBody::GrantExpiring { grant } => {
            format!("{} ends: {}", name(memory, grant.grant_id), grant_in_words(grant))
        }
        EventBody::GrantGiven { grant, cause } => {
            let cause = match cause {
                GiftCause::Admin => "ADMIN",
                GiftCause::PromoCode => "PROMO_CODE",
                GiftCause::Invited => "INVITED",
                GiftCause::Inviter => "INVITER",
            };
            format!("given {} by {cause}", grant_in_words(grant))
        }
        EventBody::StandingChanged { from, to, paid_balance } => {
            format!("{from:?} > {to:?} at {}", amount(*paid_balance))
        }
    }
}

fn operation(what: &str, settled: &OperationSettled) -> String {
    let (money, free) = (micros(settled.refunded.micros()), settled.free_operations);
    format!("{} {what}: {money} and {free} free", settled.kind)
}
