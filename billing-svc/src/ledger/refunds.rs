//! What refunds and disputes take from a balance and give back to it: every one of them, whoever began it.

use super::draft::Draft;
use super::observe::mismatch;
use super::{
    Account, Amount, Payment, PaymentId, PaymentRefund, PaymentState, Reference, RefundOrigin,
    RefundState, Rejection, Unit, UserId,
};

/// What of a payment has not been given back: here, of what was credited; and at the provider's, of what it received.
pub(super) struct Left {
    pub(super) here: Amount,
    pub(super) there: Amount,
}

pub(super) fn left(draft: &Draft, payment: &Payment) -> Left {
    let refunds = counting(draft, payment);
    let here = refunds.iter().map(|refund| refund.amount);
    let there = refunds.iter().map(|refund| refund.price.amount.max(Amount::ZERO));
    Left { here: rest(payment.credited, here), there: rest(received(payment), there) }
}

/// Oldest first. Those that were reversed gave back nothing.
fn counting<'a>(draft: &'a Draft, payment: &Payment) -> Vec<&'a PaymentRefund> {
    let mut refunds = draft.payment_refunds(payment.payment_id);
    refunds.retain(|refund| refund.state != RefundState::Reversed);
    refunds
}

fn received(payment: &Payment) -> Amount {
    payment.received.as_ref().map_or(Amount::ZERO, |received| received.amount)
}

/// Never below zero: a provider may give back more than it took. In i128: its numbers are not ours.
fn rest(whole: Amount, taken: impl Iterator<Item = Amount>) -> Amount {
    let taken: i128 = taken.map(|amount| i128::from(amount.micros())).sum();
    let rest = (i128::from(whole.micros()) - taken).clamp(0, i128::from(i64::MAX));
    Amount::from_micros(i64::try_from(rest).unwrap_or(i64::MAX))
}

impl Left {
    /// What a refund of this much at the provider's takes here: the same part of what is left, and all of it where
    /// nothing remains there. So what is taken in parts adds up to what was credited, whatever the currencies.
    pub(super) fn here_for(&self, there: Amount) -> Amount {
        part(self.here, there, self.there)
    }

    /// What the payer gets for this much here: in hundredths, the smallest coins there are; all for all.
    pub(super) fn there_for(&self, here: Amount) -> Amount {
        const COIN: i64 = 10_000;
        let there = part(self.there, here, self.here);
        if here >= self.here {
            return there;
        }
        Amount::from_micros(there.micros() - there.micros() % COIN)
    }
}

/// As much of `whole` as `part` is of `all`, rounded down.
fn part(whole: Amount, part: Amount, all: Amount) -> Amount {
    let part = part.max(Amount::ZERO);
    if part >= all {
        return whole;
    }
    let (whole, part, all) = (whole.micros(), part.micros(), all.micros());
    let share = i128::from(whole) * i128::from(part) / i128::from(all);
    Amount::from_micros(i64::try_from(share).unwrap_or(whole))
}

/// A refund begins: what it takes leaves the balance, which may go below zero.
pub(super) fn begin(draft: &mut Draft, payment: &Payment, refund: PaymentRefund) {
    draft.add_payment_refund(refund.clone());
    take(draft, payment, &refund);
    draft.tell_refund(payment.provider, &refund);
}

/// A refund that was under way has reached the payer.
pub(super) fn succeed(draft: &mut Draft, payment: &Payment, refund: PaymentRefund) {
    end(draft, payment, PaymentRefund { state: RefundState::Succeeded, ..refund });
}

/// A refund did not happen after all: what it took comes back, less what the payment's other refunds left to it. This may
/// pass the cap of a balance, because it was the user's before.
pub(super) fn reverse(draft: &mut Draft, payment: &Payment, refund: PaymentRefund) {
    let back = counting(draft, payment);
    let back: i128 = back.iter().map(|refund| i128::from(refund.price.amount.micros())).sum();
    let crowded = back > i128::from(received(payment).micros());
    draft.write_user(&payment.user_id);
    draft.transfer(
        &payment.user_id,
        Account::Topups(payment.provider),
        Account::Available,
        Unit::Money,
        refund.amount.micros(),
        Reference::Payment(payment.payment_id),
    );
    end(draft, payment, PaymentRefund { state: RefundState::Reversed, ..refund });
    if crowded {
        take_rest(draft, payment);
    }
}

/// A refund that was reversed happened nevertheless: what it takes leaves the balance once more.
pub(super) fn take_again(draft: &mut Draft, payment: &Payment, mut refund: PaymentRefund) {
    refund.amount = left(draft, payment).here_for(refund.price.amount);
    draft.write_user(&payment.user_id);
    take(draft, payment, &refund);
    end(draft, payment, PaymentRefund { state: RefundState::Succeeded, ..refund });
}

/// Refunds that together were of more than the payment took less than their part, each what the others had left. Now that one
/// of them is gone the others, the newest first, take as much of what was credited as the payer has of what was paid.
fn take_rest(draft: &mut Draft, payment: &Payment) {
    let (credited, received) = (payment.credited, received(payment));
    let left = left(draft, payment);
    let gone = part(credited, received - left.there, received);
    let mut missing = gone - (credited - left.here);
    let newest_first: Vec<_> = counting(draft, payment).into_iter().rev().cloned().collect();
    for refund in newest_first {
        let own = part(credited, refund.price.amount, received) - refund.amount;
        let more = own.min(missing);
        if more > Amount::ZERO {
            missing = missing - more;
            take(draft, payment, &PaymentRefund { amount: more, ..refund.clone() });
            let refund = PaymentRefund { amount: refund.amount + more, ..refund };
            draft.update_payment_refund(refund.clone());
            draft.tell_refund(payment.provider, &refund);
        }
    }
}

fn take(draft: &mut Draft, payment: &Payment, refund: &PaymentRefund) {
    draft.transfer(
        &payment.user_id,
        Account::Available,
        Account::Topups(payment.provider),
        Unit::Money,
        refund.amount.micros(),
        Reference::Payment(payment.payment_id),
    );
}

fn end(draft: &mut Draft, payment: &Payment, mut refund: PaymentRefund) {
    refund.settle_time = Some(draft.now());
    refund.next_try = None;
    draft.update_payment_refund(refund.clone());
    draft.tell_refund(payment.provider, &refund);
}

/// Does the rule for an invoice that was paid twice give this payment back?
pub(super) fn is_given_back_by_rule(draft: &Draft, payment: &Payment) -> bool {
    draft
        .payment_refunds(payment.payment_id)
        .into_iter()
        .any(|refund| refund.origin == RefundOrigin::Rule && refund.state != RefundState::Reversed)
}

/// Moves a payment to where its refunds say that it stands.
pub(super) fn settle_state(
    draft: &mut Draft,
    user_id: &UserId,
    id: PaymentId,
) -> Result<(), Rejection> {
    let payment = draft.payment(user_id, id)?.clone();
    let state = match payment.state {
        PaymentState::Created
        | PaymentState::Pending
        | PaymentState::Canceled
        | PaymentState::Expired => return Ok(()),
        PaymentState::Paid
        | PaymentState::Credited
        | PaymentState::Refunded
        | PaymentState::Disputed => state_by_refunds(draft, &payment),
    };
    if state != payment.state {
        let received = payment.received.as_ref();
        let parked = match state {
            // Its refund did not happen: it waits again, as it did when it was paid.
            PaymentState::Paid => received.and_then(|received| mismatch(&payment.price, received)),
            PaymentState::Created
            | PaymentState::Pending
            | PaymentState::Credited
            | PaymentState::Canceled
            | PaymentState::Expired
            | PaymentState::Refunded
            | PaymentState::Disputed => None,
        };
        draft.update_payment(Payment { state, parked, ..payment });
    }
    Ok(())
}

fn state_by_refunds(draft: &Draft, payment: &Payment) -> PaymentState {
    let refunds = draft.payment_refunds(payment.payment_id);
    let mut counting = refunds.into_iter().filter(|refund| refund.state != RefundState::Reversed);
    if payment.credit_time.is_none() {
        // The balance never had it: it is over when the payer has all of it back.
        let under_way = counting.any(|refund| refund.state == RefundState::Pending);
        let back = !under_way && left(draft, payment).there.is_zero();
        return if back { PaymentState::Refunded } else { PaymentState::Paid };
    }
    let mut state = PaymentState::Credited;
    for refund in counting {
        if refund.origin == RefundOrigin::Dispute && refund.state == RefundState::Pending {
            return PaymentState::Disputed;
        }
        if refund.amount > Amount::ZERO {
            state = PaymentState::Refunded;
        }
    }
    state
}
