//! Following what a provider says of a payment's refunds and disputes, also of those that nobody here asked for.

use super::draft::Draft;
use super::refunds::{
    begin, is_given_back_by_rule, left, reverse, settle_state, succeed, take_again,
};
use super::{
    Observation, Payment, PaymentId, PaymentRefund, PaymentState, RefundId, RefundOrigin,
    RefundState, Rejection, ReportedRefund, ReportedRefundState, UserId,
};

pub(super) fn follow_refunds(
    draft: &mut Draft,
    user_id: &UserId,
    id: PaymentId,
    observation: &Observation,
) -> Result<(), Rejection> {
    let payment = draft.payment(user_id, id)?.clone();
    if observation.report.refunds.is_empty() || !takes_refunds(draft, &payment) {
        return Ok(());
    }
    for (reported, refund_id) in observation.report.refunds.iter().zip(&observation.refund_ids) {
        follow(draft, &payment, reported, *refund_id);
    }
    settle_state(draft, user_id, id)
}

/// A payment that is about to be credited is credited first, so that what its refunds take is there to be taken: they
/// are met by the observation that follows.
fn takes_refunds(draft: &Draft, payment: &Payment) -> bool {
    match payment.state {
        PaymentState::Credited | PaymentState::Refunded | PaymentState::Disputed => true,
        PaymentState::Paid => payment.parked.is_some() || is_given_back_by_rule(draft, payment),
        PaymentState::Created
        | PaymentState::Pending
        | PaymentState::Canceled
        | PaymentState::Expired => false,
    }
}

fn follow(draft: &mut Draft, payment: &Payment, reported: &ReportedRefund, new_id: RefundId) {
    let refunds = draft.payment_refunds(payment.payment_id);
    let name = Some(&reported.provider_refund_id);
    let known = refunds.iter().find(|refund| refund.provider_refund_id.as_ref() == name);
    if let Some(known) = known.map(|refund| PaymentRefund::clone(refund)) {
        return advance(draft, payment, known, reported.state);
    }
    let unnamed = refunds.iter().find(|refund| can_be(refund, reported));
    if let Some(unnamed) = unnamed.map(|refund| PaymentRefund::clone(refund)) {
        let provider_refund_id = Some(reported.provider_refund_id.clone());
        let named = PaymentRefund { provider_refund_id, ..unnamed };
        draft.update_payment_refund(named.clone());
        return advance(draft, payment, named, reported.state);
    }
    let (state, settle_time) = match reported.state {
        ReportedRefundState::Pending => (RefundState::Pending, None),
        ReportedRefundState::Succeeded => (RefundState::Succeeded, Some(draft.now())),
        ReportedRefundState::Canceled => return,
    };
    let refund = PaymentRefund {
        refund_id: new_id,
        payment_id: payment.payment_id,
        user_id: payment.user_id.clone(),
        origin: if reported.dispute { RefundOrigin::Dispute } else { RefundOrigin::Provider },
        state,
        amount: left(draft, payment).here_for(reported.amount.amount),
        price: reported.amount.clone(),
        reason: String::new(),
        provider_refund_id: Some(reported.provider_refund_id.clone()),
        create_time: draft.now(),
        settle_time,
        next_try: None,
        tries: 0,
    };
    begin(draft, payment, refund);
}

/// Is this the refund that we asked for, or the dispute that we know by letter, before either had a name there? A
/// dispute may have been decided by letter already.
fn can_be(refund: &PaymentRefund, reported: &ReportedRefund) -> bool {
    let of_its_kind = match refund.origin {
        RefundOrigin::Admin | RefundOrigin::Rule => {
            !reported.dispute && refund.state == RefundState::Pending
        }
        RefundOrigin::Dispute => reported.dispute,
        RefundOrigin::Provider => false,
    };
    of_its_kind && refund.provider_refund_id.is_none() && refund.price == reported.amount
}

fn advance(
    draft: &mut Draft,
    payment: &Payment,
    refund: PaymentRefund,
    reported: ReportedRefundState,
) {
    use ReportedRefundState::{Canceled, Pending, Succeeded};
    match (refund.state, reported) {
        (RefundState::Pending, Succeeded) => succeed(draft, payment, refund),
        (RefundState::Pending | RefundState::Succeeded, Canceled) => {
            reverse(draft, payment, refund);
        }
        (RefundState::Reversed, Succeeded) => take_again(draft, payment, refund),
        (RefundState::Pending | RefundState::Succeeded, Pending)
        | (RefundState::Succeeded, Succeeded)
        | (RefundState::Reversed, Pending | Canceled) => {}
    }
}
