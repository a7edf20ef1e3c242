//! YooKassa's objects, as far as we read them. <https://yookassa.ru/developers/api>

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::ledger::{
    PaymentId, ProviderAmount, ProviderStatus, Report, ReportedRefund, ReportedRefundState,
};
use crate::payments::amounts::Money;

/// `POST /payments`.
#[derive(Debug, Serialize)]
pub(super) struct NewPayment<'a> {
    pub amount: Money,
    /// One step: `waiting_for_capture` can't happen.
    pub capture: bool,
    pub confirmation: Redirect<'a>,
    pub description: &'static str,
    pub metadata: Metadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Redirect<'a> {
    pub r#type: &'static str,
    pub return_url: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Metadata {
    pub payment_id: String,
    /// For people who look at the shop's cabinet.
    pub user_id: String,
}

/// `POST /refunds`.
#[derive(Debug, Serialize)]
pub(super) struct NewRefund<'a> {
    pub payment_id: &'a str,
    pub amount: Money,
    /// Holds our `refund_id`: by it a refund whose answer was lost is found again.
    pub description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt<'a>>,
}

/// What the tax office is told (54-FZ).
#[derive(Debug, Serialize)]
pub(super) struct Receipt<'a> {
    pub customer: Customer<'a>,
    pub items: [Item; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_system_code: Option<u8>,
}

#[derive(Debug, Serialize)]
pub(super) struct Customer<'a> {
    pub email: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Item {
    pub description: &'static str,
    pub quantity: &'static str,
    pub amount: Money,
    pub vat_code: u8,
    pub payment_mode: &'static str,
    pub payment_subject: &'static str,
}

/// A payment.
#[derive(Debug, Deserialize)]
pub(super) struct PaymentObject {
    pub id: String,
    status: String,
    amount: Money,
    refunded_amount: Option<Money>,
    recipient: Option<Recipient>,
    payment_method: Option<MethodObject>,
    pub confirmation: Option<Confirmation>,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
struct Recipient {
    account_id: String,
}

#[derive(Debug, Deserialize)]
struct MethodObject {
    r#type: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Confirmation {
    pub confirmation_url: Option<String>,
}

impl PaymentObject {
    /// Is it of that shop? An answer that doesn't say counts as one.
    pub fn is_of(&self, shop_id: &str) -> bool {
        self.recipient.as_ref().is_none_or(|recipient| recipient.account_id == shop_id)
    }

    /// The id that we gave it.
    pub fn payment_id(&self) -> Option<PaymentId> {
        let text = self.metadata.as_ref()?.get("payment_id")?.as_str()?;
        Uuid::try_parse(text).ok().map(PaymentId)
    }

    pub fn is_waiting_for_capture(&self) -> bool {
        self.status == "waiting_for_capture"
    }

    pub fn is_paid(&self) -> bool {
        self.status == "succeeded"
    }

    pub fn paid(&self) -> Option<ProviderAmount> {
        self.amount.read()
    }

    /// What was given back so far; `None` where that is nothing or makes no sense.
    pub fn refunded(&self) -> Option<ProviderAmount> {
        self.refunded_amount.as_ref()?.read().filter(|refunded| !refunded.amount.is_zero())
    }

    /// `None` where it makes no sense.
    pub fn report(self, refunds: Vec<ReportedRefund>) -> Option<Report> {
        let status = match self.status.as_str() {
            "pending" | "waiting_for_capture" => ProviderStatus::Pending,
            "succeeded" => ProviderStatus::Paid,
            "canceled" => ProviderStatus::Canceled,
            _ => return None,
        };
        Some(Report {
            status,
            received: self.amount.read()?,
            method: self.payment_method.map(|method| method.r#type),
            provider_payment_id: self.id,
            refunds,
        })
    }
}

/// A refund.
#[derive(Debug, Deserialize)]
pub(super) struct RefundObject {
    pub id: String,
    pub payment_id: String,
    status: String,
    amount: Money,
    description: Option<String>,
    cancellation_details: Option<CancellationDetails>,
}

#[derive(Debug, Deserialize)]
struct CancellationDetails {
    reason: String,
}

impl RefundObject {
    /// Does its description hold this id of ours?
    pub fn is_ours(&self, refund_id: &str) -> bool {
        self.description.as_ref().is_some_and(|description| description.contains(refund_id))
    }

    /// Why it was canceled.
    pub fn reason(&self) -> &str {
        self.cancellation_details.as_ref().map_or("canceled", |details| &details.reason)
    }

    /// `None` where it makes no sense.
    pub fn read(&self) -> Option<ReportedRefund> {
        let state = match self.status.as_str() {
            "pending" => ReportedRefundState::Pending,
            "succeeded" => ReportedRefundState::Succeeded,
            "canceled" => ReportedRefundState::Canceled,
            _ => return None,
        };
        let amount = self.amount.read()?;
        Some(ReportedRefund { provider_refund_id: self.id.clone(), amount, dispute: false, state })
    }
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct List<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

/// Why a call was refused.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorObject {
    #[serde(default)]
    pub code: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub parameter: String,
}

/// What comes to the webhook.
#[derive(Debug, Deserialize)]
pub(super) struct NotificationObject {
    pub r#type: String,
    pub event: String,
    pub object: NotificationSubject,
}

#[derive(Debug, Deserialize)]
pub(super) struct NotificationSubject {
    pub id: String,
    /// Of a refund's notification, whose `id` is the refund's.
    pub payment_id: Option<String>,
}
