//! What `make run` can be told, by flags, by the environment, or in `.env`.

use std::collections::BTreeMap;
use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::{Parser, Subcommand};
use secrecy::{ExposeSecret, SecretString};

use super::stand_ins::StandIns;
use crate::system::{Addresses, Service};

/// Runs Kopilka on this machine: a chat with the bot in the browser, stand-ins of Telegram, fal.ai and YooKassa, and the
/// three services on SQLite.
///
/// Settings are read from the environment, then from `.env` in the current folder. Every setting of the services
/// (`billing-svc --help` and so on) works as well, but for who listens where and the tokens between them.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Config {
    /// What to run; everything when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where databases, pictures, chats and logs are kept.
    #[arg(long, global = true, env = "SANDBOX_DATA", default_value = "data")]
    pub data: PathBuf,
    /// The chat page.
    #[arg(long, global = true, env = "SANDBOX_LISTEN", default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
    /// The stand-in of Telegram.
    #[arg(long, global = true, env = "SANDBOX_TELEGRAM_LISTEN", default_value = "127.0.0.1:8091")]
    pub telegram_listen: SocketAddr,
    /// The stand-in of fal.ai.
    #[arg(long, global = true, env = "SANDBOX_FAL_LISTEN", default_value = "127.0.0.1:8092")]
    pub fal_listen: SocketAddr,
    /// The stand-in of YooKassa, with its checkout page.
    #[arg(long, global = true, env = "SANDBOX_YOOKASSA_LISTEN", default_value = "127.0.0.1:8093")]
    pub yookassa_listen: SocketAddr,
    /// How long the stand-in of fal.ai takes for a picture.
    #[arg(
        long,
        global = true,
        env = "SANDBOX_FAL_PACE",
        default_value = "3s",
        value_parser = humantime::parse_duration
    )]
    pub fal_pace: Duration,
    /// billing-svc, gRPC.
    #[arg(long, env = "BILLING_LISTEN", default_value = "127.0.0.1:50051")]
    pub billing_listen: SocketAddr,
    /// billing-svc, metrics and health.
    #[arg(long, env = "BILLING_HTTP_LISTEN", default_value = "127.0.0.1:9101")]
    pub billing_http_listen: SocketAddr,
    /// bot-gateway, gRPC.
    #[arg(long, env = "GATEWAY_LISTEN", default_value = "127.0.0.1:50052")]
    pub gateway_listen: SocketAddr,
    /// bot-gateway, metrics, health and webhooks.
    #[arg(long, env = "GATEWAY_HTTP_LISTEN", default_value = "127.0.0.1:8080")]
    pub gateway_http_listen: SocketAddr,
    /// image-worker, gRPC.
    #[arg(long, env = "WORKER_LISTEN", default_value = "127.0.0.1:50053")]
    pub worker_listen: SocketAddr,
    /// image-worker, metrics and health.
    #[arg(long, env = "WORKER_HTTP_LISTEN", default_value = "127.0.0.1:9103")]
    pub worker_http_listen: SocketAddr,
    /// A real bot's token, from @BotFather: the real Telegram is used, and there is no chat on the page.
    #[arg(long, env = "TELEGRAM_BOT_TOKEN", hide_env_values = true)]
    pub telegram_bot_token: Option<SecretString>,
    /// A real key of fal.ai: real pictures, which cost real money.
    #[arg(long, env = "FAL_KEY", hide_env_values = true)]
    pub fal_key: Option<SecretString>,
    /// A real shop at YooKassa, with its secret key: real payments. Its notifications have to reach the gateway at
    /// `/payments/yookassa`, else payments are found by asking only.
    #[arg(long, env = "YOOKASSA_SHOP_ID")]
    pub yookassa_shop_id: Option<String>,
    /// The secret key of that shop.
    #[arg(long, env = "YOOKASSA_SECRET_KEY", hide_env_values = true)]
    pub yookassa_secret_key: Option<SecretString>,
}

/// What else the program can do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Runs the stand-ins and the chat page only: the services run elsewhere, in a cluster for one.
    StandIns(StandIns),
}

impl Config {
    /// The real bot's token; an empty one in `.env` is none.
    pub(super) fn real_telegram(&self) -> Option<&SecretString> {
        filled(self.telegram_bot_token.as_ref())
    }

    /// The real key of fal.ai; an empty one in `.env` is none.
    pub(super) fn real_fal(&self) -> Option<&SecretString> {
        filled(self.fal_key.as_ref())
    }

    /// Is a real shop at YooKassa named? Empty settings in `.env` are none.
    ///
    /// # Errors
    /// Only one of the shop's number and its key is there.
    pub(super) fn real_yookassa(&self) -> anyhow::Result<bool> {
        let shop = self.yookassa_shop_id.as_ref().is_some_and(|shop| !shop.trim().is_empty());
        let key = filled(self.yookassa_secret_key.as_ref()).is_some();
        if shop != key {
            bail!("YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY belong together: set both, or neither");
        }
        Ok(shop)
    }

    pub(super) fn addresses(&self) -> BTreeMap<Service, Addresses> {
        let pair = |grpc, http| Addresses { grpc, http };
        BTreeMap::from([
            (Service::Billing, pair(self.billing_listen, self.billing_http_listen)),
            (Service::Gateway, pair(self.gateway_listen, self.gateway_http_listen)),
            (Service::Worker, pair(self.worker_listen, self.worker_http_listen)),
        ])
    }

    /// The addresses that the services will take, with what is behind each and how to move it.
    pub(super) fn of_services(&self) -> [(SocketAddr, &'static str, &'static str); 6] {
        [
            (self.billing_listen, "billing-svc", "BILLING_LISTEN"),
            (self.billing_http_listen, "billing-svc's health", "BILLING_HTTP_LISTEN"),
            (self.gateway_listen, "bot-gateway", "GATEWAY_LISTEN"),
            (self.gateway_http_listen, "bot-gateway's health and webhooks", "GATEWAY_HTTP_LISTEN"),
            (self.worker_listen, "image-worker", "WORKER_LISTEN"),
            (self.worker_http_listen, "image-worker's health", "WORKER_HTTP_LISTEN"),
        ]
    }

    /// Settings of the services that the surroundings hold; an empty one is none.
    pub(super) fn settings() -> BTreeMap<String, String> {
        let ours =
            ["BILLING_", "GATEWAY_", "WORKER_", "TELEGRAM_", "FAL_", "YOOKASSA_", "RUST_LOG"];
        env::vars()
            .filter(|(name, value)| {
                !value.is_empty() && ours.iter().any(|ours| name.starts_with(ours))
            })
            .collect()
    }
}

fn filled(secret: Option<&SecretString>) -> Option<&SecretString> {
    secret.filter(|secret| !secret.expose_secret().trim().is_empty())
}
