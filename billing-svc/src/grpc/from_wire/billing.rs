//! What `BillingService` is asked.

use std::collections::BTreeMap;
use std::time::Duration;

use proto::billing::v1;
use proto::google::r#type::Money;

use super::{MAX_TEXT_CHARS, amount, filter, has_nul, uuid};
use crate::grpc::refusal::Refusal;
use crate::ledger::{Amount, Kind, OperationId, OperationState, RefundReason};

const MIN_HOLD: Duration = Duration::from_secs(60);
const MAX_HOLD: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const MAX_QUANTITY: i32 = 100;
const MAX_KIND_CHARS: usize = 64;
const MAX_LABELS: usize = 16;
const MAX_LABEL_KEY_CHARS: usize = 64;
const MAX_LABEL_VALUE_CHARS: usize = 256;

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

pub fn operation_id(text: &str) -> Result<OperationId, Refusal> {
    uuid("operation_id", text, "the operation_id that Charge answered, a UUID").map(OperationId)
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

pub fn states(numbers: &[i32]) -> Result<Vec<OperationState>, Refusal> {
    filter(numbers, |number| match v1::OperationState::try_from(number) {
        Ok(v1::OperationState::Charged) => Ok(OperationState::Charged),
        Ok(v1::OperationState::Completed) => Ok(OperationState::Completed),
        Ok(v1::OperationState::Refunded) => Ok(OperationState::Refunded),
        Ok(v1::OperationState::Declined) => Ok(OperationState::Declined),
        Ok(v1::OperationState::Unspecified) | Err(_) => {
            Err(Refusal::field("states", "values of OperationState, without UNSPECIFIED"))
        }
    })
}
