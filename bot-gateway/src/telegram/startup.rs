//! What Telegram is told when the gateway starts.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Api, ApiError};
use crate::bot;

/// The updates that the gateway understands; Telegram keeps all others to itself.
pub const ALLOWED_UPDATES: [&str; 4] =
    ["message", "callback_query", "my_chat_member", "pre_checkout_query"];

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How updates come in.
#[derive(Clone, Debug)]
pub enum Intake {
    /// The gateway asks.
    Polling,
    /// Telegram calls.
    Webhook {
        /// Where.
        url: Url,
        /// What proves that it is Telegram.
        secret: SecretString,
    },
}

/// Why the gateway can't serve this bot.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Telegram doesn't know the token.
    #[error("TELEGRAM_BOT_TOKEN is not valid: Telegram does not know it")]
    BadToken,
    /// The token's first part names another bot than Telegram does.
    #[error("TELEGRAM_BOT_TOKEN names the bot {expected}, Telegram says {actual}")]
    OtherBot {
        /// The token's.
        expected: u64,
        /// Telegram's.
        actual: u64,
    },
    /// Telegram refused what it was told.
    #[error("{method}: {error}")]
    Refused {
        /// The call.
        method: &'static str,
        /// What Telegram said.
        error: ApiError,
    },
}

#[derive(Deserialize)]
struct Me {
    id: u64,
}

/// Checks the token, sets the way in and the command menus. Tries again for as long as Telegram can't be reached;
/// `None`: `shutdown` came first.
pub async fn start(
    api: &Api,
    bot_id: u64,
    intake: &Intake,
    shutdown: &CancellationToken,
) -> Result<Option<()>, StartError> {
    let Some(me) = persist(api, "getMe", json!({}), shutdown).await? else { return Ok(None) };
    let actual = serde_json::from_value::<Me>(me).map(|me| me.id).unwrap_or_default();
    if actual != bot_id {
        return Err(StartError::OtherBot { expected: bot_id, actual });
    }
    let (method, body) = match intake {
        Intake::Polling => ("deleteWebhook", json!({ "drop_pending_updates": false })),
        Intake::Webhook { url, secret } => (
            "setWebhook",
            json!({
                "url": url.as_str(),
                "secret_token": secret.expose_secret(),
                "allowed_updates": ALLOWED_UPDATES,
                "drop_pending_updates": false,
            }),
        ),
    };
    if persist(api, method, body, shutdown).await?.is_none() {
        return Ok(None);
    }
    for (language, commands) in bot::menus() {
        let mut body = json!({ "commands": commands });
        if let Some(language) = language {
            body["language_code"] = json!(language);
        }
        // A menu that was not set is no reason not to serve.
        if let Err(error) = api.call::<Value>("setMyCommands", &body).await {
            tracing::warn!(%error, language, "the command menu was not set");
        }
    }
    Ok(Some(()))
}

async fn persist(
    api: &Api,
    method: &'static str,
    body: Value,
    shutdown: &CancellationToken,
) -> Result<Option<Value>, StartError> {
    let mut pause = FIRST_PAUSE;
    loop {
        let answer = tokio::select! {
            answer = api.call::<Value>(method, &body) => answer,
            () = shutdown.cancelled() => return Ok(None),
        };
        let wait = match answer {
            Ok(result) => return Ok(Some(result)),
            Err(error) if error.is_bad_token() => return Err(StartError::BadToken),
            Err(ApiError::Refused { retry_after: Some(wait), .. }) => wait,
            Err(error @ ApiError::Refused { .. }) => {
                return Err(StartError::Refused { method, error });
            }
            Err(error @ (ApiError::Unavailable(_) | ApiError::Client)) => {
                tracing::warn!(%error, method, ?pause, "telegram can't be reached, trying again");
                pause
            }
        };
        pause = (pause * 2).min(LONGEST_PAUSE);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shutdown.cancelled() => return Ok(None),
        }
    }
}
