//! The calls to fal.ai's queue, each made once.
//!
//! The key goes only to the origin of `FAL_QUEUE_URL`: a URL that fal answers with and that points elsewhere is not
//! used. Pictures are fetched without the key.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tracing::Instrument;
use url::Url;

use super::call;
use super::error::{Answer, Class, Failure, classify};
use super::wire::{Parsed, Status, parse_output};
use crate::jobs::FalRequest;

/// Bodies carry the input pictures.
const SUBMIT_TIMEOUT: Duration = Duration::from_secs(60);
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(120);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// JSON answers are small; pictures come as URLs.
const MAX_ANSWER: usize = 4 * 1024 * 1024;
/// The largest picture that is taken.
pub const MAX_PICTURE: usize = 50 * 1024 * 1024;
/// The most pictures of one result that are taken; DeliveryService takes no more.
pub const MAX_PICTURES: usize = 10;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum FalClientError {
    /// The key has characters that no header can carry.
    #[error("FAL_KEY can't be sent in a header")]
    Key,
    /// The HTTP client could not be set up.
    #[error("the HTTP client can't be set up")]
    Http(#[source] reqwest::Error),
}

/// A submit that brought no request.
#[derive(Debug, PartialEq, Eq)]
pub enum NotAccepted {
    /// It went out, and whether fal has it can't be known.
    AnswerLost,
    /// fal does not have it.
    Failed(Failure),
}

/// Where a request stands.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// In fal's queue, or at work.
    Running,
    /// It ended, well or not.
    Completed,
}

/// A question about a request that brought no answer.
#[derive(Debug, PartialEq, Eq)]
pub enum NotYet {
    /// The question failed, the request may be well: ask again, not before this pause.
    AskAgain(Option<Duration>),
    /// The request failed.
    Over(Failure),
}

/// fal.ai's queue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct FalClient {
    api: reqwest::Client,
    files: reqwest::Client,
    base: Url,
}

impl FalClient {
    /// A client of the queue at `base` (`FAL_QUEUE_URL`).
    pub fn new(base: Url, key: &SecretString) -> Result<Self, FalClientError> {
        let mut value = HeaderValue::from_str(&format!("Key {}", key.expose_secret()))
            .map_err(|_| FalClientError::Key)?;
        value.set_sensitive(true);
        let api = client(HeaderMap::from_iter([(AUTHORIZATION, value)]))?;
        Ok(Self { api, files: client(HeaderMap::new())?, base })
    }

    /// POSTs one job to `app`. Not repeatable: each call that is accepted is paid for.
    pub async fn submit(&self, app: &str, body: Bytes) -> Result<FalRequest, NotAccepted> {
        call::counted("submit", self.post(app, body)).await
    }

    /// Asks how a request goes.
    pub async fn status(&self, request: &FalRequest) -> Result<Asked, NotYet> {
        call::counted("status", self.look(request)).await
    }

    /// The URLs of what a COMPLETED request brought.
    pub async fn result(&self, request: &FalRequest) -> Result<Vec<String>, NotYet> {
        call::counted("result", self.output(request)).await
    }

    /// Fetches one picture.
    pub async fn download(&self, url: &str) -> Result<Bytes, NotYet> {
        call::counted("download", self.fetch(url)).await
    }

    /// Calls a request off, as far as fal still can. What fails is logged: the caller is done with the request.
    pub async fn cancel(&self, request: &FalRequest) {
        if !self.is_ours(&request.cancel_url) {
            return;
        }
        let sent = self.api.put(&request.cancel_url).timeout(CALL_TIMEOUT).send();
        match sent.instrument(call::span("cancel")).await {
            Ok(response) => {
                tracing::debug!(status = response.status().as_u16(), "canceled at fal");
            }
            Err(error) => log_transport("cancel", &error),
        }
    }

    async fn post(&self, app: &str, body: Bytes) -> Result<FalRequest, NotAccepted> {
        let url = format!("{}/{app}", self.base.as_str().trim_end_matches('/'));
        let sent = self
            .api
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .timeout(SUBMIT_TIMEOUT)
            .body(body)
            .send()
            .await;
        let response = match sent {
            Ok(response) => response,
            // Nothing was sent when there was no connection.
            Err(error) if error.is_connect() || error.is_builder() => {
                log_transport("submit", &error);
                return Err(NotAccepted::Failed(Failure::new(Class::Retry)));
            }
            Err(error) => {
                log_transport("submit", &error);
                return Err(NotAccepted::AnswerLost);
            }
        };
        call::answered(&response);
        if !response.status().is_success() {
            return Err(NotAccepted::Failed(refusal("submit", response, true).await.0));
        }
        // It was accepted: whatever is wrong with the answer now, the request is out there.
        let body = read(response, MAX_ANSWER).await.map_err(|_| NotAccepted::AnswerLost)?;
        let request: FalRequest =
            serde_json::from_slice(&body).map_err(|_| NotAccepted::AnswerLost)?;
        if [&request.status_url, &request.response_url, &request.cancel_url]
            .into_iter()
            .all(|url| self.is_ours(url))
        {
            Ok(request)
        } else {
            tracing::error!("fal answered with URLs of another origin than FAL_QUEUE_URL");
            Err(NotAccepted::Failed(Failure::new(Class::Misconfigured)))
        }
    }

    async fn look(&self, request: &FalRequest) -> Result<Asked, NotYet> {
        let body = self.ask("status", &request.status_url).await?;
        let status: Status = serde_json::from_slice(&body).map_err(|_| NotYet::AskAgain(None))?;
        match status.status.as_str() {
            "COMPLETED" => Ok(Asked::Completed),
            _ => Ok(Asked::Running),
        }
    }

    async fn output(&self, request: &FalRequest) -> Result<Vec<String>, NotYet> {
        let body = self.ask("result", &request.response_url).await?;
        match parse_output(&body) {
            Parsed::Files(mut urls) => {
                urls.truncate(MAX_PICTURES);
                Ok(urls)
            }
            Parsed::Refused => Err(NotYet::Over(Failure::new(Class::ContentRejected))),
            Parsed::Unreadable => {
                tracing::error!("fal's result names no picture; does the app fit the kind?");
                Err(NotYet::Over(Failure::new(Class::Retry)))
            }
        }
    }

    async fn fetch(&self, url: &str) -> Result<Bytes, NotYet> {
        let sent = self.files.get(url).timeout(DOWNLOAD_TIMEOUT).send().await;
        let response = sent.map_err(|error| {
            log_transport("download", &error);
            NotYet::AskAgain(None)
        })?;
        call::answered(&response);
        if !response.status().is_success() {
            tracing::warn!(status = response.status().as_u16(), "a picture could not be fetched");
            return Err(NotYet::AskAgain(None));
        }
        read(response, MAX_PICTURE).await
    }

    async fn ask(&self, call: &'static str, url: &str) -> Result<Bytes, NotYet> {
        if !self.is_ours(url) {
            tracing::error!("FAL_QUEUE_URL has changed since this job was submitted");
            return Err(NotYet::Over(Failure::new(Class::Misconfigured)));
        }
        let sent = self.api.get(url).timeout(CALL_TIMEOUT).send().await;
        let response = sent.map_err(|error| {
            log_transport(call, &error);
            NotYet::AskAgain(None)
        })?;
        call::answered(&response);
        let status = response.status();
        if status.is_success() {
            return read(response, MAX_ANSWER).await;
        }
        let (failure, typed) = refusal(call, response, false).await;
        // A failure with a type is the app's; one without comes from what stands before it, and passes.
        let passing =
            status == StatusCode::TOO_MANY_REQUESTS || (status.is_server_error() && !typed);
        if passing {
            Err(NotYet::AskAgain(failure.retry_after))
        } else {
            Err(NotYet::Over(failure))
        }
    }

    fn is_ours(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| url.origin() == self.base.origin())
    }
}

fn client(headers: HeaderMap) -> Result<reqwest::Client, FalClientError> {
    let keyed = !headers.is_empty();
    let redirects = if keyed {
        reqwest::redirect::Policy::none()
    } else {
        reqwest::redirect::Policy::limited(5)
    };
    reqwest::Client::builder()
        .default_headers(headers)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(redirects)
        // A POST that was repeated below us would be a second picture.
        .retry(reqwest::retry::never())
        .build()
        .map_err(FalClientError::Http)
}

/// Sorts a refusal and logs it without fal's words. Also answers whether fal gave it a type.
async fn refusal(call: &'static str, response: Response, of_app: bool) -> (Failure, bool) {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let body = read(response, MAX_ANSWER).await.unwrap_or_default();
    let body = serde_json::from_slice::<Value>(&body).ok();
    let answer = Answer {
        status,
        error_type: header("x-fal-error-type"),
        retryable: header("x-fal-retryable"),
        retry_after: header("retry-after"),
        body: body.as_ref(),
    };
    let failure = classify(&answer, of_app);
    let types = answer.types();
    match failure.class {
        Class::Misconfigured => {
            tracing::error!(
                call,
                status,
                ?types,
                "fal refuses us: check FAL_KEY, the account and FAL_MODELS_FILE"
            );
        }
        Class::ContentRejected | Class::BadInput | Class::Retry => {
            tracing::warn!(
                call,
                status,
                ?types,
                class = failure.class.name(),
                "fal refused a call"
            );
        }
    }
    (failure, !types.is_empty())
}

async fn read(mut response: Response, limit: usize) -> Result<Bytes, NotYet> {
    let mut body = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= limit => body.extend_from_slice(&chunk),
            Ok(Some(_)) => {
                tracing::error!(limit, "fal answered more than is taken");
                return Err(NotYet::Over(Failure::new(Class::Retry)));
            }
            Ok(None) => return Ok(body.freeze()),
            Err(error) => {
                log_transport("read", &error);
                return Err(NotYet::AskAgain(None));
            }
        }
    }
}

/// Without the URL: a result's names a user's picture.
fn log_transport(call: &'static str, error: &reqwest::Error) {
    tracing::warn!(
        call,
        timeout = error.is_timeout(),
        connect = error.is_connect(),
        "fal did not answer"
    );
}
