//! Payments and their refunds.

use proto::billing::v1;
use proto::google::r#type::Money;

use super::{money, time};
use crate::ledger::{
    Amount, ParkReason, Payment, PaymentRefund, PaymentState, Provider, ProviderAmount,
    RefundOrigin, RefundState,
};
use crate::payments::{Method, PreCheckoutRefusal};

/// A payment by itself, with what its refunds took, as a list shows it.
pub fn payment(payment: Payment, refunds: &[PaymentRefund], currency: &str) -> v1::Payment {
    let pending = payment.state == PaymentState::Pending;
    let invoice = (pending && payment.provider == Provider::TelegramStars).then(|| v1::Invoice {
        payload: payment.payment_id.to_string(),
        currency: payment.price.currency.clone(),
        stars: payment.price.amount.micros() / Amount::units(1).micros(),
    });
    v1::Payment {
        payment_id: payment.payment_id.to_string(),
        user_id: payment.user_id.to_string(),
        request_id: payment.request_id.to_string(),
        provider: provider(payment.provider).into(),
        state: payment_state(payment.state).into(),
        amount: Some(money(payment.amount, currency)),
        price: Some(provider_money(&payment.price)),
        provider_payment_id: payment.provider_payment_id.unwrap_or_default(),
        confirmation_url: payment.confirmation_url.filter(|_| pending).unwrap_or_default(),
        invoice,
        method: payment.method.unwrap_or_default(),
        credited: Some(money(payment.credited, currency)),
        refunded: Some(money(taken(refunds), currency)),
        park_reason: payment.parked.map_or(v1::ParkReason::Unspecified, park_reason).into(),
        received: payment.received.as_ref().map(provider_money),
        refunds: Vec::new(),
        repeat_of: payment.repeat_of.map_or_else(String::new, |id| id.to_string()),
        create_time: Some(time(payment.create_time)),
        update_time: Some(time(payment.update_time)),
        paid_time: payment.paid_time.map(time),
        credit_time: payment.credit_time.map(time),
    }
}

/// A payment with its refunds, as it is shown where one payment is asked for.
pub fn whole_payment(one: Payment, refunds: Vec<PaymentRefund>, currency: &str) -> v1::Payment {
    let shown = payment(one, &refunds, currency);
    let refunds = refunds.into_iter().map(|one| refund(one, currency)).collect();
    v1::Payment { refunds, ..shown }
}

pub fn refund(refund: PaymentRefund, currency: &str) -> v1::PaymentRefund {
    v1::PaymentRefund {
        refund_id: refund.refund_id.to_string(),
        payment_id: refund.payment_id.to_string(),
        user_id: refund.user_id.to_string(),
        origin: refund_origin(refund.origin).into(),
        state: refund_state(refund.state).into(),
        amount: Some(money(refund.amount, currency)),
        price: Some(provider_money(&refund.price)),
        reason: refund.reason,
        provider_refund_id: refund.provider_refund_id.unwrap_or_default(),
        create_time: Some(time(refund.create_time)),
        settle_time: refund.settle_time.map(time),
    }
}

/// The state's name without the prefix that it bears in the proto.
pub fn payment_state_name(state: PaymentState) -> &'static str {
    payment_state(state).as_str_name().trim_start_matches("PAYMENT_STATE_")
}

/// What refunds and disputes hold back of what was credited.
fn taken(refunds: &[PaymentRefund]) -> Amount {
    refunds
        .iter()
        .filter(|refund| refund.state != RefundState::Reversed)
        .map(|refund| refund.amount)
        .sum()
}

/// A way to pay, and what it sells.
pub fn method(method: Method, currency: &str) -> v1::PaymentMethod {
    let packs = method.packs.into_iter().map(|pack| v1::TopUpPack {
        amount: Some(money(pack.amount, currency)),
        price: Some(provider_money(&pack.price)),
    });
    v1::PaymentMethod {
        provider: provider(method.provider).into(),
        packs: packs.collect(),
        min_amount: method.limits.map(|limits| money(limits.min, currency)),
        max_amount: method.limits.map(|limits| money(limits.max, currency)),
    }
}

pub fn pre_checkout_refusal(refusal: PreCheckoutRefusal) -> v1::PreCheckoutRefusal {
    match refusal {
        PreCheckoutRefusal::Unknown => v1::PreCheckoutRefusal::Unknown,
        PreCheckoutRefusal::Price => v1::PreCheckoutRefusal::Price,
        PreCheckoutRefusal::Paid => v1::PreCheckoutRefusal::Paid,
        PreCheckoutRefusal::Closed => v1::PreCheckoutRefusal::Closed,
        PreCheckoutRefusal::Blocked => v1::PreCheckoutRefusal::Blocked,
    }
}

/// In the provider's own currency.
fn provider_money(amount: &ProviderAmount) -> Money {
    money(amount.amount, &amount.currency)
}

pub fn provider(provider: Provider) -> v1::PaymentProvider {
    match provider {
        Provider::Yookassa => v1::PaymentProvider::Yookassa,
        Provider::TelegramStars => v1::PaymentProvider::TelegramStars,
        Provider::Sandbox => v1::PaymentProvider::Sandbox,
    }
}

pub fn payment_state(state: PaymentState) -> v1::PaymentState {
    match state {
        PaymentState::Created => v1::PaymentState::Created,
        PaymentState::Pending => v1::PaymentState::Pending,
        PaymentState::Paid => v1::PaymentState::Paid,
        PaymentState::Credited => v1::PaymentState::Credited,
        PaymentState::Canceled => v1::PaymentState::Canceled,
        PaymentState::Expired => v1::PaymentState::Expired,
        PaymentState::Refunded => v1::PaymentState::Refunded,
        PaymentState::Disputed => v1::PaymentState::Disputed,
    }
}

pub fn park_reason(reason: ParkReason) -> v1::ParkReason {
    match reason {
        ParkReason::AmountMismatch => v1::ParkReason::AmountMismatch,
        ParkReason::CurrencyMismatch => v1::ParkReason::CurrencyMismatch,
        ParkReason::BalanceLimit => v1::ParkReason::BalanceLimit,
    }
}

pub fn refund_origin(origin: RefundOrigin) -> v1::RefundOrigin {
    match origin {
        RefundOrigin::Admin => v1::RefundOrigin::Admin,
        RefundOrigin::Provider => v1::RefundOrigin::Provider,
        RefundOrigin::Dispute => v1::RefundOrigin::Dispute,
        RefundOrigin::Rule => v1::RefundOrigin::Rule,
    }
}

pub fn refund_state(state: RefundState) -> v1::RefundState {
    match state {
        RefundState::Pending => v1::RefundState::Pending,
        RefundState::Succeeded => v1::RefundState::Succeeded,
        RefundState::Reversed => v1::RefundState::Reversed,
    }
}
