//! Payments until they are credited.

use super::{Answer, Reference};
use crate::ledger::model_test::journal::{Fact, PaymentFact};
use crate::ledger::*;
use PaymentState::{Canceled, Created, Credited, Disputed, Expired, Paid, Pending, Refunded};

impl Reference {
    pub(super) fn pay(&mut self, new: &NewPayment, now: Timestamp) -> Answer {
        let payments = self.journal.payments();
        if let Some(first) = payments.iter().find(|first| first.request_id == new.request_id) {
            let differs = [
                ("user_id", first.user_id != new.user_id),
                ("provider", first.provider != new.provider),
                ("amount", first.amount != new.amount),
                ("return_url", first.return_url != new.return_url),
                ("receipt_email", first.receipt_email != new.receipt_email),
            ];
            if let Some((field, _)) = differs.into_iter().find(|(_, differs)| *differs) {
                return Err(Rejection::RequestIdReused { field });
            }
            return self.paid(&new.user_id, first.payment_id, None, false, now);
        }
        if self.journal.standing(&new.user_id) == Standing::Blocked {
            return Err(Rejection::Blocked);
        }
        self.room_for(&new.user_id, new.amount)?;
        self.journal.0.push(Fact::PaymentMade(Payment {
            payment_id: new.payment_id,
            user_id: new.user_id.clone(),
            request_id: new.request_id.clone(),
            caller: new.caller.clone(),
            provider: new.provider,
            amount: new.amount,
            price: new.price.clone(),
            return_url: new.return_url.clone(),
            receipt_email: new.receipt_email.clone(),
            state: Created,
            provider_payment_id: None,
            confirmation_url: None,
            method: None,
            received: None,
            parked: None,
            credited: Amount::ZERO,
            repeat_of: None,
            create_time: now,
            update_time: now,
            paid_time: None,
            credit_time: None,
            next_check: new.first_check,
            checks: 0,
        }));
        self.paid(&new.user_id, new.payment_id, None, true, now)
    }

    pub(super) fn open(
        &mut self,
        user_id: &UserId,
        id: PaymentId,
        name: Option<&String>,
        url: Option<&String>,
        now: Timestamp,
    ) -> Answer {
        let payment = self.payment(user_id, id)?;
        let mut facts = Vec::new();
        if let (None, Some(name)) = (&payment.provider_payment_id, name) {
            facts.push(PaymentFact::Named(name.clone()));
        }
        if let (Created | Pending, None, Some(url)) =
            (payment.state, &payment.confirmation_url, url)
        {
            facts.push(PaymentFact::Shown(url.clone()));
        }
        if payment.state == Created {
            facts.push(PaymentFact::Opened);
        }
        self.happened(user_id, id, facts, now)
    }

    pub(super) fn close(
        &mut self,
        user_id: &UserId,
        id: PaymentId,
        closing: Closing,
        now: Timestamp,
    ) -> Answer {
        let facts = match (self.payment(user_id, id)?.state, closing) {
            (Created | Pending, Closing::Refused) => vec![PaymentFact::Canceled],
            (Created | Pending, Closing::GivenUp) => vec![PaymentFact::Expired],
            _ => vec![],
        };
        self.happened(user_id, id, facts, now)
    }

    pub(super) fn check(
        &mut self,
        user_id: &UserId,
        id: PaymentId,
        checks: i64,
        next: Option<Timestamp>,
        now: Timestamp,
    ) -> Answer {
        let payment = self.payment(user_id, id)?;
        let mut facts = Vec::new();
        if matches!(payment.state, Created | Pending) && payment.checks == checks {
            facts.push(PaymentFact::Checked(next));
            facts.extend(next.is_none().then_some(PaymentFact::Expired));
        }
        self.happened(user_id, id, facts, now)
    }

    pub(super) fn credit(&mut self, user_id: &UserId, id: PaymentId, now: Timestamp) -> Answer {
        let payment = self.payment(user_id, id)?;
        let goes_back = self.goes_back_by_rule(id);
        match payment.state {
            Paid if payment.parked.is_none() && !goes_back => {
                self.credited(user_id, id, payment.amount, now);
                self.paid(user_id, id, None, true, now)
            }
            Paid | Credited | Refunded | Disputed => self.paid(user_id, id, None, false, now),
            Created | Pending | Canceled | Expired => Err(stands(&payment)),
        }
    }

    pub(super) fn decide(
        &mut self,
        user_id: &UserId,
        id: PaymentId,
        amount: Option<Amount>,
        by: &Administrator,
        now: Timestamp,
    ) -> Answer {
        let payment = self.payment(user_id, id)?;
        let before = self.asked_before(by, Some(("payment_id", user_id)), |first| match first {
            AdminAction::CreditPayment { payment_id, amount: first } => {
                Some(vec![("payment_id", *payment_id != id), ("amount", *first != amount)])
            }
            _ => None,
        })?;
        if before.is_some() {
            return self.paid(user_id, id, None, false, now);
        }
        let refunds = self.journal.refunds_of(id);
        let going = refunds.iter().any(|refund| refund.state == RefundState::Pending);
        if payment.parked.is_none() || going {
            return Err(stands(&payment));
        }
        let credited = amount.unwrap_or(payment.amount);
        self.room_for(user_id, credited)?;
        self.credited(user_id, id, credited, now);
        let action = AdminAction::CreditPayment { payment_id: id, amount };
        self.keep(by, Some(user_id), action, now);
        self.paid(user_id, id, None, true, now)
    }

    fn credited(&mut self, user_id: &UserId, id: PaymentId, amount: Amount, now: Timestamp) {
        let first = self.journal.topups(user_id) == 0;
        let fact = PaymentFact::Credited(amount);
        self.journal.0.push(Fact::Payment { id, at: now, fact });
        if first {
            self.thank_invited(user_id, now);
        }
    }

    pub(super) fn goes_back_by_rule(&self, id: PaymentId) -> bool {
        self.journal.refunds_of(id).iter().any(|refund| {
            refund.origin == RefundOrigin::Rule && refund.state != RefundState::Reversed
        })
    }

    pub(super) fn payment(&self, user_id: &UserId, id: PaymentId) -> Result<Payment, Rejection> {
        self.journal.payment(user_id, id).ok_or(Rejection::PaymentNotFound)
    }

    fn happened(
        &mut self,
        user_id: &UserId,
        id: PaymentId,
        facts: Vec<PaymentFact>,
        now: Timestamp,
    ) -> Answer {
        let changed = !facts.is_empty();
        let facts = facts.into_iter().map(|fact| Fact::Payment { id, at: now, fact });
        self.journal.0.extend(facts);
        self.paid(user_id, id, None, changed, now)
    }

    /// The answer about a payment; if anything changed, the user was written.
    pub(super) fn paid(
        &mut self,
        user_id: &UserId,
        id: PaymentId,
        refund_id: Option<RefundId>,
        changed: bool,
        now: Timestamp,
    ) -> Answer {
        if changed {
            self.write(user_id, now);
        }
        Ok(Outcome::Payment {
            payment: self.payment(user_id, id)?,
            refunds: self.journal.refunds_of(id),
            refund_id,
            user: self.view(user_id, now),
            replayed: !changed,
        })
    }
}

pub(super) fn stands(payment: &Payment) -> Rejection {
    Rejection::PaymentState { payment_id: payment.payment_id, state: payment.state }
}
