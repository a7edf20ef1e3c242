//! Promo codes are redeemed.

use super::adjust::{fits, granted, present};
use super::draft::Draft;
use super::{
    Amount, GiftCause, Grant, GrantId, GrantKind, Outcome, PromoCode, PromoCodeName, Redemption,
    Reference, Rejection, Standing, Unit, UserId,
};

/// A code gives each user its grant once; asked again, it answers that grant.
pub(super) fn redeem(
    draft: &mut Draft,
    user_id: &UserId,
    code: &PromoCodeName,
    grant_id: GrantId,
) -> Result<Outcome, Rejection> {
    if let Some(first) = draft.redemption(user_id, code) {
        return granted(draft, user_id, first.grant_id, true);
    }
    if draft.standing(user_id) == Standing::Blocked {
        return Err(Rejection::Blocked);
    }
    let promo_code = redeemable(draft, user_id, code)?;

    draft.write_user(user_id);
    let grant = Grant {
        grant_id,
        user_id: user_id.clone(),
        kind: GrantKind::Promo,
        unit: promo_code.credits.unit,
        given: promo_code.credits.amount,
        remaining: promo_code.credits.amount,
        priority: promo_code.priority,
        create_time: draft.now(),
        expire_time: promo_code.grant_expire_time,
        announced: false,
    };
    present(draft, grant, Reference::Rule, GiftCause::PromoCode);
    draft.redeem(Redemption {
        user_id: user_id.clone(),
        code: code.clone(),
        grant_id,
        create_time: draft.now(),
    });
    granted(draft, user_id, grant_id, false)
}

fn redeemable(
    draft: &Draft,
    user_id: &UserId,
    code: &PromoCodeName,
) -> Result<PromoCode, Rejection> {
    let promo_code = draft.promo_code(code).ok_or(Rejection::PromoCodeNotFound)?;
    // A code whose grants have ended would give what is lost already.
    let ends = [promo_code.expire_time, promo_code.grant_expire_time];
    if ends.into_iter().flatten().any(|end| end <= draft.now()) {
        return Err(Rejection::PromoCodeExpired);
    }
    if promo_code.redemptions >= promo_code.max_redemptions {
        return Err(Rejection::PromoCodeUsedUp);
    }
    let money = promo_code.credits.unit == Unit::Money;
    if money && !fits(draft, user_id, Amount::from_micros(promo_code.credits.amount)) {
        return Err(Rejection::InvalidField {
            field: "code",
            takes: "one that keeps the user's whole balance within 1000000000000 units",
        });
    }
    Ok(promo_code.clone())
}
