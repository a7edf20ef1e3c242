//! Everything that can be set, from the environment. The doc comments are the manual (`--help`).

mod peers;
mod tls;

use std::{net::SocketAddr, num::NonZeroUsize, path::PathBuf};

use clap::Parser;
use migrations::MigrateMode;
use proto::client::VariableError;
use secrecy::{ExposeSecret, SecretString};
use service_kit::{
    auth::{Access, AccessError, AccessFiles},
    telemetry::{LogFormat, TraceOptions},
};
use url::Url;

use crate::{inbox::webhook, telegram::Intake};
pub use peers::{Peers, PeersConfig};
pub use tls::TlsConfig;

/// The most updates that may be handled at once.
const MAX_CONCURRENCY: usize = 1024;

/// The Telegram bot of Kopilka: takes updates, charges users, hands jobs over, delivers their pictures.
///
/// Logs go to standard error; RUST_LOG (default: info) says which.
#[derive(Parser, Debug, Clone)]
#[command(version, about, long_about)]
pub struct Config {
    /// Where gRPC (delivery of results) is served. Without GATEWAY_AUTH_FILE: loopback only.
    #[arg(long, env = "GATEWAY_LISTEN", default_value = "127.0.0.1:50052")]
    pub listen: SocketAddr,
    /// Where `/metrics`, `/healthz`, `/readyz` and webhooks (Telegram's, `/payments/yookassa`) are served.
    #[arg(long, env = "GATEWAY_HTTP_LISTEN", default_value = "127.0.0.1:8080")]
    pub http_listen: SocketAddr,
    /// The gateway's own database: `sqlite://<file>?mode=rwc` or
    /// `postgres://<user>:<password>@<host>/<database>`.
    #[arg(
        long,
        env = "GATEWAY_DATABASE_URL",
        default_value = "sqlite://data/gateway.db?mode=rwc",
        hide_env_values = true
    )]
    pub database_url: SecretString,
    /// What to do when the schema is older than this program; default: auto for SQLite, check for PostgreSQL.
    #[arg(long, env = "GATEWAY_MIGRATE")]
    pub migrate: Option<MigrateMode>,
    /// TOML file of the callers that may deliver results: `[[caller]]` with name, role, and token_sha256 (or a list of them,
    /// while a token is replaced), san (a DNS name or URI in the client's certificate), or both: then both are needed.
    #[arg(long, env = "GATEWAY_AUTH_FILE")]
    pub auth_file: Option<PathBuf>,
    /// Certificates of the gRPC port.
    #[command(flatten)]
    pub tls: TlsConfig,
    /// How many updates are handled at once, 1 to 1024.
    #[arg(long, env = "GATEWAY_CONCURRENCY", default_value = "32")]
    pub concurrency: NonZeroUsize,
    /// The services that are called.
    #[command(flatten)]
    pub peers: PeersConfig,
    /// The bot's token, as BotFather gave it: `<bot id>:<secret>`.
    #[arg(long, env = "TELEGRAM_BOT_TOKEN", hide_env_values = true)]
    pub telegram_bot_token: SecretString,
    /// The Bot API.
    #[arg(long, env = "TELEGRAM_API_URL", default_value = "https://api.telegram.org")]
    pub telegram_api_url: Url,
    /// Where Telegram reaches this gateway; without a path, `/telegram/webhook` is added. Absent: long polling.
    #[arg(long, env = "TELEGRAM_WEBHOOK_URL")]
    pub telegram_webhook_url: Option<Url>,
    /// What proves that a webhook call is Telegram's: 1 to 256 of A-Z, a-z, 0-9, _ and -. Required with a webhook.
    #[arg(long, env = "TELEGRAM_WEBHOOK_SECRET", hide_env_values = true)]
    pub telegram_webhook_secret: Option<SecretString>,
    /// How people reach the support, e.g. `@name` or an e-mail address: /paysupport and refusals say it.
    #[arg(long, env = "GATEWAY_SUPPORT_CONTACT")]
    pub support_contact: Option<String>,
    /// Where the terms of use are: /terms links to it. Absent: a short text.
    #[arg(long, env = "GATEWAY_TERMS_URL")]
    pub terms_url: Option<Url>,
    /// How many proxies of ours stand between YooKassa and this gateway, 0 to 8: each appends whom it was called by to
    /// `X-Forwarded-For`, and billing-svc may check the sender's address. 0: the address of the connection.
    #[arg(long, env = "GATEWAY_PROXY_HOPS", default_value = "0", value_parser = clap::value_parser!(u8).range(0..=8))]
    pub proxy_hops: u8,
    /// How logs are written.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,

    /// Where traces are sent.
    #[command(flatten)]
    pub traces: TraceOptions,
}

/// A value that can't be. Shows no secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not `<digits>:<secret>`.
    #[error("TELEGRAM_BOT_TOKEN: not a bot's token (<bot id>:<secret>)")]
    BotToken,
    /// A webhook without a secret takes updates from anybody.
    #[error("TELEGRAM_WEBHOOK_SECRET: required when TELEGRAM_WEBHOOK_URL is set")]
    NoWebhookSecret,
    /// Telegram would not take it.
    #[error("TELEGRAM_WEBHOOK_SECRET: 1 to 256 characters of A-Z, a-z, 0-9, _ and -")]
    WebhookSecret,
    /// Something else than HTTP.
    #[error("{0}: an http:// or https:// URL")]
    Url(&'static str),
    /// Too many at once.
    #[error("GATEWAY_CONCURRENCY: 1 to {MAX_CONCURRENCY}")]
    Concurrency,
    /// Who may connect and call: a file can't be used, or it is open to everybody.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Another service can't be called like this.
    #[error(transparent)]
    Peer(#[from] VariableError),
}

/// What a [`Config`] means, once every value was found to be possible.
#[derive(Debug, Clone)]
pub struct Checked {
    /// As it was given.
    pub config: Config,
    /// Who may connect and call.
    pub access: Access,
    /// Whom to call.
    pub peers: Peers,
    /// The part of the token before the colon.
    pub bot_id: u64,
    /// How updates come in.
    pub intake: Intake,
    /// What to do about an older schema.
    pub migrate: MigrateMode,
}

impl Config {
    /// Checks every value; nothing was opened or asked yet, save the files of access and those that are shown
    /// to other services.
    pub fn check(self) -> Result<Checked, ConfigError> {
        let http = |name, url: &Url| match url.scheme() {
            "http" | "https" if url.has_host() => Ok(()),
            _ => Err(ConfigError::Url(name)),
        };
        http("TELEGRAM_API_URL", &self.telegram_api_url)?;
        if let Some(terms) = &self.terms_url {
            http("GATEWAY_TERMS_URL", terms)?;
        }
        if self.concurrency.get() > MAX_CONCURRENCY {
            return Err(ConfigError::Concurrency);
        }
        let bot_id =
            bot_id(self.telegram_bot_token.expose_secret()).ok_or(ConfigError::BotToken)?;
        if self
            .telegram_webhook_secret
            .as_ref()
            .is_some_and(|secret| !is_webhook_secret(secret.expose_secret()))
        {
            return Err(ConfigError::WebhookSecret);
        }
        let intake = match (&self.telegram_webhook_url, &self.telegram_webhook_secret) {
            (None, _) => Intake::Polling,
            (Some(_), None) => return Err(ConfigError::NoWebhookSecret),
            (Some(url), Some(secret)) => {
                http("TELEGRAM_WEBHOOK_URL", url)?;
                let mut url = url.clone();
                if url.path() == "/" {
                    url.set_path(webhook::PATH);
                }
                Intake::Webhook { url, secret: secret.clone() }
            }
        };
        let files = AccessFiles { auth: self.auth_file.as_deref(), tls: self.tls.files() };
        let access = Access::load(files, self.listen)?;
        let peers = self.peers.check(self.tls.files())?;
        let by_default = MigrateMode::default_for(self.database_url.expose_secret());
        let migrate = self.migrate.unwrap_or(by_default);
        Ok(Checked { access, peers, bot_id, intake, migrate, config: self })
    }
}

fn bot_id(token: &str) -> Option<u64> {
    let (id, secret) = token.split_once(':')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let whole = !secret.is_empty()
        && secret.chars().all(plain)
        && id.bytes().all(|byte| byte.is_ascii_digit());
    whole.then(|| id.parse().ok()).flatten()
}

fn is_webhook_secret(secret: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=256).contains(&secret.len()) && secret.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "123456:AA-secret_1";

    fn check(args: &[&str]) -> Result<Checked, ConfigError> {
        let args = ["bot-gateway", "--telegram-bot-token"].iter().chain([&TOKEN]).chain(args);
        Config::try_parse_from(args).unwrap().check()
    }

    #[test]
    fn the_defaults_are_those_of_the_manual() {
        let checked = check(&[]).unwrap();
        assert_eq!(checked.bot_id, 123_456);
        assert_eq!(checked.config.listen.to_string(), "127.0.0.1:50052");
        assert_eq!(checked.config.http_listen.to_string(), "127.0.0.1:8080");
        assert_eq!(checked.migrate, MigrateMode::Auto);
        assert!(matches!(checked.intake, Intake::Polling));
    }

    #[test]
    fn a_webhook_needs_a_secret_that_telegram_takes() {
        let url = ["--telegram-webhook-url", "https://bot.example"];
        assert!(matches!(check(&url), Err(ConfigError::NoWebhookSecret)));
        let long = "x".repeat(257);
        for secret in ["", "with space", "ключ", long.as_str()] {
            let args = [url[0], url[1], "--telegram-webhook-secret", secret];
            assert!(matches!(check(&args), Err(ConfigError::WebhookSecret)), "{secret:?}");
        }
        let checked = check(&[url[0], url[1], "--telegram-webhook-secret", "s-1_A"]).unwrap();
        let Intake::Webhook { url, .. } = checked.intake else { panic!("no webhook") };
        assert_eq!(url.as_str(), "https://bot.example/telegram/webhook");
    }

    #[test]
    fn a_token_has_the_bots_id() {
        for token in ["", "123", "abc:def", "123:", "-1:x", "123:a b", "99999999999999999999999:x"]
        {
            assert_eq!(bot_id(token), None, "{token:?}");
        }
        assert_eq!(bot_id("7000000001:AAx"), Some(7_000_000_001));
    }

    #[test]
    fn secrets_do_not_show() {
        let checked =
            check(&["--telegram-webhook-secret", "hidden", "--billing-token", "hidden"]).unwrap();
        let shown = format!("{checked:?}");
        assert!(!shown.contains("hidden") && !shown.contains("AA-secret_1"), "{shown}");
    }

    #[test]
    fn a_database_password_does_not_show() {
        let checked = check(&["--database-url", "postgres://u:hidden@localhost/gateway"]).unwrap();
        assert!(!format!("{checked:?}").contains("hidden"));
        assert_eq!(checked.migrate, MigrateMode::Check);
    }

    #[test]
    fn a_service_to_call_has_urls_one_token_and_a_ca_for_https() {
        let refused = |args: &[&str]| match check(args) {
            Err(ConfigError::Peer(error)) => error.variable,
            other => panic!("{other:?}"),
        };
        let checked = check(&["--billing-url", "http://a:1,http://b:2"]).unwrap();
        assert_eq!(checked.peers.billing.url, "http://a:1,http://b:2");
        assert_eq!(refused(&["--billing-url", "http://a:1,b:2"]), "BILLING_URL");
        assert_eq!(refused(&["--worker-url", "https://worker:1"]), "WORKER_URL");
        let two = ["--worker-token", "t", "--worker-token-file", "/nowhere"];
        assert_eq!(refused(&two), "WORKER_TOKEN_FILE");
        assert_eq!(refused(&["--billing-token-file", "/nowhere"]), "BILLING_TOKEN_FILE");
    }

    #[test]
    fn half_of_tls_is_refused_by_name() {
        let said = check(&["--tls-key", "/nowhere"]).unwrap_err().to_string();
        assert!(said.starts_with("GATEWAY_TLS_CERT and GATEWAY_TLS_KEY"), "{said}");
    }

    #[test]
    fn only_loopback_without_callers() {
        assert!(matches!(
            check(&["--listen", "0.0.0.0:50052"]),
            Err(ConfigError::Access(AccessError::Open { .. }))
        ));
    }
}
