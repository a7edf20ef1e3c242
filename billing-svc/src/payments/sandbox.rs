//! The sandbox's own bank: what a third provider looks like. One file, and it is only ever on this machine.

use std::borrow::Cow;
use std::net::IpAddr;

use async_trait::async_trait;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::amounts::Money;
use super::catalogue::Catalogue;
use super::http::{Http, NoClient, words};
use super::provider::{
    FeedPage, Found, Listed, Method, NotANotification, Opened, PaymentProvider, ProviderError,
    Reading, RefundReply, Subject,
};
use crate::ledger::{
    Amount, Payment, PaymentId, PaymentRefund, Provider, ProviderAmount, ProviderStatus, Report,
    ReportedRefund, ReportedRefundState, Timestamp,
};

/// The adapter.
#[derive(Debug)]
pub struct SandboxBank {
    http: Http,
    url: Url,
    catalogue: Catalogue,
    currency: String,
}

impl SandboxBank {
    /// For the bank at `url`.
    ///
    /// # Errors
    /// The HTTP client can't be set up.
    pub fn new(url: Url, catalogue: Catalogue, currency: &str) -> Result<Self, NoClient> {
        let http = Http::new(Provider::Sandbox)?;
        Ok(Self { http, url, catalogue, currency: currency.to_owned() })
    }

    fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.url.as_str().trim_end_matches('/'))
    }
}

#[async_trait]
impl PaymentProvider for SandboxBank {
    fn id(&self) -> Provider {
        Provider::Sandbox
    }

    fn method(&self) -> Method {
        Method {
            provider: Provider::Sandbox,
            packs: self.catalogue.at_face_value(&self.currency),
            limits: Some(self.catalogue.limits),
        }
    }

    fn price_of(&self, amount: Amount) -> Result<ProviderAmount, Cow<'static, str>> {
        self.catalogue.face_value(amount, &self.currency)
    }

    fn needs_receipt_email(&self) -> bool {
        false
    }

    fn takes_parts(&self) -> bool {
        true
    }

    fn admits(&self, _source: Option<IpAddr>) -> bool {
        true
    }

    fn subject(&self, body: &[u8]) -> Result<Subject, NotANotification> {
        let Notification { payment } =
            serde_json::from_slice(body).map_err(|_| NotANotification)?;
        if is_id(&payment) { Ok(Subject::Payment(payment)) } else { Err(NotANotification) }
    }

    async fn open(&self, payment: &Payment, _now: Timestamp) -> Result<Opened, ProviderError> {
        let Money { value, currency } = Money::of(&payment.price);
        let body = json!({
            "payment_id": payment.payment_id.to_string(),
            "amount": value,
            "currency": currency,
            "return_url": payment.return_url.as_deref().unwrap_or_default(),
        });
        let request = self.http.client().post(self.at("payments")).json(&body);
        let answer = self.http.send("create_payment", request).await?;
        if !answer.status.is_success() {
            return Err(ProviderError::Refused { why: answer.status.to_string() });
        }
        let made: Made = self.http.parse("create_payment", &answer)?;
        Ok(Opened {
            provider_payment_id: Some(made.id),
            confirmation_url: Some(made.confirmation_url),
        })
    }

    async fn read(&self, provider_payment_id: &str) -> Result<Reading, ProviderError> {
        let request = self.http.client().get(self.at(&format!("payments/{provider_payment_id}")));
        let answer = self.http.send("get_payment", request).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(Reading::Unknown);
        }
        let payment: BankPayment = self.http.parse("get_payment", &answer)?;
        let found = payment.found().ok_or_else(|| self.http.garbage("get_payment", "a payment"))?;
        Ok(Reading::Found(Box::new(found)))
    }

    async fn refund(
        &self,
        payment: &Payment,
        refund: &PaymentRefund,
        _now: Timestamp,
    ) -> Result<RefundReply, ProviderError> {
        let Some(id) = &payment.provider_payment_id else {
            return Ok(RefundReply::Refused { why: "the payment has no name there".to_owned() });
        };
        let body = json!({
            "refund_id": refund.refund_id.to_string(),
            "id": id,
            "amount": Money::of(&refund.price).value,
        });
        let request = self.http.client().post(self.at("refunds")).json(&body);
        let answer = self.http.send("create_refund", request).await?;
        if !answer.status.is_success() {
            let Refusal { error } = answer.parse().unwrap_or_default();
            return Ok(RefundReply::Refused { why: words(&error) });
        }
        let MadeRefund { id: provider_refund_id, state } =
            self.http.parse("create_refund", &answer)?;
        Ok(match state {
            BankRefundState::Pending => RefundReply::Accepted { provider_refund_id },
            BankRefundState::Succeeded => RefundReply::Succeeded { provider_refund_id },
            BankRefundState::Canceled => RefundReply::Refused { why: "canceled".to_owned() },
        })
    }

    async fn feed(&self, cursor: Option<&str>) -> Result<FeedPage, ProviderError> {
        let mut request = self.http.client().get(self.at("payments"));
        if let Some(cursor) = cursor {
            request = request.query(&[("after", cursor)]);
        }
        let answer = self.http.send("feed", request).await?;
        let BankList { payments, cursor, more } = self.http.parse("feed", &answer)?;
        Ok(FeedPage { items: payments.into_iter().filter_map(listed).collect(), cursor, more })
    }

    /// A sandbox is small: from the start.
    fn feed_since(&self, _since: Timestamp) -> Option<String> {
        None
    }
}

/// It names the payment and nothing else.
#[derive(Deserialize)]
struct Notification {
    payment: String,
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct Made {
    id: String,
    confirmation_url: String,
}

#[derive(Deserialize)]
struct MadeRefund {
    id: String,
    state: BankRefundState,
}

#[derive(Deserialize)]
struct BankList {
    payments: Vec<BankPayment>,
    cursor: String,
    more: bool,
}

#[derive(Deserialize)]
struct BankPayment {
    id: String,
    payment_id: String,
    status: BankStatus,
    amount: String,
    currency: String,
    refunds: Vec<BankRefund>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum BankStatus {
    Pending,
    Paid,
    Canceled,
}

#[derive(Deserialize)]
struct BankRefund {
    id: String,
    amount: String,
    dispute: bool,
    state: BankRefundState,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum BankRefundState {
    Pending,
    Succeeded,
    Canceled,
}

impl BankPayment {
    fn found(self) -> Option<Found> {
        let amount =
            |value: &str| Money { value: value.to_owned(), currency: self.currency.clone() }.read();
        let refund = |refund: &BankRefund| {
            Some(ReportedRefund {
                provider_refund_id: refund.id.clone(),
                amount: amount(&refund.amount)?,
                dispute: refund.dispute,
                state: match refund.state {
                    BankRefundState::Pending => ReportedRefundState::Pending,
                    BankRefundState::Succeeded => ReportedRefundState::Succeeded,
                    BankRefundState::Canceled => ReportedRefundState::Canceled,
                },
            })
        };
        let report = Report {
            status: match self.status {
                BankStatus::Pending => ProviderStatus::Pending,
                BankStatus::Paid => ProviderStatus::Paid,
                BankStatus::Canceled => ProviderStatus::Canceled,
            },
            received: amount(&self.amount)?,
            method: None,
            refunds: self.refunds.iter().map(refund).collect::<Option<Vec<_>>>()?,
            provider_payment_id: self.id,
        };
        let payment_id = Uuid::try_parse(&self.payment_id).ok().map(PaymentId);
        Some(Found { payment_id, payer: None, report })
    }
}

/// What has money in it; all of what it says.
fn listed(payment: BankPayment) -> Option<Listed> {
    let found = payment.found()?;
    let report = &found.report;
    if report.status != ProviderStatus::Paid {
        return None;
    }
    let back = report.refunds.iter().filter(|it| it.state != ReportedRefundState::Canceled);
    let refunded: Amount = back.map(|refund| refund.amount.amount).sum();
    let currency = report.received.currency.clone();
    Some(Listed {
        provider_payment_id: report.provider_payment_id.clone(),
        payment_id: found.payment_id,
        paid: Some(report.received.clone()),
        refunded: (!refunded.is_zero()).then_some(ProviderAmount { amount: refunded, currency }),
        refund: None,
        found: Some(found),
    })
}

/// It becomes a part of a URL.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}
