//! The end of an operation: completed, given back, expired. And the end of a grant.

use std::time::Duration;

use super::adjust::within_max_balance;
use super::draft::Draft;
use super::{
    Account, Amount, EventBody, GrantId, Operation, OperationId, OperationSettled, OperationState,
    Outcome, Reference, RefundReason, RefundRight, Rejection, Slice, Unit, UserId,
};

pub(super) fn complete(draft: &mut Draft, id: OperationId) -> Result<Outcome, Rejection> {
    let mut operation = find(draft, id)?;
    match operation.state {
        OperationState::Charged => {}
        OperationState::Completed => return Ok(answer(draft, operation, true)),
        OperationState::Refunded | OperationState::Declined => return Err(settled(&operation)),
    }
    draft.write_user(&operation.user_id);
    for slice in &operation.funding {
        draft.transfer(
            &operation.user_id,
            Account::Held,
            Account::Revenue,
            slice.source.unit(),
            slice.amount,
            Reference::Operation(id),
        );
    }
    operation.state = OperationState::Completed;
    operation.settle_time = Some(draft.now());
    draft.update_operation(operation.clone());
    Ok(answer(draft, operation, false))
}

pub(super) fn refund(
    draft: &mut Draft,
    id: OperationId,
    reason: RefundReason,
    comment: &str,
    amount: Option<Amount>,
    right: &RefundRight,
) -> Result<Outcome, Rejection> {
    let operation = find(draft, id)?;
    if let RefundRight::OwnCharges { caller } = right
        && operation.caller != *caller
    {
        return Err(Rejection::Forbidden { may: "refund only what it charged itself" });
    }
    let everything = *right == RefundRight::Everything;
    match operation.state {
        OperationState::Refunded => return Ok(answer(draft, operation, true)),
        OperationState::Declined => return Err(settled(&operation)),
        OperationState::Completed if !everything => return Err(settled(&operation)),
        OperationState::Charged | OperationState::Completed => {}
    }
    let slices = match amount {
        None => operation.funding.clone(),
        Some(amount) => part(&operation, amount)?,
    };
    if operation.state == OperationState::Completed {
        // What is held counts as the user's already; what was earned does not.
        within_max_balance(draft, &operation.user_id, money(&slices))?;
    }
    give_back(draft, operation, slices, reason, comment)
}

pub(super) fn extend_hold(
    draft: &mut Draft,
    id: OperationId,
    hold: Duration,
) -> Result<Outcome, Rejection> {
    let mut operation = find(draft, id)?;
    if operation.state != OperationState::Charged {
        return Err(settled(&operation));
    }
    let end = draft.now().plus(hold);
    if end <= operation.expire_time {
        return Ok(answer(draft, operation, true));
    }
    draft.write_user(&operation.user_id);
    operation.expire_time = end;
    draft.update_operation(operation.clone());
    Ok(answer(draft, operation, false))
}

pub(super) fn expire(draft: &mut Draft, id: OperationId) -> Result<Outcome, Rejection> {
    let operation = find(draft, id)?;
    if operation.state != OperationState::Charged || draft.now() < operation.expire_time {
        return Ok(Outcome::Swept { changed: false });
    }
    let slices = operation.funding.clone();
    give_back(draft, operation, slices, RefundReason::Expired, "")?;
    Ok(Outcome::Swept { changed: true })
}

pub(super) fn expire_grant(
    draft: &mut Draft,
    user_id: &UserId,
    id: GrantId,
) -> Result<Outcome, Rejection> {
    let Some((unit, left)) = lapsed(draft, user_id, id)? else {
        return Ok(Outcome::Swept { changed: false });
    };
    draft.write_user(user_id);
    draft.transfer(user_id, Account::Grant(id), Account::Expired, unit, left, Reference::Rule);
    Ok(Outcome::Swept { changed: true })
}

/// What is left in a grant whose time is up.
fn lapsed(draft: &Draft, user_id: &UserId, id: GrantId) -> Result<Option<(Unit, i64)>, Rejection> {
    let grant = draft.grant(user_id, id)?;
    let lost = !grant.is_live(draft.now()) && grant.remaining > 0;
    Ok(lost.then_some((grant.unit, grant.remaining)))
}

/// Puts slices back to where they came from and ends the operation as refunded.
fn give_back(
    draft: &mut Draft,
    mut operation: Operation,
    slices: Vec<Slice>,
    reason: RefundReason,
    comment: &str,
) -> Result<Outcome, Rejection> {
    let grants = || slices.iter().filter_map(|slice| slice.source.grant_id());
    let mut lost = Vec::new(); // all are looked up before anything moves
    for id in grants() {
        lost.extend(lapsed(draft, &operation.user_id, id)?.map(|lapsed| (id, lapsed)));
    }
    let from = match operation.state {
        OperationState::Completed => Account::Revenue,
        OperationState::Charged | OperationState::Refunded | OperationState::Declined => {
            Account::Held
        }
    };
    draft.write_user(&operation.user_id);
    for (id, (unit, left)) in lost {
        // The grace is for what comes back now; what the sweeper has not found yet is lost all the same.
        let account = Account::Grant(id);
        let rule = Reference::Rule;
        draft.transfer(&operation.user_id, account, Account::Expired, unit, left, rule);
    }
    for slice in &slices {
        draft.transfer(
            &operation.user_id,
            from.clone(),
            slice.source.account(),
            slice.source.unit(),
            slice.amount,
            Reference::Operation(operation.operation_id),
        );
    }
    for grant in grants() {
        draft.grace(&operation.user_id, grant);
    }
    operation.refunded = money(&slices);
    operation.state = OperationState::Refunded;
    operation.refund_reason = Some(reason);
    operation.refund_comment = comment.to_owned();
    operation.settle_time = Some(draft.now());
    draft.update_operation(operation.clone());
    draft.tell(&operation.user_id, given_back(&operation, &slices, reason));
    Ok(answer(draft, operation, false))
}

fn given_back(operation: &Operation, slices: &[Slice], reason: RefundReason) -> EventBody {
    let free = slices.iter().filter(|slice| slice.source.unit() == Unit::Operation);
    let settled = OperationSettled {
        operation_id: operation.operation_id,
        kind: operation.kind.clone(),
        refunded: operation.refunded,
        free_operations: free.map(|slice| slice.amount).sum(),
        reason,
    };
    match reason {
        RefundReason::Expired => EventBody::OperationExpired(settled),
        RefundReason::JobFailed
        | RefundReason::ContentRejected
        | RefundReason::Undeliverable
        | RefundReason::CustomerRequest
        | RefundReason::Other => EventBody::OperationRefunded(settled),
    }
}

/// The slices of a partial refund: what was taken last comes back first, so the user's own money before promotional.
fn part(operation: &Operation, amount: Amount) -> Result<Vec<Slice>, Rejection> {
    if operation.state == OperationState::Charged {
        return Err(Rejection::InvalidField {
            field: "amount",
            takes: "nothing here: what is only held is given back whole; leave it out",
        });
    }
    if amount > operation.paid() {
        return Err(Rejection::InvalidField {
            field: "amount",
            takes: "at most the money that the operation was paid with",
        });
    }
    let mut left = amount.micros();
    let mut slices = Vec::new();
    let money = operation.funding.iter().rev().filter(|slice| slice.source.unit() == Unit::Money);
    for slice in money {
        let amount = slice.amount.min(left);
        if amount > 0 {
            slices.push(Slice { source: slice.source, amount });
            left -= amount;
        }
    }
    Ok(slices)
}

fn money(slices: &[Slice]) -> Amount {
    let slices = slices.iter().filter(|slice| slice.source.unit() == Unit::Money);
    slices.map(|slice| Amount::from_micros(slice.amount)).sum()
}

fn find(draft: &Draft, id: OperationId) -> Result<Operation, Rejection> {
    draft.operation(id).cloned().ok_or(Rejection::OperationNotFound)
}

fn settled(operation: &Operation) -> Rejection {
    Rejection::OperationSettled { operation_id: operation.operation_id, state: operation.state }
}

fn answer(draft: &Draft, operation: Operation, replayed: bool) -> Outcome {
    let user = draft.view(&operation.user_id);
    Outcome::Operation { operation, user, replayed }
}
