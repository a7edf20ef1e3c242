//! What administrators decide for the house: who may be charged, what things cost, which codes there are.

use super::admin_requests::{keep, kept};
use super::draft::Draft;
use super::{
    AdminAction, Administrator, Outcome, Price, PriceList, PromoCode, Rejection, Standing, UserId,
};

pub(super) fn set_standing(
    draft: &mut Draft,
    user_id: &UserId,
    standing: Standing,
    by: &Administrator,
) -> Result<Outcome, Rejection> {
    let action = AdminAction::SetStanding(standing);
    if kept(draft, by, Some(user_id), &action)?.is_some() {
        return Ok(Outcome::Adjusted { user: draft.view(user_id), replayed: true });
    }
    draft.write_user(user_id);
    draft.set_standing(user_id, standing);
    keep(draft, by, Some(user_id), action);
    Ok(Outcome::Adjusted { user: draft.view(user_id), replayed: false })
}

pub(super) fn publish_prices(
    draft: &mut Draft,
    prices: &[Price],
    by: &Administrator,
) -> Result<Outcome, Rejection> {
    let version = draft.prices().version + 1;
    let action = AdminAction::PublishPrices(PriceList { version, prices: prices.to_vec() });
    if let Some(first) = kept(draft, by, None, &action)?
        && let AdminAction::PublishPrices(prices) = &first.action
    {
        return Ok(Outcome::Prices { prices: prices.clone(), replayed: true });
    }
    let prices = draft.publish(prices.to_vec());
    keep(draft, by, None, action);
    Ok(Outcome::Prices { prices, replayed: false })
}

pub(super) fn create_promo_code(
    draft: &mut Draft,
    promo_code: &PromoCode,
    by: &Administrator,
) -> Result<Outcome, Rejection> {
    let now = draft.now();
    let promo_code = PromoCode { redemptions: 0, create_time: now, ..promo_code.clone() };
    let action = AdminAction::CreatePromoCode(promo_code.clone());
    let there = draft.promo_code(&promo_code.code).cloned();
    if kept(draft, by, None, &action)?.is_some() {
        let promo_code = there.ok_or_else(|| Rejection::Corrupt {
            what: format!("promo code {}", promo_code.code),
        })?;
        return Ok(Outcome::PromoCode { promo_code, replayed: true });
    }
    if there.is_some() {
        return Err(Rejection::PromoCodeExists);
    }
    let ends = [
        ("promo_code.expire_time", promo_code.expire_time),
        ("promo_code.grant_expire_time", promo_code.grant_expire_time),
    ];
    for (field, end) in ends {
        if end.is_some_and(|end| end <= now) {
            return Err(Rejection::InvalidField { field, takes: "a time in the future" });
        }
    }
    draft.add_promo_code(promo_code.clone());
    keep(draft, by, None, action);
    Ok(Outcome::PromoCode { promo_code, replayed: false })
}
