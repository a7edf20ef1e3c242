//! What `AdminService` is asked.

use proto::billing::v1;
use proto::google::r#type::Money;

use super::{MAX_TEXT_CHARS, amount, filter, has_nul, positive, time, uuid};
use crate::grpc::refusal::Refusal;
use crate::ledger::{
    Amount, Credits, DisputeOutcome, GrantId, GrantKind, Kind, MAX_MOVEMENT, Price, Standing,
    Timestamp, Unit,
};

const MAX_GIVEN_OPERATIONS: i64 = 1_000_000;
const MAX_PRIORITY: i32 = 1_000;
const MAX_PRICES: usize = 100;
const MAX_PREFIX_CHARS: usize = 64;
/// As long as the longest provider's name for a payment.
const MAX_REFERENCE_CHARS: usize = 512;
/// Providers take no longer description of a refund.
const MAX_PAYER_REASON_CHARS: usize = 250;

/// What an administrator moves: either way, not zero.
pub fn adjustment(money: Option<&Money>, currency: &str) -> Result<Amount, Refusal> {
    const TAKES: &str = "an amount that is not zero, at most 1000000000 units either way";
    let amount = match money {
        Some(money) => amount("amount", money, currency)?,
        None => Amount::ZERO,
    };
    if amount.is_zero() || amount > MAX_MOVEMENT || amount < -MAX_MOVEMENT {
        return Err(Refusal::field("amount", TAKES));
    }
    Ok(amount)
}

/// What a grant gives.
pub fn credits(
    credits: Option<v1::grant_credits_request::Credits>,
    currency: &str,
) -> Result<Credits, Refusal> {
    use v1::grant_credits_request::Credits as Wire;
    match credits {
        Some(Wire::Operations(amount)) => given_operations("operations", amount),
        Some(Wire::Amount(money)) => given_money("amount", &money, currency),
        None => Err(Refusal::field("credits", "either operations or amount")),
    }
}

pub(super) fn given_operations(field: &'static str, amount: i64) -> Result<Credits, Refusal> {
    if !(1..=MAX_GIVEN_OPERATIONS).contains(&amount) {
        return Err(Refusal::field(field, "1 to 1000000"));
    }
    Ok(Credits { unit: Unit::Operation, amount })
}

pub(super) fn given_money(
    field: &'static str,
    money: &Money,
    currency: &str,
) -> Result<Credits, Refusal> {
    let amount = positive(field, money, currency)?.micros();
    Ok(Credits { unit: Unit::Money, amount })
}

/// Why an administrator did it; they have to say.
pub fn reason(text: String) -> Result<String, Refusal> {
    if text.trim().is_empty() || text.chars().count() > MAX_TEXT_CHARS || has_nul(&text) {
        return Err(Refusal::field("reason", "why, in 1 to 500 characters, without U+0000"));
    }
    Ok(text)
}

/// The same, where the provider is told.
pub fn refund_reason_for_payer(text: String) -> Result<String, Refusal> {
    let text = reason(text)?;
    if text.chars().count() > MAX_PAYER_REASON_CHARS {
        let takes = "why, in 1 to 250 characters, without U+0000: the provider is told";
        return Err(Refusal::field("reason", takes));
    }
    Ok(text)
}

pub fn grant_id(text: &str) -> Result<GrantId, Refusal> {
    uuid("grant_id", text, "a grant_id that ListGrants answered, a UUID").map(GrantId)
}

pub fn grant_kind(number: i32) -> Result<GrantKind, Refusal> {
    match v1::GrantKind::try_from(number) {
        Ok(v1::GrantKind::Promo) => Ok(GrantKind::Promo),
        Ok(v1::GrantKind::Compensation) => Ok(GrantKind::Compensation),
        Ok(v1::GrantKind::Unspecified | v1::GrantKind::Signup) | Err(_) => {
            Err(Refusal::field("kind", "PROMO or COMPENSATION"))
        }
    }
}

pub fn priority(number: i32) -> Result<i32, Refusal> {
    priority_in("priority", number)
}

pub(super) fn priority_in(field: &'static str, priority: i32) -> Result<i32, Refusal> {
    if (0..=MAX_PRIORITY).contains(&priority) {
        Ok(priority)
    } else {
        Err(Refusal::field(field, "0 to 1000; lower is spent first"))
    }
}

pub fn expire_time(end: Option<prost_types::Timestamp>) -> Result<Option<Timestamp>, Refusal> {
    time("expire_time", end)
}

/// Who owes is IN_DEBT by the ledger's own reckoning: nobody is told to be.
pub fn standing_to_set(number: i32) -> Result<Standing, Refusal> {
    match v1::Standing::try_from(number) {
        Ok(v1::Standing::Good) => Ok(Standing::Good),
        Ok(v1::Standing::Blocked) => Ok(Standing::Blocked),
        Ok(v1::Standing::Unspecified | v1::Standing::InDebt) | Err(_) => {
            Err(Refusal::field("standing", "GOOD or BLOCKED"))
        }
    }
}

pub fn standings(numbers: &[i32]) -> Result<Vec<Standing>, Refusal> {
    filter(numbers, |number| match v1::Standing::try_from(number) {
        Ok(v1::Standing::Good) => Ok(Standing::Good),
        Ok(v1::Standing::InDebt) => Ok(Standing::InDebt),
        Ok(v1::Standing::Blocked) => Ok(Standing::Blocked),
        Ok(v1::Standing::Unspecified) | Err(_) => {
            Err(Refusal::field("standings", "values of Standing, without UNSPECIFIED"))
        }
    })
}

/// Nothing, or what a user_id can begin with.
pub fn user_id_prefix(text: String) -> Result<String, Refusal> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'.' | b'-');
    if text.len() > MAX_PREFIX_CHARS || !text.bytes().all(fits) {
        let takes = "what a user_id begins with: up to 64 characters of [A-Za-z0-9:_.-]";
        return Err(Refusal::field("user_id_prefix", takes));
    }
    Ok(text)
}

/// Nothing, or an id that somebody else gave to an operation or a payment.
pub fn reference(text: String) -> Result<Option<String>, Refusal> {
    if text.chars().count() > MAX_REFERENCE_CHARS || has_nul(&text) {
        let takes = "an operation_id, payment_id, provider's payment id or request_id";
        return Err(Refusal::field("reference", takes));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// A whole price list: each kind once.
pub fn prices(prices: &[v1::Price], currency: &str) -> Result<Vec<Price>, Refusal> {
    if !(1..=MAX_PRICES).contains(&prices.len()) {
        return Err(Refusal::field("prices", "1 to 100 kinds"));
    }
    let mut list: Vec<Price> = Vec::with_capacity(prices.len());
    for line in prices {
        let kind = Kind::parse(line.kind.as_str())
            .map_err(|invalid| Refusal::field("prices.kind", invalid.0))?;
        if list.iter().any(|earlier| earlier.kind == kind) {
            return Err(Refusal::field("prices.kind", "each kind once"));
        }
        let price = line.price.as_ref();
        let price = price.ok_or_else(|| Refusal::field("prices.price", "a price for each kind"))?;
        let price = amount("prices.price", price, currency)?;
        if price.is_negative() || price > MAX_MOVEMENT {
            return Err(Refusal::field("prices.price", "0 to 1000000000 units"));
        }
        let free_operations_allowed = line.free_operations_allowed;
        list.push(Price { kind, amount: price, free_operations_allowed });
    }
    Ok(list)
}

pub fn dispute_outcome(number: i32) -> Result<DisputeOutcome, Refusal> {
    match v1::DisputeOutcome::try_from(number) {
        Ok(v1::DisputeOutcome::Opened) => Ok(DisputeOutcome::Opened),
        Ok(v1::DisputeOutcome::Won) => Ok(DisputeOutcome::Won),
        Ok(v1::DisputeOutcome::Lost) => Ok(DisputeOutcome::Lost),
        Ok(v1::DisputeOutcome::Unspecified) | Err(_) => {
            Err(Refusal::field("outcome", "OPENED, WON or LOST"))
        }
    }
}
