//! `POST /telegram/webhook`: Telegram hands an update over.
//!
//! | answer | when |
//! |---|---|
//! | 200 | the update is durable, or was before |
//! | 400 | the body is no update |
//! | 401 | the secret is wrong or missing; the body is not read |
//! | 413 | the body is larger than 1 MB |
//! | 503 | the database did not take it: Telegram tries again |

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, Request, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use secrecy::{ExposeSecret, SecretString};
use service_kit::queue::Enqueued;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Inbox, update::RawUpdate};
use crate::metrics;

/// The path of the route.
pub const PATH: &str = "/telegram/webhook";

const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";
/// Far above any update.
const MAX_BODY_BYTES: usize = 1 << 20;

#[derive(Clone)]
struct Webhook {
    inbox: Inbox,
    secret_digest: [u8; 32],
}

/// The route.
pub fn router(inbox: Inbox, secret: &SecretString) -> Router {
    let secret_digest = Sha256::digest(secret.expose_secret()).into();
    Router::new()
        .route(PATH, post(receive))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(Webhook { inbox, secret_digest })
}

async fn receive(State(webhook): State<Webhook>, request: Request) -> StatusCode {
    let status = take(&webhook, request).await;
    if status != StatusCode::OK {
        metrics::webhook_refused(status.as_u16());
    }
    status
}

async fn take(webhook: &Webhook, request: Request) -> StatusCode {
    if !webhook.knows(request.headers()) {
        return StatusCode::UNAUTHORIZED;
    }
    let bytes = match Bytes::from_request(request, &()).await {
        Ok(bytes) => bytes,
        Err(rejection) => return rejection.status(),
    };
    let Some(update) = serde_json::from_slice(&bytes).ok().and_then(RawUpdate::parse) else {
        tracing::warn!(bytes = bytes.len(), "the webhook got something that is no update");
        return StatusCode::BAD_REQUEST;
    };
    let id = update.id;
    match webhook.inbox.store(update, "webhook").await {
        Ok(stored) => {
            metrics::update_stored("webhook", matches!(stored, Enqueued::New));
            StatusCode::OK
        }
        Err(error) => {
            tracing::error!(%error, update_id = id, "an update could not be stored");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

impl Webhook {
    /// In constant time; digests, so that the length shows nothing either.
    fn knows(&self, headers: &HeaderMap) -> bool {
        let Some(given) = headers.get(SECRET_HEADER) else { return false };
        let digest: [u8; 32] = Sha256::digest(given.as_bytes()).into();
        digest.ct_eq(&self.secret_digest).into()
    }
}
