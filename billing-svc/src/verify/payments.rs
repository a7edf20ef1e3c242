//! One user's payments against their refunds and entries.

use std::collections::BTreeMap;

use super::{Balances, Check, Invariant, Report};
use crate::ledger::{
    Amount, Payment, PaymentId, PaymentRefund, PaymentState, RefundOrigin, RefundState,
};
use crate::store::StoreError;

impl Check<'_> {
    /// Checks a user's payments; answers how many of them were ever credited.
    pub(super) async fn payments(
        &mut self,
        id: &str,
        balances: &Balances,
    ) -> Result<i64, StoreError> {
        let mut refunds = self.refunds(id).await?;
        let mut moved = balances.payments.clone();
        let mut credited = 0;
        while let Some((_, payment)) = self.payments.next_of(id).await? {
            self.report.payments += 1;
            match payment {
                Ok(payment) => {
                    let refunds = refunds.remove(&payment.payment_id).unwrap_or_default();
                    let moved = moved.remove(&(payment.payment_id, payment.provider)).unwrap_or(0);
                    credited += i64::from(payment.credit_time.is_some());
                    check(&payment, &refunds, moved, &mut self.report);
                }
                Err(error) => self.report.unreadable(&error),
            }
        }
        for ((payment, provider), moved) in moved {
            let row = format!("payments {id} {payment}");
            let what =
                format!("entries moved {moved} through {}, no such payment", provider.name());
            self.report.add(Invariant::I8, row, what);
        }
        for refund in refunds.into_values().flatten() {
            self.report.add(Invariant::I8, row_of(&refund), "is of a payment that does not exist");
        }
        Ok(credited)
    }

    async fn refunds(
        &mut self,
        id: &str,
    ) -> Result<BTreeMap<PaymentId, Vec<PaymentRefund>>, StoreError> {
        let mut refunds: BTreeMap<_, Vec<_>> = BTreeMap::new();
        while let Some((_, refund)) = self.payment_refunds.next_of(id).await? {
            self.report.payment_refunds += 1;
            match refund {
                Ok(refund) => refunds.entry(refund.payment_id).or_default().push(refund),
                Err(error) => self.report.unreadable(&error),
            }
        }
        Ok(refunds)
    }
}

/// Compares a payment with its refunds and with what its entries moved.
fn check(payment: &Payment, refunds: &[PaymentRefund], moved: i128, report: &mut Report) {
    let counting = || refunds.iter().filter(|refund| refund.state != RefundState::Reversed);
    let credited = i128::from(payment.credited.micros());
    let taken_back: i128 = counting().map(|refund| i128::from(refund.amount.micros())).sum();
    let topups = report.topups.entry(payment.provider).or_default();
    topups.credited += credited;
    topups.taken_back += taken_back;

    let mut wrong = |what: String| {
        let row = format!("payments {} {}", payment.user_id, payment.payment_id);
        report.add(Invariant::I8, row, what);
    };
    if moved != credited - taken_back {
        wrong(format!(
            "credited {credited}, {taken_back} taken back, its entries leave {moved} of it"
        ));
    }
    if taken_back > credited {
        wrong(format!("credited {credited}, and {taken_back} were taken back"));
    }
    if let Some(what) = contradiction(payment) {
        wrong(what.to_owned());
    }
    let expected = expected_state(payment, refunds);
    if expected.is_some_and(|expected| payment.state != expected) {
        wrong(format!("is {:?}, its refunds say {expected:?}", payment.state));
    }
    if expected.is_none() && !refunds.is_empty() {
        wrong("was not paid and has refunds".to_owned());
    }
    for refund in refunds {
        let settled = (refund.state == RefundState::Pending) == refund.settle_time.is_none();
        if !settled || (refund.next_try.is_some() && refund.state != RefundState::Pending) {
            let what = format!("is {:?}, settled at {:?}", refund.state, refund.settle_time);
            report.add(Invariant::I8, row_of(refund), what);
        }
    }
}

fn row_of(refund: &PaymentRefund) -> String {
    format!("payment_refunds {} {}", refund.user_id, refund.refund_id)
}

/// Where a payment must stand, by its refunds. `None`: nobody has paid it, so refunds don't say.
fn expected_state(payment: &Payment, refunds: &[PaymentRefund]) -> Option<PaymentState> {
    let paid = payment.received.as_ref()?;
    let counting = || refunds.iter().filter(|refund| refund.state != RefundState::Reversed);
    let pending = |refund: &PaymentRefund| refund.state == RefundState::Pending;
    if payment.credit_time.is_none() {
        // Over when the payer has all of it back.
        let back: i128 = counting().map(|refund| i128::from(refund.price.amount.micros())).sum();
        let over = counting().next().is_some()
            && !counting().any(pending)
            && back >= i128::from(paid.amount.micros());
        return Some(if over { PaymentState::Refunded } else { PaymentState::Paid });
    }
    let disputed = |refund: &PaymentRefund| refund.origin == RefundOrigin::Dispute;
    Some(if counting().any(|refund| disputed(refund) && pending(refund)) {
        PaymentState::Disputed
    } else if counting().any(|refund| refund.amount > Amount::ZERO) {
        PaymentState::Refunded
    } else {
        PaymentState::Credited
    })
}

/// What a payment's own row may not say at once.
fn contradiction(payment: &Payment) -> Option<&'static str> {
    let paid = match payment.state {
        PaymentState::Created
        | PaymentState::Pending
        | PaymentState::Canceled
        | PaymentState::Expired => false,
        PaymentState::Paid
        | PaymentState::Credited
        | PaymentState::Refunded
        | PaymentState::Disputed => true,
    };
    if paid != payment.received.is_some() || paid != payment.paid_time.is_some() {
        return Some("its state and what was received contradict each other");
    }
    if paid && payment.provider_payment_id.is_none() {
        return Some("was paid, and the provider has no name for it");
    }
    if payment.credit_time.is_some() != (payment.credited > Amount::ZERO) {
        return Some("what was credited and when contradict each other");
    }
    if payment.parked.is_some() && payment.state != PaymentState::Paid {
        return Some("is parked and not paid");
    }
    None
}
