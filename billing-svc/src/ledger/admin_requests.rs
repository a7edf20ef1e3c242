//! What administrators ask for: kept for ever, and done once.

use super::draft::Draft;
use super::{
    Administrator, Amount, Credits, DisputeOutcome, GrantId, GrantKind, PaymentId, PriceList,
    PromoCode, RefundId, Rejection, RequestId, Standing, Timestamp, Unit, UserId,
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

impl AdminAction {
    /// The field that says whom or what it is about, by its name in the proto.
    fn subject(&self) -> &'static str {
        match self {
            Self::AdjustBalance(_)
            | Self::GrantCredits { .. }
            | Self::RevokeGrant(_)
            | Self::SetStanding(_) => "user_id",
            Self::CreditPayment { .. }
            | Self::RefundPayment { .. }
            | Self::RecordDispute { .. } => "payment_id",
            // These are about all users.
            Self::PublishPrices(_) | Self::CreatePromoCode(_) => "request_id",
        }
    }
}

/// Keeps a request that is done now.
pub(super) fn keep(
    draft: &mut Draft,
    by: &Administrator,
    user_id: Option<&UserId>,
    action: AdminAction,
) {
    let create_time = draft.now();
    draft.keep_admin_request(AdminRequest {
        request_id: by.request_id.clone(),
        user_id: user_id.cloned(),
        action,
        reason: by.reason.clone(),
        caller: by.caller.clone(),
        create_time,
    });
}

/// The first request of this id, if there is one and the repeated one is the same. Ids of what the first made are not
/// compared: the repeated one brings new ones.
///
/// # Errors
/// `RequestIdReused` with the first field that differs.
pub(super) fn kept<'d>(
    draft: &'d Draft,
    by: &Administrator,
    user_id: Option<&UserId>,
    action: &AdminAction,
) -> Result<Option<&'d AdminRequest>, Rejection> {
    let Some(first) = draft.admin_request(&by.request_id) else { return Ok(None) };
    let field = match (first.user_id.as_ref(), user_id) {
        (Some(of), Some(now)) if of != now => Some(action.subject()),
        (Some(_), None) | (None, Some(_)) => Some("request_id"),
        (Some(_), Some(_)) | (None, None) => differing_field(&first.action, action)
            .or_else(|| (first.reason != by.reason).then_some("reason")),
    };
    match field {
        Some(field) => Err(Rejection::RequestIdReused { field }),
        None => Ok(Some(first)),
    }
}

fn differing_field(first: &AdminAction, again: &AdminAction) -> Option<&'static str> {
    use AdminAction as Action;
    let differs = match (first, again) {
        (Action::AdjustBalance(first), Action::AdjustBalance(again)) => {
            vec![("amount", first != again)]
        }
        (
            Action::GrantCredits { credits, kind, priority, expire_time, .. },
            Action::GrantCredits {
                credits: credits_again,
                kind: kind_again,
                priority: priority_again,
                expire_time: expire_time_again,
                ..
            },
        ) => vec![
            (field_of(credits_again), credits != credits_again),
            ("kind", kind != kind_again),
            ("priority", priority != priority_again),
            ("expire_time", expire_time != expire_time_again),
        ],
        (Action::RevokeGrant(first), Action::RevokeGrant(again)) => {
            vec![("grant_id", first != again)]
        }
        (Action::SetStanding(first), Action::SetStanding(again)) => {
            vec![("standing", first != again)]
        }
        (Action::PublishPrices(first), Action::PublishPrices(again)) => {
            vec![("prices", first.prices != again.prices)]
        }
        (Action::CreatePromoCode(first), Action::CreatePromoCode(again)) => {
            promo_code_fields(first, again)
        }
        (
            Action::CreditPayment { payment_id, amount },
            Action::CreditPayment { payment_id: payment_again, amount: amount_again },
        )
        | (
            Action::RefundPayment { payment_id, amount, .. },
            Action::RefundPayment { payment_id: payment_again, amount: amount_again, .. },
        ) => vec![("payment_id", payment_id != payment_again), ("amount", amount != amount_again)],
        (
            Action::RecordDispute { payment_id, outcome, amount },
            Action::RecordDispute {
                payment_id: payment_again,
                outcome: outcome_again,
                amount: amount_again,
            },
        ) => vec![
            ("payment_id", payment_id != payment_again),
            ("outcome", outcome != outcome_again),
            ("amount", amount != amount_again),
        ],
        // The id was used by another call.
        (
            Action::AdjustBalance(_)
            | Action::GrantCredits { .. }
            | Action::RevokeGrant(_)
            | Action::SetStanding(_)
            | Action::PublishPrices(_)
            | Action::CreatePromoCode(_)
            | Action::CreditPayment { .. }
            | Action::RefundPayment { .. }
            | Action::RecordDispute { .. },
            _,
        ) => vec![("request_id", true)],
    };
    differs.into_iter().find_map(|(field, differs)| differs.then_some(field))
}

fn promo_code_fields(first: &PromoCode, again: &PromoCode) -> Vec<(&'static str, bool)> {
    vec![
        ("promo_code.code", first.code != again.code),
        ("promo_code.campaign", first.campaign != again.campaign),
        ("promo_code.credits", first.credits != again.credits),
        ("promo_code.priority", first.priority != again.priority),
        ("promo_code.max_redemptions", first.max_redemptions != again.max_redemptions),
        ("promo_code.expire_time", first.expire_time != again.expire_time),
        ("promo_code.grant_expire_time", first.grant_expire_time != again.grant_expire_time),
    ]
}

fn field_of(credits: &Credits) -> &'static str {
    match credits.unit {
        Unit::Operation => "operations",
        Unit::Money => "amount",
    }
}
