//! Promo codes and referral codes.

use proto::billing::v1;
use proto::billing::v1::promo_code::Credits as Wire;

use super::admin::{given_money, given_operations, priority_in};
use super::{has_nul, time};
use crate::grpc::refusal::Refusal;
use crate::ledger::{PromoCode, PromoCodeName, ReferralCode, Rejection, Timestamp};

const MAX_CAMPAIGN_CHARS: usize = 64;
const MAX_REDEMPTIONS: i64 = 10_000_000;

/// What a user typed; case makes no difference.
pub fn promo_code_name(text: &str) -> Result<PromoCodeName, Refusal> {
    let takes = "3 to 32 characters of [A-Za-z0-9_-]";
    PromoCodeName::parse(text.to_ascii_uppercase()).map_err(|_| Refusal::field("code", takes))
}

/// A text that can't be a referral code is one that nobody has: it came out of a link that anybody may write.
pub fn referral_code(text: String) -> Result<ReferralCode, Refusal> {
    let unknown = crate::ledger::ReferralRefusal::UnknownCode;
    ReferralCode::parse(text)
        .map_err(|_| Refusal::Rule(Rejection::ReferralRefused { why: unknown }))
}

/// A code to be made. Its `redemptions` and `create_time` are not read.
pub fn promo_code(code: Option<v1::PromoCode>, currency: &str) -> Result<PromoCode, Refusal> {
    let code = code.ok_or_else(|| Refusal::field("promo_code", "the code to be made"))?;
    let name = PromoCodeName::parse(code.code)
        .map_err(|invalid| Refusal::field("promo_code.code", invalid.0))?;
    let campaign = campaign(code.campaign)?;
    let credits = match code.credits {
        Some(Wire::Operations(amount)) => given_operations("promo_code.operations", amount)?,
        Some(Wire::Amount(money)) => given_money("promo_code.amount", &money, currency)?,
        None => {
            return Err(Refusal::field("promo_code.credits", "either operations or amount"));
        }
    };
    let priority = priority_in("promo_code.priority", code.priority)?;
    if !(1..=MAX_REDEMPTIONS).contains(&code.max_redemptions) {
        return Err(Refusal::field("promo_code.max_redemptions", "1 to 10000000"));
    }
    Ok(PromoCode {
        code: name,
        campaign,
        credits,
        priority,
        max_redemptions: code.max_redemptions,
        redemptions: 0,
        expire_time: time("promo_code.expire_time", code.expire_time)?,
        grant_expire_time: time("promo_code.grant_expire_time", code.grant_expire_time)?,
        create_time: Timestamp::from_micros(0),
    })
}

fn campaign(text: String) -> Result<String, Refusal> {
    let fits = (1..=MAX_CAMPAIGN_CHARS).contains(&text.chars().count());
    if !fits || text.trim().is_empty() || has_nul(&text) {
        let takes = "what it belongs to, in 1 to 64 characters, without U+0000";
        return Err(Refusal::field("promo_code.campaign", takes));
    }
    Ok(text)
}
