//! Following what a provider says of a payment. Nothing is credited here.

use super::draft::Draft;
use super::reported::follow_refunds;
use super::topup::answer;
use super::{
    Amount, Observation, Outcome, ParkReason, Payment, PaymentId, PaymentRefund, PaymentState,
    Provider, ProviderAmount, ProviderStatus, RefundOrigin, RefundState, Rejection, RepeatRule,
    Report, RequestId,
};

/// The payment that a report is about.
enum Subject {
    /// One that was made here.
    Known(Payment),
    /// A payment of an invoice that was paid by another one before.
    Repeat(Payment),
    /// Another attempt at a payment that is known by another name; nobody has paid it.
    Attempt(Payment),
}

pub(super) fn observe(draft: &mut Draft, observation: &Observation) -> Result<Outcome, Rejection> {
    let Observation { user_id, report, refund_ids, .. } = observation;
    if refund_ids.len() <= report.refunds.len() {
        return Err(Rejection::Corrupt {
            what: format!("an observation with {} ids of refunds", refund_ids.len()),
        });
    }
    let id = match subject(draft, observation)? {
        Subject::Attempt(payment) => return answer(draft, user_id, payment.payment_id, None),
        Subject::Known(payment) => {
            follow(draft, &payment, report);
            payment.payment_id
        }
        Subject::Repeat(first) => repeat(draft, &first, observation)?,
    };
    follow_refunds(draft, user_id, id, observation)?;
    answer(draft, user_id, id, None)
}

/// The provider's own name goes before what it carries for us.
fn subject(draft: &Draft, observation: &Observation) -> Result<Subject, Rejection> {
    let Observation { user_id, payment_id, provider, report, .. } = observation;
    if let Some(known) = draft.payment_by_name(*provider, &report.provider_payment_id) {
        return Ok(Subject::Known(draft.payment(user_id, known.payment_id)?.clone()));
    }
    let payment = draft.payment(user_id, *payment_id)?;
    if payment.provider != *provider {
        return Err(Rejection::PaymentNotFound);
    }
    let payment = payment.clone();
    Ok(match (&payment.provider_payment_id, report.status) {
        (None, _) => Subject::Known(payment),
        (Some(_), ProviderStatus::Paid) => Subject::Repeat(payment),
        (Some(_), ProviderStatus::Pending | ProviderStatus::Canceled) => Subject::Attempt(payment),
    })
}

fn follow(draft: &mut Draft, payment: &Payment, report: &Report) {
    use PaymentState::{Canceled, Created, Credited, Disputed, Expired, Paid, Pending, Refunded};
    let mut next = payment.clone();
    if next.provider_payment_id.is_none() {
        next.provider_payment_id = Some(report.provider_payment_id.clone());
    }
    match (report.status, payment.state) {
        // Also late: money that came after all is the user's.
        (ProviderStatus::Paid, Created | Pending | Canceled | Expired) => {
            next.state = Paid;
            next.received = Some(report.received.clone());
            next.method.clone_from(&report.method);
            next.parked = mismatch(&payment.price, &report.received);
            next.paid_time = Some(draft.now());
            next.next_check = None;
        }
        (ProviderStatus::Canceled, Created | Pending) => {
            next.state = Canceled;
            next.next_check = None;
        }
        (ProviderStatus::Pending, Created) => next.state = Pending,
        // Nothing that was paid is ever taken for unpaid again.
        (
            ProviderStatus::Pending | ProviderStatus::Paid | ProviderStatus::Canceled,
            Pending | Paid | Credited | Canceled | Expired | Refunded | Disputed,
        ) => {}
    }
    if next != *payment {
        draft.update_payment(next);
    }
}

/// Another payment of the same invoice: credited like the first, or given back.
fn repeat(
    draft: &mut Draft,
    first: &Payment,
    observation: &Observation,
) -> Result<PaymentId, Rejection> {
    let Observation { repeat_id, report, refund_ids, .. } = observation;
    let request_id = format!("repeat:{repeat_id}");
    let request_id = RequestId::parse(request_id)
        .map_err(|invalid| Rejection::Corrupt { what: invalid.to_string() })?;
    let payment = Payment {
        payment_id: *repeat_id,
        request_id,
        caller: "rule".to_owned(),
        return_url: None,
        receipt_email: None,
        state: PaymentState::Paid,
        provider_payment_id: Some(report.provider_payment_id.clone()),
        confirmation_url: None,
        method: report.method.clone(),
        received: Some(report.received.clone()),
        parked: mismatch(&first.price, &report.received),
        credited: Amount::ZERO,
        repeat_of: Some(first.payment_id),
        create_time: draft.now(),
        update_time: draft.now(),
        paid_time: Some(draft.now()),
        credit_time: None,
        next_check: None,
        checks: 0,
        ..first.clone()
    };
    draft.add_payment(payment.clone());
    draft.tell_payment(&payment);
    let given_back = match (payment.provider, draft.policy().repeated_invoice) {
        (Provider::TelegramStars, RepeatRule::Refund) => true,
        (Provider::TelegramStars, RepeatRule::Credit)
        | (Provider::Yookassa | Provider::Sandbox, _) => false,
    };
    if given_back && let Some(refund_id) = refund_ids.last() {
        let refund = PaymentRefund {
            refund_id: *refund_id,
            payment_id: payment.payment_id,
            user_id: payment.user_id.clone(),
            origin: RefundOrigin::Rule,
            state: RefundState::Pending,
            amount: Amount::ZERO,
            price: report.received.clone(),
            reason: "the invoice was paid before".to_owned(),
            provider_refund_id: None,
            create_time: draft.now(),
            settle_time: None,
            next_try: Some(draft.now()),
            tries: 0,
        };
        draft.add_payment_refund(refund.clone());
        draft.tell_refund(payment.provider, &refund);
    }
    Ok(payment.payment_id)
}

/// Why what came is not what was promised for.
pub(super) fn mismatch(price: &ProviderAmount, received: &ProviderAmount) -> Option<ParkReason> {
    if received.currency != price.currency {
        Some(ParkReason::CurrencyMismatch)
    } else if received.amount != price.amount {
        Some(ParkReason::AmountMismatch)
    } else {
        None
    }
}
