//! What providers report.

use super::{Answer, Reference};
use crate::ledger::model_test::journal::{Fact, PaymentFact, RefundFact, not_as_promised};
use crate::ledger::*;
use PaymentState::{Canceled, Created, Credited, Disputed, Expired, Paid, Pending, Refunded};

impl Reference {
    pub(super) fn observe(&mut self, seen: &Observation, now: Timestamp) -> Answer {
        let Observation { user_id, report, .. } = seen;
        let facts_before = self.journal.0.len();
        let name = Some(report.provider_payment_id.clone());
        let named = self.journal.payments().into_iter().find(|payment| {
            payment.provider == seen.provider && payment.provider_payment_id == name
        });
        let payment = match named {
            Some(named) => self.payment(user_id, named.payment_id)?,
            None => self.payment(user_id, seen.payment_id)?,
        };
        if payment.provider != seen.provider {
            return Err(Rejection::PaymentNotFound);
        }
        let mut id = payment.payment_id;
        let of_another =
            payment.provider_payment_id.is_some() && payment.provider_payment_id != name;
        match (of_another, report.status) {
            (true, ProviderStatus::Paid) => {
                self.paid_twice(&payment, seen, now);
                id = seen.repeat_id;
            }
            (true, _) => return self.paid(user_id, id, None, false, now),
            (false, status) => self.follow(&payment, status, report, now),
        }
        self.follow_refunds(id, seen, now);
        let changed = self.journal.0.len() > facts_before;
        self.paid(user_id, id, None, changed, now)
    }

    fn follow(
        &mut self,
        payment: &Payment,
        status: ProviderStatus,
        report: &Report,
        at: Timestamp,
    ) {
        let id = payment.payment_id;
        let mut note = |fact| self.journal.0.push(Fact::Payment { id, at, fact });
        if payment.provider_payment_id.is_none() {
            note(PaymentFact::Named(report.provider_payment_id.clone()));
        }
        let unpaid = matches!(payment.state, Created | Pending | Canceled | Expired);
        if status == ProviderStatus::Paid && unpaid {
            let (received, method) = (report.received.clone(), report.method.clone());
            note(PaymentFact::Paid { received, method });
        }
        if status == ProviderStatus::Canceled && matches!(payment.state, Created | Pending) {
            note(PaymentFact::Canceled);
        }
        if status == ProviderStatus::Pending && payment.state == Created {
            note(PaymentFact::Opened);
        }
    }

    fn paid_twice(&mut self, first: &Payment, seen: &Observation, now: Timestamp) {
        let report = &seen.report;
        self.journal.0.push(Fact::PaymentMade(Payment {
            payment_id: seen.repeat_id,
            user_id: first.user_id.clone(),
            request_id: RequestId::parse(format!("repeat:{}", seen.repeat_id)).unwrap(),
            caller: "rule".into(),
            provider: first.provider,
            amount: first.amount,
            price: first.price.clone(),
            return_url: None,
            receipt_email: None,
            state: Paid,
            provider_payment_id: Some(report.provider_payment_id.clone()),
            confirmation_url: None,
            method: report.method.clone(),
            received: Some(report.received.clone()),
            parked: not_as_promised(&first.price, &report.received),
            credited: Amount::ZERO,
            repeat_of: Some(first.payment_id),
            create_time: now,
            update_time: now,
            paid_time: Some(now),
            credit_time: None,
            next_check: None,
            checks: 0,
        }));
        let stars = first.provider == Provider::TelegramStars;
        if stars && self.policy.repeated_invoice == RepeatRule::Refund {
            self.journal.0.push(Fact::RefundBegun(PaymentRefund {
                refund_id: *seen.refund_ids.last().unwrap(),
                payment_id: seen.repeat_id,
                user_id: first.user_id.clone(),
                origin: RefundOrigin::Rule,
                state: RefundState::Pending,
                amount: Amount::ZERO,
                price: report.received.clone(),
                reason: "the invoice was paid before".into(),
                provider_refund_id: None,
                create_time: now,
                settle_time: None,
                next_try: Some(now),
                tries: 0,
            }));
        }
    }

    fn follow_refunds(&mut self, id: PaymentId, seen: &Observation, now: Timestamp) {
        // Which of them count is decided once, as the payment stands before any of them.
        let payment = self.payment(&seen.user_id, id).expect("it is there");
        let counts = match payment.state {
            Credited | Refunded | Disputed => true,
            Paid => payment.parked.is_some() || self.goes_back_by_rule(id),
            Created | Pending | Canceled | Expired => false,
        };
        for (reported, new_id) in seen.report.refunds.iter().zip(&seen.refund_ids) {
            if counts {
                self.follow_refund(id, reported, *new_id, now);
            }
        }
    }

    fn follow_refund(
        &mut self,
        id: PaymentId,
        reported: &ReportedRefund,
        new_id: RefundId,
        at: Timestamp,
    ) {
        let refunds = self.journal.refunds_of(id);
        let name = Some(reported.provider_refund_id.clone());
        let ours = |refund: &&PaymentRefund| {
            let kind = match refund.origin {
                RefundOrigin::Dispute => reported.dispute,
                RefundOrigin::Provider => false,
                _ => !reported.dispute && refund.state == RefundState::Pending,
            };
            kind && refund.provider_refund_id.is_none() && refund.price == reported.amount
        };
        let by_name = refunds.iter().find(|refund| refund.provider_refund_id == name);
        let found = by_name.or_else(|| refunds.iter().find(ours));
        let Some(found) = found else {
            if reported.state != ReportedRefundState::Canceled {
                self.unknown_refund(id, reported, new_id, at);
            }
            return;
        };
        let refund_id = found.refund_id;
        if by_name.is_none() {
            let fact = RefundFact::Named(reported.provider_refund_id.clone());
            self.journal.0.push(Fact::Refund { id: refund_id, at, fact });
        }
        let stood = found.state;
        match reported.state {
            ReportedRefundState::Pending => {}
            ReportedRefundState::Succeeded => {
                if stood == RefundState::Reversed {
                    let takes = self.takes(id, found.price.amount);
                    self.refund_happened(refund_id, RefundFact::Takes(takes), at);
                }
                if stood != RefundState::Succeeded {
                    self.refund_happened(refund_id, RefundFact::Succeeded, at);
                }
            }
            ReportedRefundState::Canceled => {
                if stood != RefundState::Reversed {
                    self.refund_reversed(id, refund_id, at);
                }
            }
        }
    }

    fn unknown_refund(
        &mut self,
        id: PaymentId,
        reported: &ReportedRefund,
        refund_id: RefundId,
        at: Timestamp,
    ) {
        let payments = self.journal.payments();
        let payment = payments.into_iter().find(|payment| payment.payment_id == id).unwrap();
        let over = reported.state == ReportedRefundState::Succeeded;
        self.journal.0.push(Fact::RefundBegun(PaymentRefund {
            refund_id,
            payment_id: id,
            user_id: payment.user_id,
            origin: match reported.dispute {
                true => RefundOrigin::Dispute,
                false => RefundOrigin::Provider,
            },
            state: if over { RefundState::Succeeded } else { RefundState::Pending },
            amount: self.takes(id, reported.amount.amount),
            price: reported.amount.clone(),
            reason: String::new(),
            provider_refund_id: Some(reported.provider_refund_id.clone()),
            create_time: at,
            settle_time: over.then_some(at),
            next_try: None,
            tries: 0,
        }));
    }

    pub(super) fn refund_happened(&mut self, id: RefundId, fact: RefundFact, at: Timestamp) {
        self.journal.0.push(Fact::Refund { id, at, fact });
    }

    /// What did not happen leaves its room to the others: where they were of more than there was to give back, the newest
    /// take what they lacked.
    pub(super) fn refund_reversed(&mut self, id: PaymentId, refund_id: RefundId, at: Timestamp) {
        let counted = |reference: &Self| {
            let mut refunds = reference.journal.refunds_of(id);
            refunds.retain(|refund| refund.state != RefundState::Reversed);
            let there = refunds.iter().map(|refund| refund.price.amount.micros() as i128).sum();
            (refunds, there)
        };
        let (_, before): (_, i128) = counted(self);
        self.refund_happened(refund_id, RefundFact::Reversed, at);
        let payments = self.journal.payments();
        let payment = payments.into_iter().find(|payment| payment.payment_id == id).unwrap();
        let paid = payment.received.map_or(0, |received| received.amount.micros() as i128);
        if before <= paid {
            return;
        }
        let share = |there: i128| match there >= paid {
            true => payment.credited.micros() as i128,
            false => payment.credited.micros() as i128 * there / paid,
        };
        let (refunds, there): (_, i128) = counted(self);
        let taken: i128 = refunds.iter().map(|refund| refund.amount.micros() as i128).sum();
        let mut lacks = share(there) - taken;
        for refund in refunds.iter().rev() {
            let has = refund.amount.micros() as i128;
            let takes = share(refund.price.amount.micros() as i128).min(has + lacks);
            if takes > has {
                lacks -= takes - has;
                let takes = Amount::from_micros(takes as i64);
                self.refund_happened(refund.refund_id, RefundFact::Takes(takes), at);
            }
        }
    }

    /// What is left of a payment, here and at its provider's.
    pub(super) fn left(&self, id: PaymentId) -> (i64, i64) {
        let payments = self.journal.payments();
        let payment = payments.into_iter().find(|payment| payment.payment_id == id).unwrap();
        let mut here = payment.credited.micros();
        let mut there = payment.received.map_or(0, |received| received.amount.micros());
        for refund in self.journal.refunds_of(id) {
            if refund.state != RefundState::Reversed {
                here -= refund.amount.micros();
                there -= refund.price.amount.micros();
            }
        }
        (here, there.max(0))
    }

    /// What a refund of so much at the provider's takes here: the same part of what is left; the last one all.
    fn takes(&self, id: PaymentId, price: Amount) -> Amount {
        let (here, there) = self.left(id);
        if price.micros() >= there {
            return Amount::from_micros(here);
        }
        let exact = i128::from(here) * i128::from(price.micros()) / i128::from(there);
        Amount::from_micros(exact as i64)
    }
}
