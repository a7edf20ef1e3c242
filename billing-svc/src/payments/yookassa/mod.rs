//! YooKassa: the user is redirected to its page, where cards, SBP and others are offered.
//!
//! Its notifications are not signed, so they only say what to ask about. Answers of 500 mean that the outcome is unknown:
//! the same `Idempotence-Key` with the same body learns it, for 24 hours. <https://yookassa.ru/developers/api>

mod api;
mod feed;
mod wire;

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

use super::amounts::Money;
use super::catalogue::Catalogue;
use super::http::NoClient;
use super::provider::{
    FeedPage, Found, Method, NotANotification, Opened, PaymentProvider, ProviderError, Reading,
    RefundReply, Subject,
};
use crate::ledger::{
    Amount, Payment, PaymentRefund, Provider, ProviderAmount, ReportedRefund, ReportedRefundState,
    Timestamp,
};
use crate::metrics;
use api::Api;
use wire::{
    Customer, Item, Metadata, NewPayment, NewRefund, NotificationObject, PaymentObject, Receipt,
    Redirect, RefundObject,
};

/// On the page where the user pays, and on the receipt.
const DESCRIPTION: &str = "Пополнение баланса";
/// YooKassa keeps an `Idempotence-Key` for 24 hours; after this long it is not relied on.
const KEY_LIFE: Duration = Duration::from_secs(23 * 60 * 60);
/// Longer than any id of YooKassa's.
const MAX_ID: usize = 64;

/// A shop at YooKassa.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its number.
    pub shop_id: String,
    /// Its key.
    pub secret_key: SecretString,
    /// Without a slash at the end or with one.
    pub api_url: Url,
    /// Where the user is sent afterwards, where the payment does not say.
    pub return_url: String,
    /// Where notifications may come from; empty: anywhere.
    pub notification_ips: Vec<IpNet>,
    /// What goes on receipts; `None`: the shop sends none through YooKassa.
    pub receipts: Option<ReceiptSettings>,
}

/// What goes on receipts (54-FZ).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptSettings {
    /// 1 to 12.
    pub vat_code: u8,
    /// 1 to 6.
    pub tax_system_code: Option<u8>,
    /// Where a receipt goes, where the payment does not say. `None`: it has to.
    pub email: Option<String>,
}

/// The adapter.
#[derive(Debug)]
pub struct Yookassa {
    api: Api,
    settings: Settings,
    catalogue: Catalogue,
    currency: String,
}

impl Yookassa {
    /// For a shop that takes `currency`.
    ///
    /// # Errors
    /// The HTTP client can't be set up.
    pub fn new(settings: Settings, catalogue: Catalogue, currency: &str) -> Result<Self, NoClient> {
        let api = Api::new(settings.clone())?;
        Ok(Self { api, settings, catalogue, currency: currency.to_owned() })
    }

    fn receipt<'a>(&'a self, payment: &'a Payment, price: &ProviderAmount) -> Option<Receipt<'a>> {
        let receipts = self.settings.receipts.as_ref()?;
        // A payment from before there were receipts goes back without one.
        let email = payment.receipt_email.as_deref().or(receipts.email.as_deref())?;
        Some(Receipt {
            customer: Customer { email },
            items: [Item {
                description: DESCRIPTION,
                quantity: "1.00",
                amount: Money::of(price),
                vat_code: receipts.vat_code,
                payment_mode: "full_prepayment",
                payment_subject: "payment",
            }],
            tax_system_code: receipts.tax_system_code,
        })
    }

    /// What a payment is to us; `None` where it is another shop's.
    async fn found(&self, object: PaymentObject) -> Result<Option<Found>, ProviderError> {
        if !object.is_of(&self.settings.shop_id) {
            tracing::warn!(provider_payment_id = object.id, "a payment of another shop");
            return Ok(None);
        }
        if object.is_waiting_for_capture() {
            tracing::error!(provider_payment_id = object.id, "a payment waits for a capture");
            metrics::waiting_for_capture();
        }
        let mut refunds = Vec::new();
        if object.refunded().is_some() {
            for refund in self.api.refunds_of(&object.id).await? {
                refunds.push(self.reported(&refund)?);
            }
        }
        let payment_id = object.payment_id();
        let report = object.report(refunds).ok_or_else(|| nonsense("a payment"))?;
        Ok(Some(Found { payment_id, payer: None, report }))
    }

    fn reported(&self, refund: &RefundObject) -> Result<ReportedRefund, ProviderError> {
        refund.read().ok_or_else(|| nonsense("a refund"))
    }

    /// A refund of ours whose answer was lost.
    async fn lost_refund(
        &self,
        provider_payment_id: &str,
        refund: &PaymentRefund,
    ) -> Result<Option<RefundObject>, ProviderError> {
        let id = refund.refund_id.to_string();
        let refunds = self.api.refunds_of(provider_payment_id).await?;
        Ok(refunds.into_iter().find(|refund| refund.is_ours(&id)))
    }

    fn reply(&self, refund: RefundObject) -> Result<RefundReply, ProviderError> {
        Ok(match self.reported(&refund)?.state {
            ReportedRefundState::Succeeded => {
                RefundReply::Succeeded { provider_refund_id: refund.id }
            }
            ReportedRefundState::Pending => RefundReply::Accepted { provider_refund_id: refund.id },
            ReportedRefundState::Canceled => {
                RefundReply::Refused { why: super::http::words(refund.reason()) }
            }
        })
    }
}

#[async_trait]
impl PaymentProvider for Yookassa {
    fn id(&self) -> Provider {
        Provider::Yookassa
    }

    fn method(&self) -> Method {
        Method {
            provider: Provider::Yookassa,
            packs: self.catalogue.at_face_value(&self.currency),
            limits: Some(self.catalogue.limits),
        }
    }

    fn price_of(&self, amount: Amount) -> Result<ProviderAmount, Cow<'static, str>> {
        self.catalogue.face_value(amount, &self.currency)
    }

    fn takes_parts(&self) -> bool {
        true
    }

    fn needs_receipt_email(&self) -> bool {
        self.settings.receipts.as_ref().is_some_and(|receipts| receipts.email.is_none())
    }

    fn admits(&self, source: Option<IpAddr>) -> bool {
        let allowed = &self.settings.notification_ips;
        allowed.is_empty()
            || source.is_some_and(|source| {
                let source = source.to_canonical();
                allowed.iter().any(|net| net.contains(&source))
            })
    }

    fn subject(&self, body: &[u8]) -> Result<Subject, NotANotification> {
        let notification: NotificationObject =
            serde_json::from_slice(body).map_err(|_| NotANotification)?;
        if notification.r#type != "notification" {
            return Err(NotANotification);
        }
        let object = notification.object;
        let id = match notification.event.split('.').next() {
            Some("payment") => object.id,
            Some("refund") => object.payment_id.ok_or(NotANotification)?,
            _ => return Ok(Subject::Other),
        };
        if is_id(&id) { Ok(Subject::Payment(id)) } else { Err(NotANotification) }
    }

    async fn open(&self, payment: &Payment, now: Timestamp) -> Result<Opened, ProviderError> {
        if now > payment.create_time.plus(KEY_LIFE) {
            // Another payment would be made under the same name.
            let why = "it was made too long ago".to_owned();
            return Err(ProviderError::Refused { why });
        }
        let created = NewPayment {
            amount: Money::of(&payment.price),
            capture: true,
            confirmation: Redirect {
                r#type: "redirect",
                return_url: payment.return_url.as_deref().unwrap_or(&self.settings.return_url),
            },
            description: DESCRIPTION,
            metadata: Metadata {
                payment_id: payment.payment_id.to_string(),
                user_id: payment.user_id.to_string(),
            },
            receipt: self.receipt(payment, &payment.price),
        };
        let object = self.api.create(&payment.payment_id.to_string(), &created).await?;
        if !is_id(&object.id) {
            return Err(nonsense("the id of a payment"));
        }
        Ok(Opened {
            provider_payment_id: Some(object.id),
            confirmation_url: object.confirmation.and_then(|it| it.confirmation_url),
        })
    }

    async fn read(&self, provider_payment_id: &str) -> Result<Reading, ProviderError> {
        let found = match self.api.payment(provider_payment_id).await? {
            Some(object) => self.found(object).await?,
            None => None,
        };
        Ok(found.map_or(Reading::Unknown, |found| Reading::Found(Box::new(found))))
    }

    async fn refund(
        &self,
        payment: &Payment,
        refund: &PaymentRefund,
        now: Timestamp,
    ) -> Result<RefundReply, ProviderError> {
        if let Some(id) = &refund.provider_refund_id {
            let found = self.api.refund(id).await?;
            return self.reply(found.ok_or_else(|| nonsense("a refund that is gone"))?);
        }
        let Some(provider_payment_id) = payment.provider_payment_id.as_deref() else {
            return Ok(RefundReply::Refused { why: "the payment has no name there".to_owned() });
        };
        // A POST may be behind us whose answer was lost. While its key lives the next POST learns what it did; afterwards it
        // would be a second refund.
        if refund.tries > 0 || now > refund.create_time.plus(KEY_LIFE) {
            let lost = self.lost_refund(provider_payment_id, refund).await?;
            if let Some(lost) = lost {
                return self.reply(lost);
            }
        }
        let created = NewRefund {
            payment_id: provider_payment_id,
            amount: Money::of(&refund.price),
            description: format!("Возврат {}", refund.refund_id),
            receipt: self.receipt(payment, &refund.price),
        };
        match self.api.create_refund(&refund.refund_id.to_string(), &created).await {
            Ok(object) => self.reply(object),
            Err(ProviderError::Refused { why }) => Ok(RefundReply::Refused { why }),
            Err(error) => Err(error),
        }
    }

    async fn feed(&self, cursor: Option<&str>) -> Result<FeedPage, ProviderError> {
        feed::page(&self.api, &self.settings.shop_id, cursor).await
    }

    fn feed_since(&self, since: Timestamp) -> Option<String> {
        Some(feed::since(since))
    }
}

/// It becomes a part of a URL.
fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn nonsense(what: &'static str) -> ProviderError {
    tracing::error!(what, "YooKassa's answer makes no sense");
    ProviderError::UNAVAILABLE
}
