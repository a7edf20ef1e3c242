//! A payment until it is paid: made, opened, closed, asked about.

use super::adjust::within_max_balance;
use super::draft::Draft;
use super::{
    Amount, Closing, NewPayment, Outcome, Payment, PaymentId, PaymentState, RefundId, Rejection,
    Standing, Timestamp, UserId,
};

pub(super) fn create(draft: &mut Draft, new: &NewPayment) -> Result<Outcome, Rejection> {
    if let Some(first) = draft.payment_by_request(&new.request_id) {
        if let Some(field) = differing_field(first, new) {
            return Err(Rejection::RequestIdReused { field });
        }
        let first = first.payment_id;
        return answer(draft, &new.user_id, first, None);
    }
    if draft.standing(&new.user_id) == Standing::Blocked {
        return Err(Rejection::Blocked);
    }
    // Better refused now than parked when it is paid.
    within_max_balance(draft, &new.user_id, new.amount)?;
    draft.add_payment(Payment {
        payment_id: new.payment_id,
        user_id: new.user_id.clone(),
        request_id: new.request_id.clone(),
        caller: new.caller.clone(),
        provider: new.provider,
        amount: new.amount,
        price: new.price.clone(),
        return_url: new.return_url.clone(),
        receipt_email: new.receipt_email.clone(),
        state: PaymentState::Created,
        provider_payment_id: None,
        confirmation_url: None,
        method: None,
        received: None,
        parked: None,
        credited: Amount::ZERO,
        repeat_of: None,
        create_time: draft.now(),
        update_time: draft.now(),
        paid_time: None,
        credit_time: None,
        next_check: new.first_check,
        checks: 0,
    });
    answer(draft, &new.user_id, new.payment_id, None)
}

/// What an earlier opening, or the provider's own report, has said stays.
pub(super) fn open(
    draft: &mut Draft,
    user_id: &UserId,
    id: PaymentId,
    provider_payment_id: Option<&String>,
    confirmation_url: Option<&String>,
) -> Result<Outcome, Rejection> {
    let payment = draft.payment(user_id, id)?;
    let mut opened = payment.clone();
    if opened.provider_payment_id.is_none() {
        opened.provider_payment_id = provider_payment_id.cloned();
    }
    match payment.state {
        PaymentState::Created | PaymentState::Pending => {
            opened.state = PaymentState::Pending;
            opened.confirmation_url = opened.confirmation_url.or_else(|| confirmation_url.cloned());
        }
        PaymentState::Paid
        | PaymentState::Credited
        | PaymentState::Canceled
        | PaymentState::Expired
        | PaymentState::Refunded
        | PaymentState::Disputed => {}
    }
    if opened != *payment {
        draft.update_payment(opened);
    }
    answer(draft, user_id, id, None)
}

pub(super) fn close(
    draft: &mut Draft,
    user_id: &UserId,
    id: PaymentId,
    closing: Closing,
) -> Result<Outcome, Rejection> {
    let payment = draft.payment(user_id, id)?;
    if is_unpaid(payment) {
        let state = match closing {
            Closing::Refused => PaymentState::Canceled,
            Closing::GivenUp => PaymentState::Expired,
        };
        let closed = Payment { state, next_check: None, ..payment.clone() };
        draft.update_payment(closed);
    }
    answer(draft, user_id, id, None)
}

pub(super) fn schedule(
    draft: &mut Draft,
    user_id: &UserId,
    id: PaymentId,
    checks: i64,
    next: Option<Timestamp>,
) -> Result<Outcome, Rejection> {
    let payment = draft.payment(user_id, id)?;
    if is_unpaid(payment) && payment.checks == checks {
        let state = if next.is_some() { payment.state } else { PaymentState::Expired };
        let asked = Payment { state, checks: checks + 1, next_check: next, ..payment.clone() };
        draft.update_payment(asked);
    }
    answer(draft, user_id, id, None)
}

/// The answer of every command about a payment: it as it stands now. `refund_id`: what the request began or ended.
pub(super) fn answer(
    draft: &Draft,
    user_id: &UserId,
    id: PaymentId,
    refund_id: Option<RefundId>,
) -> Result<Outcome, Rejection> {
    Ok(Outcome::Payment {
        payment: draft.payment(user_id, id)?.clone(),
        refunds: draft.payment_refunds(id).into_iter().cloned().collect(),
        refund_id,
        user: draft.view(user_id),
        replayed: !draft.has_written(user_id),
    })
}

/// Can it still be opened, closed, asked about on schedule?
fn is_unpaid(payment: &Payment) -> bool {
    match payment.state {
        PaymentState::Created | PaymentState::Pending => true,
        PaymentState::Paid
        | PaymentState::Credited
        | PaymentState::Canceled
        | PaymentState::Expired
        | PaymentState::Refunded
        | PaymentState::Disputed => false,
    }
}

/// The first field in which a repeated request differs from the first, by its name in the proto. The price is not among
/// them: what was promised at the first stays, whatever the catalogue says today.
fn differing_field(first: &Payment, again: &NewPayment) -> Option<&'static str> {
    if first.user_id != again.user_id {
        Some("user_id")
    } else if first.provider != again.provider {
        Some("provider")
    } else if first.amount != again.amount {
        Some("amount")
    } else if first.return_url != again.return_url {
        Some("return_url")
    } else if first.receipt_email != again.receipt_email {
        Some("receipt_email")
    } else {
        None
    }
}
