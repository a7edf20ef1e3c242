//! Everything that leaves for Telegram, and photos that come from there. Errors never hold the token or a URL
//! that has it.
//!
//! Two clients, on purpose: the conversation and the delivery send through teloxide ([`send`]); the inbox and the
//! start-up use [`Api`], because an update must be kept as raw JSON (teloxide's types lose what they don't know).

mod api;
mod files;
pub mod send;
mod startup;

pub use api::{Api, ApiError};
pub use files::{Files, FilesError, Photo};
pub use startup::{ALLOWED_UPDATES, Intake, StartError, start};

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// A teloxide bot whose requests end after `timeout`, uploads included.
pub fn bot(
    api_url: &Url,
    token: &SecretString,
    timeout: Duration,
) -> Result<teloxide::Bot, ApiError> {
    let client = teloxide::net::default_reqwest_settings().timeout(timeout).build();
    let client = client.map_err(|_| ApiError::Client)?;
    Ok(teloxide::Bot::with_client(token.expose_secret(), client).set_api_url(api_url.clone()))
}
