//! What administrators do: adjust a balance, give credits.

use super::draft::Draft;
use super::{
    Account, Amount, Credits, DisputeOutcome, Grant, GrantCredits, GrantId, GrantKind, MAX_BALANCE,
    Outcome, PaymentId, PriceList, PromoCode, Reference, RefundId, Rejection, RequestId, Standing,
    Timestamp, Unit, UserId,
};

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminAction {
    /// A balance was adjusted by this much.
    AdjustBalance(Amount),
    /// Something was given, in these terms.
    GrantCredits {
        /// The grant.
        grant_id: GrantId,
        /// What was given.
        credits: Credits,
        /// Why, for machines.
        kind: GrantKind,
        /// Its place in the order of spending.
        priority: i32,
        /// The expiry that was asked for.
        expire_time: Option<Timestamp>,
    },
    /// What was left of a grant was taken back.
    RevokeGrant(GrantId),
    /// A user was blocked, or let go on.
    SetStanding(Standing),
    /// A price list was published, under this version.
    PublishPrices(PriceList),
    /// A promo code was made.
    CreatePromoCode(PromoCode),
    /// A parked payment was credited; how much, where the administrator said so.
    CreditPayment {
        /// Which.
        payment_id: PaymentId,
        /// How much was asked for.
        amount: Option<Amount>,
    },
    /// A payment was given back.
    RefundPayment {
        /// Which.
        payment_id: PaymentId,
        /// The refund.
        refund_id: RefundId,
        /// How much was asked for.
        amount: Option<Amount>,
    },
    /// A chargeback was opened or decided.
    RecordDispute {
        /// Which payment.
        payment_id: PaymentId,
        /// What happened.
        outcome: DisputeOutcome,
        /// How much was asked for.
        amount: Option<Amount>,
    },
}

/// A request of an administrator, kept for ever with who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminRequest {
    /// The administrator's id of it.
    pub request_id: RequestId,
    /// Whom it was about; none where it was about all.
    pub user_id: Option<UserId>,
    /// What was asked.
    pub action: AdminAction,
    /// Why, for people.
    pub reason: String,
    /// Who asked.
    pub caller: String,
    /// When.
    pub create_time: Timestamp,
}

pub(super) fn adjust_balance(
    draft: &mut Draft,
    user_id: &UserId,
    request_id: &RequestId,
    amount: Amount,
    reason: &str,
    caller: &str,
) -> Result<Outcome, Rejection> {
    let action = AdminAction::AdjustBalance(amount);
    if let Some(first) = draft.admin_request(request_id) {
        same_request(first, user_id, &action, reason)?;
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
    keep(draft, request_id, user_id, action, reason, caller);
    Ok(Outcome::Adjusted { user: draft.view(user_id), replayed: false })
}

pub(super) fn grant_credits(
    draft: &mut Draft,
    command: &GrantCredits,
) -> Result<Outcome, Rejection> {
    let GrantCredits { user_id, request_id, credits, .. } = command;
    let asked = |grant_id| AdminAction::GrantCredits {
        grant_id,
        credits: *credits,
        kind: command.kind,
        priority: command.priority,
        expire_time: command.expire_time,
    };
    if let Some(first) = draft.admin_request(request_id) {
        let grant_id = match &first.action {
            AdminAction::GrantCredits { grant_id, .. } => *grant_id,
            _ => command.grant_id,
        };
        same_request(first, user_id, &asked(grant_id), &command.reason)?;
        let grant = draft.grant(user_id, grant_id)?.clone();
        return Ok(Outcome::Granted { grant, user: draft.view(user_id), replayed: true });
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
        grant_id: command.grant_id,
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
    draft.give(grant, Reference::Request(request_id.clone()));
    keep(draft, request_id, user_id, asked(command.grant_id), &command.reason, &command.caller);
    let grant = draft.grant(user_id, command.grant_id)?.clone();
    Ok(Outcome::Granted { grant, user: draft.view(user_id), replayed: false })
}

/// Refuses what would make a user richer than [`MAX_BALANCE`], so that no sum can overflow.
pub(super) fn within_max_balance(
    draft: &Draft,
    user_id: &UserId,
    more: Amount,
) -> Result<(), Rejection> {
    if draft.wealth(user_id) + more > MAX_BALANCE {
        return Err(Rejection::InvalidField {
            field: "amount",
            takes: "what keeps the user's whole balance within 1000000000000 units",
        });
    }
    Ok(())
}

fn keep(
    draft: &mut Draft,
    request_id: &RequestId,
    user_id: &UserId,
    action: AdminAction,
    reason: &str,
    caller: &str,
) {
    let create_time = draft.now();
    draft.keep_admin_request(AdminRequest {
        request_id: request_id.clone(),
        user_id: Some(user_id.clone()),
        action,
        reason: reason.to_owned(),
        caller: caller.to_owned(),
        create_time,
    });
}

/// Is the repeated request the one that was kept? Names the first field that differs.
fn same_request(
    first: &AdminRequest,
    user_id: &UserId,
    action: &AdminAction,
    reason: &str,
) -> Result<(), Rejection> {
    let field = if first.user_id.as_ref() != Some(user_id) {
        Some("user_id")
    } else if let Some(field) = differing_field(&first.action, action) {
        Some(field)
    } else if first.reason != reason {
        Some("reason")
    } else {
        None
    };
    field.map_or(Ok(()), |field| Err(Rejection::RequestIdReused { field }))
}

fn differing_field(first: &AdminAction, again: &AdminAction) -> Option<&'static str> {
    match (first, again) {
        (AdminAction::AdjustBalance(first), AdminAction::AdjustBalance(again)) => {
            (first != again).then_some("amount")
        }
        (
            AdminAction::GrantCredits { credits, kind, priority, expire_time, .. },
            AdminAction::GrantCredits {
                credits: credits_again,
                kind: kind_again,
                priority: priority_again,
                expire_time: expire_time_again,
                ..
            },
        ) => {
            if credits != credits_again {
                Some(match credits_again.unit {
                    Unit::Operation => "operations",
                    Unit::Money => "amount",
                })
            } else if kind != kind_again {
                Some("kind")
            } else if priority != priority_again {
                Some("priority")
            } else if expire_time != expire_time_again {
                Some("expire_time")
            } else {
                None
            }
        }
        // The id was used by the other call.
        _ => Some("request_id"),
    }
}
