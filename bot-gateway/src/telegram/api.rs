//! The few calls of the Bot API that the inbox and the start-up need.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

/// For one call, the long poll included.
const TIMEOUT: Duration = Duration::from_secs(17);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Calls the Bot API. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    client: reqwest::Client,
    base: Url,
    token: SecretString,
}

/// Why a call failed. Holds no URL: it would show the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// Telegram refused.
    #[error("telegram refused ({code}): {description}")]
    Refused {
        /// Like an HTTP status.
        code: u16,
        /// Telegram's words.
        description: String,
        /// How long Telegram asks to wait.
        retry_after: Option<Duration>,
    },
    /// No connection, a timeout, a failing server, or an answer that is none.
    #[error("telegram did not answer: {0}")]
    Unavailable(String),
    /// No HTTP client can be made on this machine.
    #[error("no HTTP client can be made")]
    Client,
}

impl ApiError {
    /// The token is wrong: trying again is no use.
    pub fn is_bad_token(&self) -> bool {
        matches!(self, ApiError::Refused { code: 401 | 404, .. })
    }

    /// Another program polls for this bot, or a webhook is set.
    pub fn is_conflict(&self) -> bool {
        matches!(self, ApiError::Refused { code: 409, .. })
    }
}

#[derive(Deserialize)]
struct Envelope {
    ok: bool,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    error_code: u16,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
}

impl Api {
    /// For the bot of this token.
    pub fn new(base: Url, token: SecretString) -> Result<Self, ApiError> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // The token is in the path: it must not follow a redirect elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| ApiError::Client)?;
        Ok(Api { client, base, token })
    }

    /// Calls `method`.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        body: &impl Serialize,
    ) -> Result<T, ApiError> {
        let url = self.url(&[&format!("bot{}", self.token.expose_secret()), method])?;
        let response = self.client.post(url).json(body).send().await.map_err(unavailable)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(unavailable)?;
        let Ok(envelope) = serde_json::from_slice::<Envelope>(&bytes) else {
            return Err(ApiError::Unavailable(format!("HTTP {status} without JSON")));
        };
        if status.is_server_error() {
            return Err(ApiError::Unavailable(format!("HTTP {status}")));
        }
        if !envelope.ok {
            return Err(ApiError::Refused {
                code: envelope.error_code,
                description: envelope.description,
                retry_after: envelope.parameters.retry_after.map(Duration::from_secs),
            });
        }
        serde_json::from_value(envelope.result)
            .map_err(|_| ApiError::Unavailable(format!("an answer to {method} of another shape")))
    }

    /// Opens a file for download; `path` is what `getFile` answered.
    pub(super) async fn file(&self, path: &str) -> Result<reqwest::Response, ApiError> {
        let token = format!("bot{}", self.token.expose_secret());
        let segments: Vec<&str> = ["file", &token].into_iter().chain(path.split('/')).collect();
        let response = self.client.get(self.url(&segments)?).send().await.map_err(unavailable)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_client_error() {
            return Err(ApiError::Refused {
                code: status.as_u16(),
                description: "file".to_owned(),
                retry_after: None,
            });
        }
        Err(ApiError::Unavailable(format!("HTTP {status}")))
    }

    fn url(&self, segments: &[&str]) -> Result<Url, ApiError> {
        let mut url = self.base.clone();
        url.path_segments_mut().map_err(|()| ApiError::Client)?.pop_if_empty().extend(segments);
        Ok(url)
    }
}

/// What happened, without the URL that reqwest would show.
pub(super) fn unavailable(error: reqwest::Error) -> ApiError {
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    ApiError::Unavailable(what.to_owned())
}
