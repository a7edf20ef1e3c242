//! Messages to checked values. A field is checked here, once; what needs the database to be judged is the ledger's.

use std::collections::BTreeMap;
use std::time::Duration;

use proto::billing::v1;
use proto::google::r#type::Money;
use proto::money;
use uuid::Uuid;

use super::status::Refusal;
use crate::ledger::{
    Amount, Credits, GrantKind, Kind, MAX_MOVEMENT, OperationId, OperationState, RefundReason,
    RequestId, Timestamp, Unit, UserId,
};

const MIN_HOLD: Duration = Duration::from_secs(60);
const MAX_HOLD: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const MAX_QUANTITY: i32 = 100;
const MAX_KIND_CHARS: usize = 64;
const MAX_LABELS: usize = 16;
const MAX_LABEL_KEY_CHARS: usize = 64;
const MAX_LABEL_VALUE_CHARS: usize = 256;
const MAX_TEXT_CHARS: usize = 500;
const MAX_GIVEN_OPERATIONS: i64 = 1_000_000;
const MAX_PRIORITY: i32 = 1_000;
const DEFAULT_PAGE: u32 = 50;
const MAX_PAGE: u32 = 200;
/// The last second that `google.protobuf.Timestamp` knows: the end of the year 9999.
const MAX_SECONDS: i64 = 253_402_300_799;

pub fn request_id(text: String) -> Result<RequestId, Refusal> {
    RequestId::parse(text).map_err(|invalid| Refusal::field("request_id", invalid.0))
}

pub fn user_id(text: String) -> Result<UserId, Refusal> {
    UserId::parse(text).map_err(|invalid| Refusal::field("user_id", invalid.0))
}

/// A kind that can't stand in any price list is as unknown as one that doesn't stand in ours.
pub fn kind(text: String) -> Result<Kind, Refusal> {
    if !(1..=MAX_KIND_CHARS).contains(&text.chars().count()) {
        return Err(Refusal::field("kind", "a kind of ListPrices, 1 to 64 characters"));
    }
    Kind::parse(text).map_err(|_| Refusal::UnknownKind)
}

/// 0, which is what an absent field looks like, means 1.
pub fn quantity(quantity: i32) -> Result<i64, Refusal> {
    match quantity {
        0 => Ok(1),
        1..=MAX_QUANTITY => Ok(i64::from(quantity)),
        _ => Err(Refusal::field("quantity", "1 to 100; 0 means 1")),
    }
}

pub fn max_price(price: Option<&Money>, currency: &str) -> Result<Option<Amount>, Refusal> {
    let Some(price) = price else { return Ok(None) };
    let amount = amount("max_price", price, currency)?;
    if amount.is_negative() {
        return Err(Refusal::field("max_price", "zero or more"));
    }
    Ok(Some(amount))
}

/// What a partial refund gives back.
pub fn refund_amount(money: &Money, currency: &str) -> Result<Amount, Refusal> {
    let amount = amount("amount", money, currency)?;
    if amount <= Amount::ZERO {
        return Err(Refusal::field("amount", "above zero; leave it out to refund everything"));
    }
    Ok(amount)
}

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
        Some(Wire::Operations(amount)) => {
            if !(1..=MAX_GIVEN_OPERATIONS).contains(&amount) {
                return Err(Refusal::field("operations", "1 to 1000000"));
            }
            Ok(Credits { unit: Unit::Operation, amount })
        }
        Some(Wire::Amount(money)) => {
            let amount = amount("amount", &money, currency)?;
            if amount <= Amount::ZERO || amount > MAX_MOVEMENT {
                return Err(Refusal::field("amount", "above zero, at most 1000000000 units"));
            }
            Ok(Credits { unit: Unit::Money, amount: amount.micros() })
        }
        None => Err(Refusal::field("credits", "either operations or amount")),
    }
}

/// Whole micros of the deployment's currency.
fn amount(field: &'static str, money: &Money, currency: &str) -> Result<Amount, Refusal> {
    money::to_micros(money, currency)
        .map(Amount::from_micros)
        .map_err(|error| Refusal::field(field, format!("whole micros of {currency}: {error}")))
}

/// A hold is kept in whole microseconds; what is finer is cut off, the same in every retry.
pub fn hold(hold: prost_types::Duration) -> Result<Duration, Refusal> {
    const TAKES: &str = "1 minute to 7 days";
    let refused = || Refusal::field("hold", TAKES);
    let seconds = u64::try_from(hold.seconds).map_err(|_| refused())?;
    let nanos = u32::try_from(hold.nanos).map_err(|_| refused())?;
    if nanos > 999_999_999 {
        return Err(refused());
    }
    let hold = Duration::new(seconds, nanos / 1_000 * 1_000);
    if (MIN_HOLD..=MAX_HOLD).contains(&hold) { Ok(hold) } else { Err(refused()) }
}

pub fn labels(labels: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Refusal> {
    if labels.len() > MAX_LABELS {
        return Err(Refusal::field("labels", "at most 16"));
    }
    for (key, value) in &labels {
        if !(1..=MAX_LABEL_KEY_CHARS).contains(&key.chars().count()) {
            return Err(Refusal::field("labels", "keys of 1 to 64 characters"));
        }
        if value.chars().count() > MAX_LABEL_VALUE_CHARS {
            return Err(Refusal::field("labels", "values of at most 256 characters"));
        }
        if has_nul(key) || has_nul(value) {
            return Err(Refusal::field("labels", "text without the character U+0000"));
        }
    }
    Ok(labels)
}

/// Only the usual form of a UUID: 36 characters with hyphens.
pub fn operation_id(text: &str) -> Result<OperationId, Refusal> {
    const TAKES: &str = "the operation_id that Charge answered, a UUID";
    if text.len() != 36 {
        return Err(Refusal::field("operation_id", TAKES));
    }
    let id = Uuid::try_parse(text).map_err(|_| Refusal::field("operation_id", TAKES))?;
    Ok(OperationId(id))
}

pub fn refund_reason(number: i32) -> Result<RefundReason, Refusal> {
    match v1::RefundReason::try_from(number) {
        Ok(v1::RefundReason::JobFailed) => Ok(RefundReason::JobFailed),
        Ok(v1::RefundReason::ContentRejected) => Ok(RefundReason::ContentRejected),
        Ok(v1::RefundReason::Undeliverable) => Ok(RefundReason::Undeliverable),
        Ok(v1::RefundReason::CustomerRequest) => Ok(RefundReason::CustomerRequest),
        Ok(v1::RefundReason::Other) => Ok(RefundReason::Other),
        Ok(v1::RefundReason::Unspecified | v1::RefundReason::Expired) | Err(_) => {
            Err(Refusal::field("reason", "a RefundReason, any but UNSPECIFIED and EXPIRED"))
        }
    }
}

/// What a refund says to people; may be empty.
pub fn comment(text: String) -> Result<String, Refusal> {
    if text.chars().count() > MAX_TEXT_CHARS || has_nul(&text) {
        return Err(Refusal::field("comment", "at most 500 characters, without U+0000"));
    }
    Ok(text)
}

/// Why an administrator did it; they have to say.
pub fn reason(text: String) -> Result<String, Refusal> {
    if text.trim().is_empty() || text.chars().count() > MAX_TEXT_CHARS || has_nul(&text) {
        return Err(Refusal::field("reason", "why, in 1 to 500 characters, without U+0000"));
    }
    Ok(text)
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

pub fn priority(priority: i32) -> Result<i32, Refusal> {
    if (0..=MAX_PRIORITY).contains(&priority) {
        Ok(priority)
    } else {
        Err(Refusal::field("priority", "0 to 1000; lower is spent first"))
    }
}

/// Kept in whole microseconds; what is finer is cut off. That it lies ahead is the ledger's to judge.
pub fn expire_time(time: Option<prost_types::Timestamp>) -> Result<Option<Timestamp>, Refusal> {
    let Some(time) = time else { return Ok(None) };
    if !(0..=MAX_SECONDS).contains(&time.seconds) || !(0..=999_999_999).contains(&time.nanos) {
        return Err(Refusal::field("expire_time", "a time in the future, before the year 10000"));
    }
    Ok(Some(Timestamp::from_micros(time.seconds * 1_000_000 + i64::from(time.nanos / 1_000))))
}

/// How many a page holds.
pub fn page_size(size: i32) -> Result<u32, Refusal> {
    match u32::try_from(size) {
        Ok(0) => Ok(DEFAULT_PAGE),
        Ok(size) => Ok(size.min(MAX_PAGE)),
        Err(_) => Err(Refusal::field("page_size", "1 to 200; 0 means 50")),
    }
}

/// Each state once, in the enum's order, so that the same filter always reads the same.
pub fn states(numbers: &[i32]) -> Result<Vec<OperationState>, Refusal> {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.into_iter().map(state).collect()
}

fn state(number: i32) -> Result<OperationState, Refusal> {
    match v1::OperationState::try_from(number) {
        Ok(v1::OperationState::Charged) => Ok(OperationState::Charged),
        Ok(v1::OperationState::Completed) => Ok(OperationState::Completed),
        Ok(v1::OperationState::Refunded) => Ok(OperationState::Refunded),
        Ok(v1::OperationState::Declined) => Ok(OperationState::Declined),
        Ok(v1::OperationState::Unspecified) | Err(_) => {
            Err(Refusal::field("states", "values of OperationState, without UNSPECIFIED"))
        }
    }
}

/// PostgreSQL's text can't hold it.
fn has_nul(text: &str) -> bool {
    text.contains('\0')
}
