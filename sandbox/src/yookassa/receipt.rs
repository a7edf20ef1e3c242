//! Receipts of 54-FZ: checked as YooKassa checks them before it takes a payment. Nothing is registered anywhere.

use serde_json::Value;

use super::amount::{Amount, kopecks, scaled};
use super::api::ApiError;

const MAX_ITEMS: usize = 100;
const MAX_DESCRIPTION: usize = 128;

/// What YooKassa answers for any receipt that it won't have.
pub(super) fn missing() -> ApiError {
    ApiError::invalid("receipt", "Receipt is missing or illegal")
}

/// Is there a receipt? The sum of its items must be `total`.
pub(super) fn check(receipt: &Value, total: Option<&Amount>) -> Result<bool, ApiError> {
    if receipt.is_null() {
        return Ok(false);
    }
    let customer = &receipt["customer"];
    let email = customer["email"].as_str().is_some_and(|email| email.contains('@'));
    let phone = customer["phone"].as_str().is_some_and(|phone| phone.len() >= 11);
    let items = receipt["items"].as_array().ok_or_else(missing)?;
    let system = &receipt["tax_system_code"];
    let known_system =
        system.is_null() || integer(system).is_some_and(|code| (1..=6).contains(&code));
    if !(email || phone) || items.is_empty() || items.len() > MAX_ITEMS || !known_system {
        return Err(missing());
    }
    let mut sum = 0_i64;
    for item in items {
        sum = sum.saturating_add(cost(item, total).ok_or_else(missing)?);
    }
    if total.is_some_and(|total| total.kopecks != sum) {
        return Err(missing());
    }
    Ok(true)
}

/// Kopecks of one item, or `None` when it is wrong.
fn cost(item: &Value, total: Option<&Amount>) -> Option<i64> {
    let description = item["description"].as_str()?;
    if description.is_empty() || description.chars().count() > MAX_DESCRIPTION {
        return None;
    }
    if !(1..=12).contains(&integer(&item["vat_code"])?) {
        return None;
    }
    let price = kopecks(item["amount"]["value"].as_str()?)?;
    if total.is_some_and(|total| item["amount"]["currency"] != total.currency.as_str()) {
        return None;
    }
    // A quantity may be a weight.
    let thousandths = match &item["quantity"] {
        Value::String(text) => scaled(text, 3)?,
        Value::Number(number) => scaled(&number.to_string(), 3)?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    price.checked_mul(thousandths)?.checked_div(1000)
}

/// YooKassa takes codes as numbers and as strings.
fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}
