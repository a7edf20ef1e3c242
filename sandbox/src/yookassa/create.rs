//! The calls that make or move something.

use serde_json::{Map, Value};

use super::SHOP_ID;
use super::amount::Amount;
use super::api::{Answer, ApiError};
use super::payment::{Cancellation, Payment, Status};
use super::receipt;
use super::state::{State, fresh_id};
use crate::clock::unix_millis;

const MAX_METADATA: usize = 16;
const MAX_METADATA_KEY: usize = 32;
const MAX_METADATA_VALUE: usize = 512;
const MAX_DESCRIPTION: usize = 128;
const MAX_RETURN_URL: usize = 2048;
const MAX_REFUND_DESCRIPTION: usize = 250;

impl State {
    pub(super) fn create_payment(&mut self, body: &Value, origin: &str) -> Answer {
        let amount = Amount::read(body, "amount")?;
        let confirmation = &body["confirmation"];
        if confirmation["type"] != "redirect" {
            return Err(ApiError::invalid(
                "confirmation.type",
                "Confirmation type is not supported",
            ));
        }
        let return_url = confirmation["return_url"].as_str().unwrap_or_default();
        if return_url.len() > MAX_RETURN_URL || url::Url::parse(return_url).is_err() {
            return Err(ApiError::invalid("confirmation.return_url", "Return URL is not valid"));
        }
        let receipt = receipt::check(&body["receipt"], Some(&amount))?;
        if self.receipts_required && !receipt {
            return Err(receipt::missing());
        }
        let payment = Payment {
            id: fresh_id("000f"),
            account_id: SHOP_ID.to_owned(),
            status: Status::Pending,
            amount,
            description: text(body, "description", MAX_DESCRIPTION)?,
            metadata: metadata(&body["metadata"])?,
            return_url: return_url.to_owned(),
            capture: body["capture"] == true,
            receipt,
            method: None,
            cancellation: None,
            created_at: unix_millis(),
            captured_at: None,
        };
        let shown = payment.shown(0, origin);
        self.payments.push(payment);
        Ok(shown)
    }

    pub(super) fn capture_payment(&mut self, id: &str, body: &Value, origin: &str) -> Answer {
        let payment = self.own(id).ok_or_else(ApiError::no_payment)?;
        if payment.status != Status::WaitingForCapture {
            return Err(wrong_status(payment.status, "waiting_for_capture"));
        }
        let amount =
            if body["amount"].is_null() { None } else { Some(Amount::read(body, "amount")?) };
        if let Some(amount) = &amount
            && (amount.currency != payment.amount.currency
                || amount.kopecks > payment.amount.kopecks)
        {
            return Err(ApiError::invalid("amount", "Amount exceeds the payment amount"));
        }
        self.capture(id, amount, origin).map_err(|_| ApiError::no_payment())?;
        self.get_payment(id, origin)
    }

    pub(super) fn cancel_payment(&mut self, id: &str, origin: &str) -> Answer {
        let payment = self.own(id).ok_or_else(ApiError::no_payment)?;
        if payment.status != Status::WaitingForCapture {
            return Err(wrong_status(payment.status, "waiting_for_capture"));
        }
        let by = Cancellation::new("merchant", "canceled_by_merchant");
        self.cancel(id, by, origin).map_err(|_| ApiError::no_payment())?;
        self.get_payment(id, origin)
    }

    pub(super) fn get_payment(&self, id: &str, origin: &str) -> Answer {
        let payment = self.own(id).ok_or_else(ApiError::no_payment)?;
        Ok(self.shown(payment, origin))
    }

    pub(super) fn create_refund(&mut self, body: &Value) -> Answer {
        let id = body["payment_id"].as_str().unwrap_or_default();
        // In a body a wrong id is a wrong field: 400, where the same id in a path is 404.
        let unknown = || {
            let description = "Incorrect payment_id. Payment doesn't exist or access denied";
            ApiError::invalid("payment_id", description)
        };
        let amount = Amount::read(body, "amount")?;
        let payment = self.own(id).ok_or_else(unknown)?;
        if payment.status != Status::Succeeded {
            return Err(wrong_status(payment.status, "succeeded"));
        }
        if amount.currency != payment.amount.currency {
            return Err(ApiError::invalid(
                "amount.currency",
                "Currency differs from the payment's",
            ));
        }
        if amount.kopecks > self.refundable(payment) {
            return Err(ApiError::invalid(
                "amount",
                "Refund amount exceeds what is left to refund",
            ));
        }
        let receipt = receipt::check(&body["receipt"], Some(&amount))? || payment.receipt;
        let description = text(body, "description", MAX_REFUND_DESCRIPTION)?;
        Ok(self.refund(id, amount, description, receipt).shown())
    }
}

fn wrong_status(status: Status, needed: &str) -> ApiError {
    let status = status.name();
    ApiError::bad(format!("Payment in status {status} can't be processed: {needed} is required"))
}

fn text(body: &Value, name: &str, limit: usize) -> Result<Option<String>, ApiError> {
    match &body[name] {
        Value::Null => Ok(None),
        Value::String(text) if text.chars().count() <= limit => Ok(Some(text.clone())),
        _ => Err(ApiError::invalid(
            name,
            format!("A string of up to {limit} characters is expected"),
        )),
    }
}

fn metadata(given: &Value) -> Result<Map<String, Value>, ApiError> {
    let refuse = |why: &str| Err(ApiError::invalid("metadata", why));
    let given = match given {
        Value::Null => return Ok(Map::new()),
        Value::Object(given) => given,
        _ => return refuse("An object is expected"),
    };
    if given.len() > MAX_METADATA {
        return refuse("Up to 16 keys are allowed");
    }
    for (key, value) in given {
        let fits = value.as_str().is_some_and(|value| value.chars().count() <= MAX_METADATA_VALUE);
        if key.chars().count() > MAX_METADATA_KEY || !fits {
            return refuse(
                "Keys of up to 32 and string values of up to 512 characters are allowed",
            );
        }
    }
    Ok(given.clone())
}
