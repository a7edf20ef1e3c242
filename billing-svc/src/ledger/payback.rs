//! Refunds that an administrator asks for, what providers answer to them, and disputes that are known by letter.

use super::admin_requests::{keep, kept};
use super::credit::wrong_state;
use super::draft::Draft;
use super::refunds::{Left, begin, left, reverse, settle_state, succeed};
use super::topup::answer;
use super::{
    AdminAction, Administrator, Amount, DisputeOutcome, Outcome, Payment, PaymentId, PaymentRefund,
    PaymentState, ProviderAmount, RefundAnswer, RefundId, RefundOrigin, RefundState, Rejection,
    UserId,
};

/// What an administrator asks of one payment.
pub(super) struct Asked<'a> {
    user_id: &'a UserId,
    payment_id: PaymentId,
    refund_id: RefundId,
    amount: Option<Amount>,
    by: &'a Administrator,
}

impl<'a> Asked<'a> {
    /// `refund_id`: what the refund gets if it is new.
    pub(super) fn new(
        user_id: &'a UserId,
        payment_id: PaymentId,
        refund_id: RefundId,
        amount: Option<Amount>,
        by: &'a Administrator,
    ) -> Self {
        Self { user_id, payment_id, refund_id, amount, by }
    }
}

pub(super) fn refund(
    draft: &mut Draft,
    asked: &Asked,
    whole_only: bool,
) -> Result<Outcome, Rejection> {
    let Asked { user_id, payment_id, refund_id, amount, by } = *asked;
    let action = AdminAction::RefundPayment { payment_id, refund_id, amount };
    let payment = draft.payment(user_id, payment_id)?.clone();
    if let Some(first) = kept(draft, by, Some(user_id), &action)?
        && let AdminAction::RefundPayment { refund_id, .. } = first.action
    {
        return answer(draft, user_id, payment_id, Some(refund_id));
    }
    if payment.state == PaymentState::Disputed {
        return Err(wrong_state(&payment));
    }
    let left = left(draft, &payment);
    let amount = takes(&payment, &left, amount)?;
    let price = price(&payment, &left, amount)?;
    if whole_only && (amount != payment.credited || Some(&price) != payment.received.as_ref()) {
        return Err(Rejection::InvalidField {
            field: "amount",
            takes: "nothing here: this provider gives back whole payments only",
        });
    }
    if is_under_way(draft, payment_id, &price) {
        // The two could not be told apart at the provider's until they have names.
        return Err(Rejection::InvalidField {
            field: "amount",
            takes: "another amount than that of a refund which the provider has not answered yet",
        });
    }
    let refund = new_refund(draft, &payment, asked, RefundOrigin::Admin, amount, price);
    let refund = PaymentRefund { next_try: Some(draft.now()), ..refund };
    begin(draft, &payment, refund);
    settle_state(draft, user_id, payment_id)?;
    keep(draft, by, Some(user_id), action);
    answer(draft, user_id, payment_id, Some(refund_id))
}

fn is_under_way(draft: &Draft, id: PaymentId, price: &ProviderAmount) -> bool {
    draft.payment_refunds(id).into_iter().any(|refund| {
        refund.state == RefundState::Pending
            && refund.origin != RefundOrigin::Dispute
            && refund.provider_refund_id.is_none()
            && refund.price == *price
    })
}

/// What a refund or dispute takes from the balance: nothing where it never had anything of this payment.
fn takes(payment: &Payment, left: &Left, asked: Option<Amount>) -> Result<Amount, Rejection> {
    let most = match payment.state {
        PaymentState::Credited | PaymentState::Refunded | PaymentState::Disputed => left.here,
        PaymentState::Paid if payment.parked.is_some() => {
            if asked.is_some() {
                return Err(Rejection::InvalidField {
                    field: "amount",
                    takes: "nothing here: a payment that was not credited is given back whole",
                });
            }
            return match left.there > Amount::ZERO {
                true => Ok(Amount::ZERO),
                false => Err(wrong_state(payment)),
            };
        }
        PaymentState::Paid
        | PaymentState::Created
        | PaymentState::Pending
        | PaymentState::Canceled
        | PaymentState::Expired => return Err(wrong_state(payment)),
    };
    if most.is_zero() {
        return Err(wrong_state(payment));
    }
    let amount = asked.unwrap_or(most);
    if amount > most {
        return Err(Rejection::InvalidField {
            field: "amount",
            takes: "at most what was credited and has not been given back",
        });
    }
    Ok(amount)
}

/// What the payer gets.
fn price(payment: &Payment, left: &Left, amount: Amount) -> Result<ProviderAmount, Rejection> {
    let Some(received) = &payment.received else {
        return Err(Rejection::Corrupt {
            what: format!("what payment {} received", payment.payment_id),
        });
    };
    let price = left.there_for(amount);
    if price <= Amount::ZERO {
        return Err(Rejection::InvalidField {
            field: "amount",
            takes: "an amount for which the payer gets something",
        });
    }
    Ok(ProviderAmount { amount: price, currency: received.currency.clone() })
}

fn new_refund(
    draft: &Draft,
    payment: &Payment,
    asked: &Asked,
    origin: RefundOrigin,
    amount: Amount,
    price: ProviderAmount,
) -> PaymentRefund {
    PaymentRefund {
        refund_id: asked.refund_id,
        payment_id: payment.payment_id,
        user_id: payment.user_id.clone(),
        origin,
        state: RefundState::Pending,
        amount,
        price,
        reason: asked.by.reason.clone(),
        provider_refund_id: None,
        create_time: draft.now(),
        settle_time: None,
        next_try: None,
        tries: 0,
    }
}

pub(super) fn settle(
    draft: &mut Draft,
    user_id: &UserId,
    payment_id: PaymentId,
    refund_id: RefundId,
    said: &RefundAnswer,
) -> Result<Outcome, Rejection> {
    let payment = draft.payment(user_id, payment_id)?.clone();
    let refund = draft.payment_refund(payment_id, refund_id).ok_or(Rejection::PaymentNotFound)?;
    let refund = refund.clone();
    let is_asked_of_provider = match refund.origin {
        RefundOrigin::Admin | RefundOrigin::Rule => refund.state == RefundState::Pending,
        RefundOrigin::Provider | RefundOrigin::Dispute => false,
    };
    if is_asked_of_provider {
        follow_answer(draft, &payment, refund, said);
        settle_state(draft, user_id, payment_id)?;
    }
    answer(draft, user_id, payment_id, Some(refund_id))
}

/// The answer names the refund for certain; a name that a report suggested is another refund's, and will be met again.
fn follow_answer(
    draft: &mut Draft,
    payment: &Payment,
    mut refund: PaymentRefund,
    said: &RefundAnswer,
) {
    match said {
        RefundAnswer::Succeeded { provider_refund_id } => {
            if told_by_another(draft, &refund, provider_refund_id) {
                return reverse(draft, payment, refund);
            }
            refund.provider_refund_id = Some(provider_refund_id.clone());
            succeed(draft, payment, refund);
        }
        RefundAnswer::Accepted { provider_refund_id, next_try } => {
            if told_by_another(draft, &refund, provider_refund_id) {
                return reverse(draft, payment, refund);
            }
            let named = PaymentRefund {
                provider_refund_id: Some(provider_refund_id.clone()),
                next_try: Some(*next_try),
                ..refund.clone()
            };
            if named != refund {
                draft.update_payment_refund(named);
            }
        }
        RefundAnswer::Refused { why } => {
            let said = format!("refused by the provider: {why}");
            refund.reason = match refund.reason.as_str() {
                "" => said,
                reason => format!("{reason}; {said}"),
            };
            reverse(draft, payment, refund);
        }
        RefundAnswer::Unanswered { next_try } => {
            if refund.next_try != Some(*next_try) {
                refund.tries += 1;
                refund.next_try = Some(*next_try);
                draft.update_payment_refund(refund);
            }
        }
    }
}

/// A report came first and could not be told to be of this refund: it is the same money, and is taken once.
fn told_by_another(draft: &Draft, refund: &PaymentRefund, name: &str) -> bool {
    draft.payment_refunds(refund.payment_id).into_iter().any(|other| {
        other.refund_id != refund.refund_id && other.provider_refund_id.as_deref() == Some(name)
    })
}

pub(super) fn dispute(
    draft: &mut Draft,
    asked: &Asked,
    outcome: DisputeOutcome,
) -> Result<Outcome, Rejection> {
    let Asked { user_id, payment_id, amount, by, .. } = *asked;
    let action = AdminAction::RecordDispute { payment_id, outcome, amount };
    let payment = draft.payment(user_id, payment_id)?.clone();
    if kept(draft, by, Some(user_id), &action)?.is_some() {
        return answer(draft, user_id, payment_id, None);
    }
    match outcome {
        DisputeOutcome::Opened => open_dispute(draft, &payment, asked)?,
        DisputeOutcome::Won => {
            let open = newest_dispute(draft, &payment)?;
            reverse(draft, &payment, open);
        }
        DisputeOutcome::Lost => {
            let open = newest_dispute(draft, &payment)?;
            succeed(draft, &payment, open);
        }
    }
    settle_state(draft, user_id, payment_id)?;
    keep(draft, by, Some(user_id), action);
    answer(draft, user_id, payment_id, None)
}

fn open_dispute(draft: &mut Draft, payment: &Payment, asked: &Asked) -> Result<(), Rejection> {
    let left = left(draft, payment);
    let amount = takes(payment, &left, asked.amount)?;
    let price = price(payment, &left, amount)?;
    let dispute = new_refund(draft, payment, asked, RefundOrigin::Dispute, amount, price);
    begin(draft, payment, dispute);
    Ok(())
}

fn newest_dispute(draft: &Draft, payment: &Payment) -> Result<PaymentRefund, Rejection> {
    let open = |refund: &&PaymentRefund| {
        refund.origin == RefundOrigin::Dispute && refund.state == RefundState::Pending
    };
    let refunds = draft.payment_refunds(payment.payment_id);
    refunds.into_iter().rfind(open).cloned().ok_or_else(|| wrong_state(payment))
}
