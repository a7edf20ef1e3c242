//! Payments and their refunds, read from the journal.

use super::{Fact, Journal};
use crate::ledger::*;

/// One thing that happened to a payment.
pub enum PaymentFact {
    Named(String),
    Shown(String),
    Opened,
    Canceled,
    Expired,
    Checked(Option<Timestamp>),
    Paid { received: ProviderAmount, method: Option<String> },
    Credited(Amount),
}

/// One thing that happened to a refund.
pub enum RefundFact {
    Named(String),
    Succeeded,
    Reversed,
    Said(String),
    /// It takes this much now.
    Takes(Amount),
    Tried(Timestamp),
    Next(Timestamp),
}

impl Journal {
    /// All payments as they stand; when they last changed is left out.
    pub fn payments(&self) -> Vec<Payment> {
        let mut payments: Vec<Payment> = Vec::new();
        for fact in &self.0 {
            match fact {
                Fact::PaymentMade(payment) => payments.push(payment.clone()),
                Fact::Payment { id, at, fact } => {
                    let payment = payments.iter_mut().find(|payment| payment.payment_id == *id);
                    happened(payment.expect("it was made before"), *at, fact);
                }
                _ => {}
            }
        }
        for payment in &mut payments {
            let mut refunds = self.refunds_of(payment.payment_id);
            refunds.retain(|refund| refund.state != RefundState::Reversed);
            moved_by_refunds(payment, &refunds);
        }
        payments
    }

    pub fn payment(&self, user: &UserId, id: PaymentId) -> Option<Payment> {
        let mine = |payment: &Payment| payment.payment_id == id && payment.user_id == *user;
        self.payments().into_iter().find(mine)
    }

    pub fn refunds(&self) -> Vec<PaymentRefund> {
        let mut refunds: Vec<PaymentRefund> = Vec::new();
        for fact in &self.0 {
            match fact {
                Fact::RefundBegun(refund) => refunds.push(refund.clone()),
                Fact::Refund { id, at, fact } => {
                    let refund = refunds.iter_mut().find(|refund| refund.refund_id == *id);
                    refund_happened(refund.expect("it was begun before"), *at, fact);
                }
                _ => {}
            }
        }
        refunds
    }

    /// Oldest first.
    pub fn refunds_of(&self, id: PaymentId) -> Vec<PaymentRefund> {
        let mut refunds = self.refunds();
        refunds.retain(|refund| refund.payment_id == id);
        refunds.sort_by_key(|refund| (refund.create_time, refund.refund_id));
        refunds
    }

    /// What payments brought to a user, and was not taken back.
    pub fn paid_in(&self, user: &UserId) -> i64 {
        let payments = self.payments().into_iter().filter(|payment| payment.user_id == *user);
        let credited: i64 = payments.map(|payment| payment.credited.micros()).sum();
        let refunds = self
            .refunds()
            .into_iter()
            .filter(|refund| refund.user_id == *user && refund.state != RefundState::Reversed);
        credited - refunds.map(|refund| refund.amount.micros()).sum::<i64>()
    }

    pub fn topups(&self, user: &UserId) -> usize {
        let payments = self.payments().into_iter();
        payments.filter(|p| p.user_id == *user && p.credit_time.is_some()).count()
    }
}

fn happened(payment: &mut Payment, at: Timestamp, fact: &PaymentFact) {
    match fact {
        PaymentFact::Named(name) => payment.provider_payment_id = Some(name.clone()),
        PaymentFact::Shown(url) => payment.confirmation_url = Some(url.clone()),
        PaymentFact::Opened => payment.state = PaymentState::Pending,
        PaymentFact::Canceled => {
            payment.state = PaymentState::Canceled;
            payment.next_check = None;
        }
        PaymentFact::Expired => {
            payment.state = PaymentState::Expired;
            payment.next_check = None;
        }
        PaymentFact::Checked(next) => {
            payment.checks += 1;
            payment.next_check = *next;
        }
        PaymentFact::Paid { received, method } => {
            payment.state = PaymentState::Paid;
            payment.next_check = None;
            payment.parked = not_as_promised(&payment.price, received);
            payment.received = Some(received.clone());
            payment.method.clone_from(method);
            payment.paid_time = Some(at);
        }
        PaymentFact::Credited(amount) => {
            payment.state = PaymentState::Credited;
            payment.parked = None;
            payment.credited = *amount;
            payment.credit_time = Some(at);
        }
    }
}

pub fn not_as_promised(price: &ProviderAmount, received: &ProviderAmount) -> Option<ParkReason> {
    match (price.currency == received.currency, price.amount == received.amount) {
        (true, true) => None,
        (true, false) => Some(ParkReason::AmountMismatch),
        (false, _) => Some(ParkReason::CurrencyMismatch),
    }
}

/// `refunds`: those that were not reversed.
fn moved_by_refunds(payment: &mut Payment, refunds: &[PaymentRefund]) {
    let pending = |refund: &&PaymentRefund| refund.state == RefundState::Pending;
    if payment.state == PaymentState::Paid && !refunds.is_empty() {
        let back: Amount = refunds.iter().map(|refund| refund.price.amount).sum();
        let received = payment.received.as_ref().expect("it is paid").amount;
        if back >= received && refunds.iter().find(pending).is_none() {
            payment.state = PaymentState::Refunded;
            payment.parked = None;
        }
    } else if payment.state == PaymentState::Credited {
        if refunds.iter().any(|refund| refund.amount > Amount::ZERO) {
            payment.state = PaymentState::Refunded;
        }
        if refunds.iter().filter(pending).any(|refund| refund.origin == RefundOrigin::Dispute) {
            payment.state = PaymentState::Disputed;
        }
    }
}

fn refund_happened(refund: &mut PaymentRefund, at: Timestamp, fact: &RefundFact) {
    match fact {
        RefundFact::Named(name) => refund.provider_refund_id = Some(name.clone()),
        RefundFact::Succeeded | RefundFact::Reversed => {
            let happened = matches!(fact, RefundFact::Succeeded);
            refund.state = if happened { RefundState::Succeeded } else { RefundState::Reversed };
            refund.settle_time = Some(at);
            refund.next_try = None;
        }
        RefundFact::Said(reason) => refund.reason.clone_from(reason),
        RefundFact::Takes(amount) => refund.amount = *amount,
        RefundFact::Tried(next) => {
            refund.tries += 1;
            refund.next_try = Some(*next);
        }
        RefundFact::Next(next) => refund.next_try = Some(*next),
    }
}
