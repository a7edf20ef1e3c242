//! A payment that is paid becomes money of the user: once.

use super::adjust::{fits, within_max_balance};
use super::admin_requests::{keep, kept};
use super::draft::Draft;
use super::refer::first_topup;
use super::refunds::is_given_back_by_rule;
use super::topup::answer;
use super::{
    Account, AdminAction, Administrator, Amount, Outcome, ParkReason, Payment, PaymentId,
    PaymentState, Reference, RefundState, Rejection, Unit, UserId,
};

/// What was promised, by the rule: at once, and without asking anybody.
pub(super) fn by_rule(
    draft: &mut Draft,
    user_id: &UserId,
    id: PaymentId,
) -> Result<Outcome, Rejection> {
    let payment = draft.payment(user_id, id)?.clone();
    match payment.state {
        PaymentState::Paid if waits(draft, &payment) => {}
        PaymentState::Paid if fits(draft, user_id, payment.amount) => {
            let amount = payment.amount;
            credit(draft, payment, amount);
        }
        PaymentState::Paid => {
            let parked = Some(ParkReason::BalanceLimit);
            draft.update_payment(Payment { parked, ..payment });
        }
        PaymentState::Credited | PaymentState::Refunded | PaymentState::Disputed => {}
        PaymentState::Created
        | PaymentState::Pending
        | PaymentState::Canceled
        | PaymentState::Expired => return Err(wrong_state(&payment)),
    }
    answer(draft, user_id, id, None)
}

/// For a person, or for its refund.
fn waits(draft: &Draft, payment: &Payment) -> bool {
    payment.parked.is_some() || is_given_back_by_rule(draft, payment)
}

/// What an administrator decided for a parked payment.
pub(super) fn by_administrator(
    draft: &mut Draft,
    user_id: &UserId,
    id: PaymentId,
    amount: Option<Amount>,
    by: &Administrator,
) -> Result<Outcome, Rejection> {
    let action = AdminAction::CreditPayment { payment_id: id, amount };
    let payment = draft.payment(user_id, id)?.clone();
    if kept(draft, by, Some(user_id), &action)?.is_some() {
        return answer(draft, user_id, id, None);
    }
    // What is on its way back to the payer is not credited too.
    let refunds = draft.payment_refunds(id);
    let going_back = refunds.into_iter().any(|refund| refund.state == RefundState::Pending);
    if payment.state != PaymentState::Paid || payment.parked.is_none() || going_back {
        return Err(wrong_state(&payment));
    }
    let amount = amount.unwrap_or(payment.amount);
    within_max_balance(draft, user_id, amount)?;
    credit(draft, payment, amount);
    keep(draft, by, Some(user_id), action);
    answer(draft, user_id, id, None)
}

fn credit(draft: &mut Draft, payment: Payment, amount: Amount) {
    let user_id = payment.user_id.clone();
    draft.write_user(&user_id);
    draft.transfer(
        &user_id,
        Account::Topups(payment.provider),
        Account::Available,
        Unit::Money,
        amount.micros(),
        Reference::Payment(payment.payment_id),
    );
    draft.update_payment(Payment {
        state: PaymentState::Credited,
        parked: None,
        credited: amount,
        credit_time: Some(draft.now()),
        ..payment
    });
    if draft.count_topup(&user_id) == 0 {
        first_topup(draft, &user_id);
    }
}

pub(super) fn wrong_state(payment: &Payment) -> Rejection {
    Rejection::PaymentState { payment_id: payment.payment_id, state: payment.state }
}
