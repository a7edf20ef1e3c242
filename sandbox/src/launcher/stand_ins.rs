//! `sandbox stand-ins`: Telegram, fal.ai and YooKassa stand in for services that run elsewhere.
//!
//! The services' calls and a person's browser reach the stand-ins by names of their own (a Service of Kubernetes, a
//! forwarded port), so what the stand-ins say about themselves is a setting, not the address that they listen on.

use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Config, bind, bind_fal, bind_yookassa, open_telegram};
use crate::fal::FalStandIn;
use crate::page::{Page, Stage};
use crate::server::url_of;
use crate::system::Operator;
use crate::yookassa::{SHOP_ID, YookassaStandIn};

/// Who calls the stand-ins, and whom they call.
#[derive(Debug, Clone, Args)]
pub struct StandIns {
    /// How image-worker reaches the stand-in of fal.ai: its FAL_QUEUE_URL. Where it listens when absent.
    #[arg(long, env = "SANDBOX_FAL_URL", value_name = "URL", value_parser = origin)]
    fal_url: Option<String>,
    /// How a payer's browser reaches the checkout pages of the stand-in of YooKassa. Where it listens when absent.
    #[arg(long, env = "SANDBOX_YOOKASSA_URL", value_name = "URL", value_parser = origin)]
    yookassa_url: Option<String>,
    /// Where YooKassa's notifications go: bot-gateway's route for them.
    #[arg(
        long,
        env = "SANDBOX_NOTIFY_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080/payments/yookassa"
    )]
    notify_url: Url,
    /// billing-svc, for the panel beside the chat.
    #[arg(long, env = "BILLING_URL", value_name = "URL", default_value = "http://127.0.0.1:50051")]
    billing_url: String,
    /// An administrator's token for billing-svc.
    #[arg(long, env = "BILLING_TOKEN", hide_env_values = true)]
    billing_token: SecretString,
}

/// Runs the stand-ins and the page until `shutdown`.
///
/// # Errors
/// A port is taken, the data can't be read or written, a stand-in listens everywhere and has no name.
pub(super) async fn run(
    config: Config,
    settings: StandIns,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let page_listener = bind(config.listen, "the chat page", "SANDBOX_LISTEN").await?;
    let telegram = open_telegram(&config).await?;
    let fal_listener = bind_fal(&config).await?;
    let fal_url = name_of(&fal_listener, settings.fal_url, "SANDBOX_FAL_URL")?;
    let fal = Arc::new(FalStandIn::known_as(fal_listener, fal_url));
    fal.set_pace(config.fal_pace);
    let shop_listener = bind_yookassa(&config).await?;
    let shop_url = name_of(&shop_listener, settings.yookassa_url, "SANDBOX_YOOKASSA_URL")?;
    let folder = config.data.join("yookassa");
    let yookassa = Arc::new(YookassaStandIn::known_as(shop_listener, shop_url, &folder)?);
    yookassa.notify_at(settings.notify_url.to_string());
    let operator = Operator::new(&settings.billing_url, settings.billing_token)
        .context("BILLING_URL or BILLING_TOKEN")?;
    let stage = Stage {
        telegram: Some(telegram.clone()),
        fal: Some(fal.clone()),
        yookassa: Some(yookassa.clone()),
        operator,
    };
    let page = Page::start(page_listener, stage);
    println!("The stand-ins run. The chat page: {}", page.url());
    // None of these is a secret: they open nothing but the stand-ins.
    println!("  TELEGRAM_BOT_TOKEN={}", telegram.token().expose_secret());
    println!("  FAL_KEY={}", fal.key().expose_secret());
    println!("  YOOKASSA_SHOP_ID={SHOP_ID}");
    println!("  YOOKASSA_SECRET_KEY={}", yookassa.secret_key().expose_secret());

    shutdown.cancelled().await;
    telegram.flush()?;
    yookassa.flush()?;
    println!("The stand-ins stopped. Their state is kept in {}.", config.data.display());
    Ok(())
}

/// What a stand-in calls itself: the name that it was given, else the address that it listens on.
fn name_of(
    listener: &TcpListener,
    given: Option<String>,
    variable: &str,
) -> anyhow::Result<String> {
    match given {
        Some(name) => Ok(name),
        None if listener.local_addr()?.ip().is_unspecified() => {
            bail!("it listens on every address, so {variable} has to say which one callers use")
        }
        None => Ok(url_of(listener)),
    }
}

/// `http://host:port` of a URL, without a slash.
fn origin(text: &str) -> Result<String, &'static str> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let bare = url.filter(|url| url.path() == "/" && url.query().is_none());
    let bare = bare.ok_or("a web address without a path, like http://stand-ins:8092")?;
    Ok(bare.origin().ascii_serialization())
}
