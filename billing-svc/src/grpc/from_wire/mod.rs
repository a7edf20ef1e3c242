//! Messages to checked values. A field is checked here, once; what needs the database to be judged is the ledger's.

mod admin;
mod billing;
mod events;
mod payments;
mod promotions;

use proto::google::r#type::Money;
use proto::money;
use uuid::Uuid;

use super::refusal::Refusal;
use crate::ledger::{Amount, MAX_MOVEMENT, RequestId, Timestamp, UserId};

pub use admin::{
    adjustment, credits, dispute_outcome, expire_time, grant_id, grant_kind, prices, priority,
    reason, reference, refund_reason_for_payer, standing_to_set, standings, user_id_prefix,
};
pub use billing::{
    comment, hold, kind, labels, max_price, operation_id, quantity, refund_amount, refund_reason,
    states,
};
pub use events::{ack_position, after, consumer};
pub use payments::{
    charge_id, invoice_payload, notification_body, notification_headers, part, payment_id,
    payment_states, provider, receipt_email, return_url, source_ip, stars, top_up,
};
pub use promotions::{promo_code, promo_code_name, referral_code};

const MAX_TEXT_CHARS: usize = 500;
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

/// How many a page holds.
pub fn page_size(size: i32) -> Result<u32, Refusal> {
    match u32::try_from(size) {
        Ok(0) => Ok(DEFAULT_PAGE),
        Ok(size) => Ok(size.min(MAX_PAGE)),
        Err(_) => Err(Refusal::field("page_size", "1 to 200; 0 means 50")),
    }
}

/// Whole micros of the deployment's currency.
fn amount(field: &'static str, money: &Money, currency: &str) -> Result<Amount, Refusal> {
    money::to_micros(money, currency)
        .map(Amount::from_micros)
        .map_err(|error| Refusal::field(field, format!("whole micros of {currency}: {error}")))
}

/// The same, of what can be given or paid: above zero, within [`MAX_MOVEMENT`].
fn positive(field: &'static str, money: &Money, currency: &str) -> Result<Amount, Refusal> {
    let amount = amount(field, money, currency)?;
    if amount <= Amount::ZERO || amount > MAX_MOVEMENT {
        return Err(Refusal::field(field, "above zero, at most 1000000000 units"));
    }
    Ok(amount)
}

/// Kept in whole microseconds; what is finer is cut off. That it lies ahead is the ledger's to judge.
fn time(
    field: &'static str,
    time: Option<prost_types::Timestamp>,
) -> Result<Option<Timestamp>, Refusal> {
    let Some(time) = time else { return Ok(None) };
    if !(0..=MAX_SECONDS).contains(&time.seconds) || !(0..=999_999_999).contains(&time.nanos) {
        return Err(Refusal::field(field, "a time in the future, before the year 10000"));
    }
    Ok(Some(Timestamp::from_micros(time.seconds * 1_000_000 + i64::from(time.nanos / 1_000))))
}

/// Only the usual form of a UUID: 36 characters with hyphens.
fn uuid(field: &'static str, text: &str, takes: &'static str) -> Result<Uuid, Refusal> {
    if text.len() != 36 {
        return Err(Refusal::field(field, takes));
    }
    Uuid::try_parse(text).map_err(|_| Refusal::field(field, takes))
}

/// Each value of a filter once, in the enum's order, so that the same filter always reads the same.
fn filter<T>(numbers: &[i32], read: impl Fn(i32) -> Result<T, Refusal>) -> Result<Vec<T>, Refusal> {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.into_iter().map(read).collect()
}

/// PostgreSQL's text can't hold it.
fn has_nul(text: &str) -> bool {
    text.contains('\0')
}
