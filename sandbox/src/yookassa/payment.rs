//! A payment and a refund as YooKassa keeps them, and as its API shows them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::amount::Amount;

/// Where a payment or a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Pending,
    WaitingForCapture,
    Succeeded,
    Canceled,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::WaitingForCapture => "waiting_for_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

/// What the payer paid with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A bank card.
    BankCard,
    /// The Faster Payments System (СБП).
    Sbp,
}

/// Who ended a payment or a refund, and why, in YooKassa's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cancellation {
    pub(super) party: String,
    pub(super) reason: String,
}

impl Cancellation {
    pub(super) fn new(party: &str, reason: &str) -> Self {
        Self { party: party.to_owned(), reason: reason.to_owned() }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Payment {
    pub(super) id: String,
    /// The shop that it belongs to.
    pub(super) account_id: String,
    pub(super) status: Status,
    pub(super) amount: Amount,
    pub(super) description: Option<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) return_url: String,
    pub(super) capture: bool,
    pub(super) receipt: bool,
    pub(super) method: Option<Method>,
    pub(super) cancellation: Option<Cancellation>,
    /// Unix milliseconds.
    pub(super) created_at: i64,
    pub(super) captured_at: Option<i64>,
}

impl Payment {
    pub(super) fn paid(&self) -> bool {
        matches!(self.status, Status::WaitingForCapture | Status::Succeeded)
    }

    /// The object of the API; `refunded` is in kopecks, `origin` the stand-in's `http://address`.
    pub(super) fn shown(&self, refunded: i64, origin: &str) -> Value {
        let left = self.amount.kopecks - refunded;
        let mut shown = json!({
            "id": self.id, "status": self.status, "amount": self.amount,
            "recipient": {"account_id": self.account_id, "gateway_id": "1000001"},
            "created_at": moment(self.created_at), "test": true, "paid": self.paid(),
            "refundable": self.status == Status::Succeeded && left > 0, "metadata": self.metadata,
        });
        if let Some(description) = &self.description {
            shown["description"] = json!(description);
        }
        if let Some(method) = self.method {
            shown["payment_method"] = method.shown(&self.id);
        }
        match self.status {
            Status::Pending => {
                shown["confirmation"] = json!({"type": "redirect", "return_url": self.return_url,
                    "confirmation_url": self.confirmation_url(origin)});
            }
            Status::WaitingForCapture => {
                let expires = self.created_at + 7 * 24 * 3_600_000;
                shown["expires_at"] = json!(moment(expires));
            }
            Status::Succeeded => {
                // YooKassa keeps 3.5 % of it.
                let income = self.amount.kopecks - self.amount.kopecks * 35 / 1000;
                shown["income_amount"] = json!(self.amount.with(income));
                shown["refunded_amount"] = json!(self.amount.with(refunded));
                shown["captured_at"] = json!(self.captured_at.map(moment));
            }
            Status::Canceled => {
                shown["cancellation_details"] = json!(self.cancellation);
            }
        }
        if self.receipt {
            shown["receipt_registration"] = json!(registration(self.status));
        }
        shown
    }

    pub(super) fn confirmation_url(&self, origin: &str) -> String {
        format!("{origin}/checkout/payments/v2/contract?orderId={}", self.id)
    }
}

impl Method {
    fn shown(self, payment_id: &str) -> Value {
        match self {
            Self::BankCard => json!({"type": "bank_card", "id": payment_id, "saved": false,
                "status": "inactive", "title": "Bank card *4477",
                "card": {"first6": "555555", "last4": "4477", "expiry_year": "2030", "expiry_month": "12",
                    "card_type": "MasterCard", "issuer_country": "RU"}}),
            Self::Sbp => {
                json!({"type": "sbp", "id": payment_id, "saved": false, "status": "inactive",
                "sbp_operation_id": "1027088AE4CB48CB81287833347A8777",
                "payer_bank_details": {"bank_id": "100000000111", "bic": "044525225"}})
            }
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) payment_id: String,
    pub(super) status: Status,
    pub(super) amount: Amount,
    pub(super) description: Option<String>,
    pub(super) receipt: bool,
    pub(super) cancellation: Option<Cancellation>,
    /// Unix milliseconds.
    pub(super) created_at: i64,
}

impl Refund {
    /// The object of the API.
    pub(super) fn shown(&self) -> Value {
        let mut shown = json!({"id": self.id, "payment_id": self.payment_id, "status": self.status,
            "created_at": moment(self.created_at), "amount": self.amount});
        if let Some(description) = &self.description {
            shown["description"] = json!(description);
        }
        if let Some(cancellation) = &self.cancellation {
            shown["cancellation_details"] = json!(cancellation);
        }
        if self.receipt {
            shown["receipt_registration"] = json!(registration(self.status));
        }
        shown
    }
}

/// What became of the receipt of something that stands so.
fn registration(status: Status) -> &'static str {
    match status {
        Status::Pending | Status::WaitingForCapture => "pending",
        Status::Succeeded => "succeeded",
        Status::Canceled => "canceled",
    }
}

/// `2018-07-18T10:51:18.139Z`.
fn moment(unix_millis: i64) -> String {
    let time =
        jiff::Timestamp::from_millisecond(unix_millis).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{time:.3}")
}
