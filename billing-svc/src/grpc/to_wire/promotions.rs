//! Promo codes.

use proto::billing::v1;
use proto::billing::v1::promo_code::Credits as Wire;

use super::{money, time};
use crate::ledger::{Amount, PromoCode, Unit};

pub fn promo_code(code: PromoCode, currency: &str) -> v1::PromoCode {
    let credits = match code.credits.unit {
        Unit::Operation => Wire::Operations(code.credits.amount),
        Unit::Money => Wire::Amount(money(Amount::from_micros(code.credits.amount), currency)),
    };
    v1::PromoCode {
        code: code.code.to_string(),
        campaign: code.campaign,
        credits: Some(credits),
        priority: code.priority,
        max_redemptions: code.max_redemptions,
        redemptions: code.redemptions,
        expire_time: code.expire_time.map(time),
        grant_expire_time: code.grant_expire_time.map(time),
        create_time: Some(time(code.create_time)),
    }
}
