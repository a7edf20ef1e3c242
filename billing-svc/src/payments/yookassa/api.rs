//! The calls to YooKassa's API v3, each made once.

use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Settings;
use super::wire::{ErrorObject, List, NewPayment, NewRefund, PaymentObject, RefundObject};
use crate::ledger::Provider;
use crate::payments::http::{Answer, Http, NoClient, words};
use crate::payments::provider::ProviderError;

/// The most that a list answers at once.
const PAGE: &str = "100";
/// More refunds of one payment than that are a defect of somebody's.
const MAX_REFUND_PAGES: usize = 10;

/// The client.
#[derive(Debug)]
pub(super) struct Api {
    http: Http,
    settings: Settings,
}

impl Api {
    pub fn new(settings: Settings) -> Result<Self, NoClient> {
        Ok(Self { http: Http::new(Provider::Yookassa)?, settings })
    }

    /// `key` is the `Idempotence-Key`: for 24 hours the same one answers as it did at first.
    pub async fn create(
        &self,
        key: &str,
        payment: &NewPayment<'_>,
    ) -> Result<PaymentObject, ProviderError> {
        let answer = self.post("create_payment", "payments", key, payment).await?;
        self.object("create_payment", &answer)
    }

    /// `None`: there is no such payment.
    pub async fn payment(&self, id: &str) -> Result<Option<PaymentObject>, ProviderError> {
        self.find("get_payment", &format!("payments/{id}")).await
    }

    /// See [`Api::create`] about `key`.
    pub async fn create_refund(
        &self,
        key: &str,
        refund: &NewRefund<'_>,
    ) -> Result<RefundObject, ProviderError> {
        let answer = self.post("create_refund", "refunds", key, refund).await?;
        self.object("create_refund", &answer)
    }

    /// `None`: there is no such refund.
    pub async fn refund(&self, id: &str) -> Result<Option<RefundObject>, ProviderError> {
        self.find("get_refund", &format!("refunds/{id}")).await
    }

    /// All refunds of a payment.
    pub async fn refunds_of(&self, payment_id: &str) -> Result<Vec<RefundObject>, ProviderError> {
        let mut refunds = Vec::new();
        let mut cursor = None;
        for _ in 0..MAX_REFUND_PAGES {
            let filter = [("payment_id", payment_id)];
            let page: List<RefundObject> =
                self.list("list_refunds", "refunds", &filter, cursor.as_deref()).await?;
            refunds.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(refunds);
            }
        }
        Err(self.http.garbage("list_refunds", "the list of a payment's refunds has no end"))
    }

    /// A page of a list, newest first.
    pub async fn list<T: DeserializeOwned>(
        &self,
        call: &'static str,
        path: &str,
        filter: &[(&str, &str)],
        cursor: Option<&str>,
    ) -> Result<List<T>, ProviderError> {
        let mut request = self.request(Method::GET, path).query(filter).query(&[("limit", PAGE)]);
        if let Some(cursor) = cursor {
            request = request.query(&[("cursor", cursor)]);
        }
        let answer = self.http.send(call, request).await?;
        self.object(call, &answer)
    }

    async fn find<T: DeserializeOwned>(
        &self,
        call: &'static str,
        path: &str,
    ) -> Result<Option<T>, ProviderError> {
        let answer = self.http.send(call, self.request(Method::GET, path)).await?;
        match answer.status {
            // 400 is what an id that is none meets.
            StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => Ok(None),
            _ => self.object(call, &answer).map(Some),
        }
    }

    async fn post(
        &self,
        call: &'static str,
        path: &str,
        key: &str,
        body: &impl Serialize,
    ) -> Result<Answer, ProviderError> {
        let request = self.request(Method::POST, path).header("Idempotence-Key", key).json(body);
        self.http.send(call, request).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let base = self.settings.api_url.as_str().trim_end_matches('/');
        let Settings { shop_id, secret_key, .. } = &self.settings;
        self.http
            .client()
            .request(method, format!("{base}/{path}"))
            .basic_auth(shop_id, Some(secret_key.expose_secret()))
    }

    fn object<T: DeserializeOwned>(
        &self,
        call: &'static str,
        answer: &Answer,
    ) -> Result<T, ProviderError> {
        if answer.status == StatusCode::OK {
            return self.http.parse(call, answer);
        }
        if answer.status.is_success() {
            // 202: it is still thinking.
            return Err(ProviderError::UNAVAILABLE);
        }
        let error: ErrorObject = answer.parse().unwrap_or_default();
        let status = answer.status.as_u16();
        tracing::warn!(call, status, code = words(&error.code), "YooKassa refused a call");
        if error.parameter.eq_ignore_ascii_case("Idempotence-Key") {
            // The key was used with another body, as happens when receipts are switched on between two tries: what the
            // first one did is not undone by that, so this is no refusal.
            return Err(ProviderError::UNAVAILABLE);
        }
        let why = format!("{} {}: {}", status, error.code, error.description);
        Err(ProviderError::Refused { why: words(&why) })
    }
}
