//! Calls to a provider: bounded in time and size, counted, and with nothing of the URL in any error: Telegram's holds the
//! bot's token.

use std::time::{Duration, Instant};

use reqwest::header::RETRY_AFTER;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;

use super::provider::ProviderError;
use crate::ledger::Provider;
use crate::metrics;

/// From connecting to the last byte.
const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A page of a list is some hundred kilobytes; a hundred objects with all that others may put into them are some megabytes.
const MAX_ANSWER: usize = 8 << 20;
/// As much of a provider's words as is kept.
const MAX_WORDS: usize = 200;

/// The HTTP client could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client can't be set up: {0}")]
pub struct NoClient(String);

/// A client for one provider. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: reqwest::Client,
    provider: Provider,
}

/// A whole answer that is neither "later" nor "not you".
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    body: Vec<u8>,
}

impl Http {
    pub fn new(provider: Provider) -> Result<Self, NoClient> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build()
            .map_err(|error| NoClient(error.without_url().to_string()))?;
        Ok(Self { client, provider })
    }

    /// To build requests with.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Sends one request and reads its answer. 401 and 403 are [`ProviderError::Misconfigured`]; 408, 429, 5xx, redirects and
    /// whatever breaks off are [`ProviderError::Unavailable`].
    pub async fn send(
        &self,
        call: &'static str,
        request: RequestBuilder,
    ) -> Result<Answer, ProviderError> {
        let started = Instant::now();
        let result = self.exchange(call, request).await;
        let end = match &result {
            Ok(answer) if answer.status.is_success() => "ok",
            Ok(_) => "refused",
            Err(ProviderError::Unavailable { .. }) => "unavailable",
            Err(ProviderError::Refused { .. }) => "refused",
            Err(ProviderError::Misconfigured) => "misconfigured",
        };
        metrics::provider_request(self.provider, call, end, started.elapsed());
        result
    }

    async fn exchange(
        &self,
        call: &'static str,
        request: RequestBuilder,
    ) -> Result<Answer, ProviderError> {
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Err(self.broken(call, &error)),
        };
        let status = response.status();
        let retry_after = retry_after(&response);
        let body = self.read(call, response).await?;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                tracing::error!(
                    provider = self.provider.name(),
                    call,
                    status = status.as_u16(),
                    "a payment provider does not take our credentials"
                );
                Err(ProviderError::Misconfigured)
            }
            status if status.is_success() || status.is_client_error() && !passes(status) => {
                Ok(Answer { status, body })
            }
            status => {
                tracing::warn!(
                    provider = self.provider.name(),
                    call,
                    status = status.as_u16(),
                    ?retry_after,
                    "a payment provider does not answer"
                );
                // Telegram says it in the body.
                let told = Answer { status, body }.telegram_pause();
                Err(ProviderError::Unavailable { retry_after: retry_after.or(told) })
            }
        }
    }

    async fn read(
        &self,
        call: &'static str,
        mut response: Response,
    ) -> Result<Vec<u8>, ProviderError> {
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_ANSWER => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => return Err(self.garbage(call, "more than is taken")),
                Ok(None) => return Ok(body),
                Err(error) => return Err(self.broken(call, &error)),
            }
        }
    }

    fn broken(&self, call: &'static str, error: &reqwest::Error) -> ProviderError {
        tracing::warn!(
            provider = self.provider.name(),
            call,
            timeout = error.is_timeout(),
            connect = error.is_connect(),
            "a payment provider does not answer"
        );
        ProviderError::UNAVAILABLE
    }

    /// An answer that makes no sense.
    pub fn garbage(&self, call: &'static str, what: &'static str) -> ProviderError {
        tracing::error!(
            provider = self.provider.name(),
            call,
            what,
            "a payment provider's answer makes no sense"
        );
        ProviderError::UNAVAILABLE
    }

    /// An answer as what it should be.
    pub fn parse<T: DeserializeOwned>(
        &self,
        call: &'static str,
        answer: &Answer,
    ) -> Result<T, ProviderError> {
        answer.parse().ok_or_else(|| self.garbage(call, "not the JSON that it should be"))
    }
}

impl Answer {
    pub fn parse<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    fn telegram_pause(&self) -> Option<Duration> {
        let body: serde_json::Value = self.parse()?;
        Some(Duration::from_secs(body.get("parameters")?.get("retry_after")?.as_u64()?))
    }
}

/// A provider's words, for people: one line, cut short.
pub(super) fn words(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_WORDS).collect()
}

/// Client errors that another moment may not bring.
fn passes(status: StatusCode) -> bool {
    matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// Whole seconds; a date counts as none.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}
