//! What administrators give and take: a balance is adjusted, credits are given and taken back.

use super::admin_requests::{keep, kept};
use super::draft::Draft;
use super::{
    Account, AdminAction, Administrator, Amount, EventBody, GiftCause, Grant, GrantCredits,
    GrantId, MAX_BALANCE, Outcome, Reference, Rejection, RequestId, Unit, UserId,
};

pub(super) fn adjust_balance(
    draft: &mut Draft,
    user_id: &UserId,
    request_id: &RequestId,
    amount: Amount,
    reason: &str,
    caller: &str,
) -> Result<Outcome, Rejection> {
    let by = administrator(request_id, reason, caller);
    let action = AdminAction::AdjustBalance(amount);
    if kept(draft, &by, Some(user_id), &action)?.is_some() {
        return Ok(Outcome::Adjusted { user: draft.view(user_id), replayed: true });
    }
    if amount.is_negative() {
        let available = draft.available(user_id);
        let missing = -(available + amount);
        if missing > Amount::ZERO {
            return Err(Rejection::InsufficientFunds {
                required: -amount,
                available,
                missing,
                operation_id: None,
            });
        }
    } else {
        within_max_balance(draft, user_id, amount)?;
    }

    draft.write_user(user_id);
    let (from, to) = if amount.is_negative() {
        (Account::Available, Account::Adjustments)
    } else {
        (Account::Adjustments, Account::Available)
    };
    let reference = Reference::Request(request_id.clone());
    draft.transfer(user_id, from, to, Unit::Money, amount.micros().abs(), reference);
    keep(draft, &by, Some(user_id), action);
    Ok(Outcome::Adjusted { user: draft.view(user_id), replayed: false })
}

pub(super) fn grant_credits(
    draft: &mut Draft,
    command: &GrantCredits,
) -> Result<Outcome, Rejection> {
    let GrantCredits { user_id, request_id, credits, grant_id, .. } = command;
    let by = administrator(request_id, &command.reason, &command.caller);
    let action = AdminAction::GrantCredits {
        grant_id: *grant_id,
        credits: *credits,
        kind: command.kind,
        priority: command.priority,
        expire_time: command.expire_time,
    };
    if let Some(first) = kept(draft, &by, Some(user_id), &action)?
        && let AdminAction::GrantCredits { grant_id, .. } = first.action
    {
        return granted(draft, user_id, grant_id, true);
    }
    if command.expire_time.is_some_and(|end| end <= draft.now()) {
        return Err(Rejection::InvalidField {
            field: "expire_time",
            takes: "a time in the future",
        });
    }
    if credits.unit == Unit::Money {
        within_max_balance(draft, user_id, Amount::from_micros(credits.amount))?;
    }

    draft.write_user(user_id);
    let grant = Grant {
        grant_id: *grant_id,
        user_id: user_id.clone(),
        kind: command.kind,
        unit: credits.unit,
        given: credits.amount,
        remaining: credits.amount,
        priority: command.priority,
        create_time: draft.now(),
        expire_time: command.expire_time,
        announced: false,
    };
    present(draft, grant, Reference::Request(request_id.clone()), GiftCause::Admin);
    keep(draft, &by, Some(user_id), action);
    granted(draft, user_id, *grant_id, false)
}

/// What is left of a grant goes back to where it came from. Slices that unsettled operations hold are not touched:
/// given back, they come back into it.
pub(super) fn revoke_grant(
    draft: &mut Draft,
    user_id: &UserId,
    grant_id: GrantId,
    by: &Administrator,
) -> Result<Outcome, Rejection> {
    let action = AdminAction::RevokeGrant(grant_id);
    if kept(draft, by, Some(user_id), &action)?.is_some() {
        return granted(draft, user_id, grant_id, true);
    }
    let grant = draft.find_grant(user_id, grant_id).ok_or(Rejection::GrantNotFound)?;
    let (unit, left) = (grant.unit, grant.remaining);

    draft.write_user(user_id);
    let reference = Reference::Request(by.request_id.clone());
    draft.transfer(user_id, Account::Grant(grant_id), Account::Grants, unit, left, reference);
    keep(draft, by, Some(user_id), action);
    granted(draft, user_id, grant_id, false)
}

/// Gives a grant, and tells the user why. The user has been written to before.
pub(super) fn present(draft: &mut Draft, grant: Grant, reference: Reference, cause: GiftCause) {
    let user_id = grant.user_id.clone();
    draft.give(grant.clone(), reference);
    draft.tell(&user_id, EventBody::GrantGiven { grant, cause });
}

/// The answer about a grant.
pub(super) fn granted(
    draft: &Draft,
    user_id: &UserId,
    grant_id: GrantId,
    replayed: bool,
) -> Result<Outcome, Rejection> {
    let grant = draft.grant(user_id, grant_id)?.clone();
    Ok(Outcome::Granted { grant, user: draft.view(user_id), replayed })
}

fn administrator(request_id: &RequestId, reason: &str, caller: &str) -> Administrator {
    Administrator {
        request_id: request_id.clone(),
        reason: reason.to_owned(),
        caller: caller.to_owned(),
    }
}

/// Would the user, with this much more, stay within [`MAX_BALANCE`], so that no sum can overflow?
pub(super) fn fits(draft: &Draft, user_id: &UserId, more: Amount) -> bool {
    draft.wealth(user_id) + more <= MAX_BALANCE
}

/// Refuses what would not fit.
pub(super) fn within_max_balance(
    draft: &Draft,
    user_id: &UserId,
    more: Amount,
) -> Result<(), Rejection> {
    if !fits(draft, user_id, more) {
        return Err(Rejection::InvalidField {
            field: "amount",
            takes: "what keeps the user's whole balance within 1000000000000 units",
        });
    }
    Ok(())
}
