//! Refunds that administrators ask for, what providers answer, and letters about disputes.

use super::payments::stands;
use super::{Answer, Reference};
use crate::ledger::model_test::journal::{Fact, RefundFact};
use crate::ledger::*;
use PaymentState::{Credited, Disputed, Paid, Refunded};

const INVALID: Rejection = Rejection::InvalidField { field: "amount", takes: "" };

/// What is asked of a payment.
pub(super) struct Asked<'a> {
    pub user_id: &'a UserId,
    pub id: PaymentId,
    pub refund_id: RefundId,
    pub amount: Option<Amount>,
    pub by: &'a Administrator,
}

impl Reference {
    pub(super) fn pay_back(&mut self, asked: &Asked, whole_only: bool, now: Timestamp) -> Answer {
        let Asked { user_id, id, refund_id, amount, by } = *asked;
        let payment = self.payment(user_id, id)?;
        let before = self.asked_before(by, Some(("payment_id", user_id)), |first| match first {
            AdminAction::RefundPayment { payment_id, amount: first, .. } => {
                Some(vec![("payment_id", *payment_id != id), ("amount", *first != amount)])
            }
            _ => None,
        })?;
        if let Some(AdminRequest { action: AdminAction::RefundPayment { refund_id, .. }, .. }) =
            before
        {
            return self.paid(user_id, id, Some(refund_id), false, now);
        }
        if payment.state == Disputed {
            return Err(stands(&payment));
        }
        let refund = self.would_take(&payment, asked, RefundOrigin::Admin, now)?;
        let received = payment.received.as_ref().expect("it is paid");
        if whole_only && (refund.amount, &refund.price) != (payment.credited, received) {
            return Err(INVALID);
        }
        let twin = self.journal.refunds_of(id).into_iter().any(|other| {
            let asked_here = matches!(other.origin, RefundOrigin::Admin | RefundOrigin::Rule);
            asked_here
                && other.state == RefundState::Pending
                && other.provider_refund_id.is_none()
                && other.price == refund.price
        });
        if twin {
            return Err(INVALID);
        }
        self.journal.0.push(Fact::RefundBegun(PaymentRefund { next_try: Some(now), ..refund }));
        let action = AdminAction::RefundPayment { payment_id: id, refund_id, amount };
        self.keep(by, Some(user_id), action, now);
        self.paid(user_id, id, Some(refund_id), true, now)
    }

    /// A refund or dispute that begins now, if it may.
    fn would_take(
        &self,
        payment: &Payment,
        asked: &Asked,
        origin: RefundOrigin,
        now: Timestamp,
    ) -> Result<PaymentRefund, Rejection> {
        let (here, there) = self.left(payment.payment_id);
        let credited = matches!(payment.state, Credited | Refunded | Disputed);
        let parked = payment.state == Paid && payment.parked.is_some();
        if !credited && !parked {
            return Err(stands(payment));
        }
        if parked && asked.amount.is_some() {
            return Err(INVALID);
        }
        if (credited && here == 0) || (parked && there == 0) {
            return Err(stands(payment));
        }
        let amount = asked.amount.map_or(here, Amount::micros);
        if amount > here {
            return Err(INVALID);
        }
        let price = if amount == here {
            there
        } else {
            let exact = i128::from(there) * i128::from(amount) / i128::from(here);
            exact as i64 / 10_000 * 10_000
        };
        if price == 0 {
            return Err(INVALID);
        }
        let currency = payment.received.as_ref().expect("it is paid").currency.clone();
        Ok(PaymentRefund {
            refund_id: asked.refund_id,
            payment_id: payment.payment_id,
            user_id: payment.user_id.clone(),
            origin,
            state: RefundState::Pending,
            amount: Amount::from_micros(amount),
            price: ProviderAmount { amount: Amount::from_micros(price), currency },
            reason: asked.by.reason.clone(),
            provider_refund_id: None,
            create_time: now,
            settle_time: None,
            next_try: None,
            tries: 0,
        })
    }

    pub(super) fn settle(
        &mut self,
        user_id: &UserId,
        id: PaymentId,
        refund_id: RefundId,
        said: &RefundAnswer,
        now: Timestamp,
    ) -> Answer {
        self.payment(user_id, id)?;
        let refunds = self.journal.refunds_of(id);
        let refund = refunds.iter().find(|refund| refund.refund_id == refund_id);
        let refund = refund.ok_or(Rejection::PaymentNotFound)?.clone();
        let facts_before = self.journal.0.len();
        let ours = matches!(refund.origin, RefundOrigin::Admin | RefundOrigin::Rule);
        if ours && refund.state == RefundState::Pending {
            self.follow_answer(&refund, said, now);
        }
        let changed = self.journal.0.len() > facts_before;
        self.paid(user_id, id, Some(refund_id), changed, now)
    }

    fn follow_answer(&mut self, refund: &PaymentRefund, said: &RefundAnswer, now: Timestamp) {
        let id = refund.refund_id;
        let (name, next) = match said {
            RefundAnswer::Refused { why } => {
                let why = format!("refused by the provider: {why}");
                let reason = match refund.reason.is_empty() {
                    true => why,
                    false => format!("{}; {why}", refund.reason),
                };
                self.refund_happened(id, RefundFact::Said(reason), now);
                return self.refund_reversed(refund.payment_id, id, now);
            }
            RefundAnswer::Unanswered { next_try } => {
                if refund.next_try != Some(*next_try) {
                    self.refund_happened(id, RefundFact::Tried(*next_try), now);
                }
                return;
            }
            RefundAnswer::Succeeded { provider_refund_id } => (provider_refund_id, None),
            RefundAnswer::Accepted { provider_refund_id, next_try } => {
                (provider_refund_id, Some(*next_try))
            }
        };
        let twin =
            self.journal.refunds_of(refund.payment_id).into_iter().find(|other| {
                other.refund_id != id && other.provider_refund_id.as_ref() == Some(name)
            });
        if twin.is_some() {
            return self.refund_reversed(refund.payment_id, id, now);
        }
        if refund.provider_refund_id.as_ref() != Some(name) {
            self.refund_happened(id, RefundFact::Named(name.clone()), now);
        }
        match next {
            None => self.refund_happened(id, RefundFact::Succeeded, now),
            Some(next) if refund.next_try != Some(next) => {
                self.refund_happened(id, RefundFact::Next(next), now);
            }
            Some(_) => {}
        }
    }

    pub(super) fn letter(
        &mut self,
        asked: &Asked,
        outcome: DisputeOutcome,
        now: Timestamp,
    ) -> Answer {
        let Asked { user_id, id, amount, by, .. } = *asked;
        let payment = self.payment(user_id, id)?;
        let before = self.asked_before(by, Some(("payment_id", user_id)), |first| match first {
            AdminAction::RecordDispute { payment_id, outcome: first, amount: first_amount } => {
                Some(vec![
                    ("payment_id", *payment_id != id),
                    ("outcome", *first != outcome),
                    ("amount", *first_amount != amount),
                ])
            }
            _ => None,
        })?;
        if before.is_some() {
            return self.paid(user_id, id, None, false, now);
        }
        let mut open = self.journal.refunds_of(id);
        open.retain(|refund| refund.origin == RefundOrigin::Dispute);
        open.retain(|refund| refund.state == RefundState::Pending);
        let newest = open.last().map(|refund| refund.refund_id).ok_or_else(|| stands(&payment));
        match outcome {
            DisputeOutcome::Opened => {
                let dispute = self.would_take(&payment, asked, RefundOrigin::Dispute, now)?;
                self.journal.0.push(Fact::RefundBegun(dispute));
            }
            DisputeOutcome::Won => self.refund_reversed(id, newest?, now),
            DisputeOutcome::Lost => self.refund_happened(newest?, RefundFact::Succeeded, now),
        }
        let action = AdminAction::RecordDispute { payment_id: id, outcome, amount };
        self.keep(by, Some(user_id), action, now);
        self.paid(user_id, id, None, true, now)
    }
}
