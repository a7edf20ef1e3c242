//! `make run`: stand-ins, the three services, the page; and a watch over them until Ctrl-C.
//!
//! Order: everything that needs a port is checked, then the stand-ins and the page serve, then the services start and
//! are waited for. A service that ends by itself is started again. At the end the gateway stops first, so that nothing
//! new is taken, then the worker, then billing. A killed sandbox leaves no service behind.
//!
//! `sandbox stand-ins` is the same without the services: they run elsewhere.

mod config;
mod stand_ins;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

pub use config::{Command, Config};
pub use stand_ins::StandIns;

use crate::fal::FalStandIn;
use crate::page::{Page, Stage};
use crate::system::{ADMIN_TOKEN, Outside, Processes, shop_at};
use crate::telegram::TelegramStandIn;
use crate::yookassa::YookassaStandIn;

/// Who chats when nobody has yet; real ids exceed 32 bits.
const FIRST_USERS: [(i64, &str, &str); 3] = [
    (5_000_000_001, "Первый", "ru"),
    (5_000_000_002, "Второй", "ru"),
    (5_000_000_003, "Guest", "en"),
];
/// How soon it is seen that a service has ended.
const WATCH_EVERY: Duration = Duration::from_millis(300);
/// The pause before a service that ended is started again, so that one that can't start doesn't spin.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// Runs what the configuration asks for until `shutdown`.
///
/// # Errors
/// A port is taken, a program is missing, the data can't be read or written, a service doesn't become ready.
pub async fn run(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    match config.command.clone() {
        None => everything(config, shutdown).await,
        Some(Command::StandIns(settings)) => stand_ins::run(config, settings, shutdown).await,
    }
}

async fn everything(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    println!("Kopilka: starting…");
    let page_listener = bind(config.listen, "the chat page", "SANDBOX_LISTEN").await?;
    for (address, what, variable) in config.of_services() {
        drop(bind(address, what, variable).await?);
    }
    let telegram = telegram_stand_in(&config).await?;
    let fal = fal_stand_in(&config).await?;
    let yookassa = yookassa_stand_in(&config).await?;
    let mut outside = outside(&config, telegram.as_deref(), fal.as_deref())?;
    outside.yookassa = yookassa.as_deref().map(shop_at);
    let (folder, mut settings) = (config.data.clone(), Config::settings());
    if telegram.is_some() && config.listen.ip().is_loopback() {
        // From the checkout page back to the chat.
        let chat = format!("http://{}/", config.listen);
        settings.entry("YOOKASSA_RETURN_URL".to_owned()).or_insert(chat);
    }
    let mut processes = Processes::new(folder, config.addresses(), outside, settings, true)?;
    let operator = processes.operator().clone();
    let stage = Stage { telegram: telegram.clone(), fal, yookassa: yookassa.clone(), operator };
    let page = Page::start(page_listener, stage);
    let served = serve(&config, &mut processes, page.url(), &shutdown).await;

    println!("Kopilka: stopping…");
    let stopped = processes.stop_all().await;
    if let Some(telegram) = telegram {
        telegram.flush()?;
    }
    if let Some(yookassa) = yookassa {
        yookassa.flush()?;
    }
    served.and(stopped)?;
    println!("Kopilka: stopped. The state is kept in {}.", config.data.display());
    Ok(())
}

async fn serve(
    config: &Config,
    processes: &mut Processes,
    url: &str,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    tokio::select! {
        started = processes.start_all() => started?,
        () = shutdown.cancelled() => return Ok(()),
    }
    welcome(config, url);
    loop {
        tokio::select! {
            () = sleep(WATCH_EVERY) => {}
            () = shutdown.cancelled() => return Ok(()),
        }
        for (service, how) in processes.ended()? {
            eprintln!("Kopilka: {} ended ({how}); it is started again", service.program());
        }
        for service in processes.missing() {
            tokio::select! {
                () = sleep(RESTART_AFTER) => {}
                () = shutdown.cancelled() => return Ok(()),
            }
            tokio::select! {
                started = processes.start(service) => match started {
                    Ok(()) => eprintln!("Kopilka: {} is back", service.program()),
                    Err(error) => eprintln!("Kopilka: {error:#}"),
                },
                () = shutdown.cancelled() => return Ok(()),
            }
        }
    }
}

async fn telegram_stand_in(config: &Config) -> anyhow::Result<Option<Arc<TelegramStandIn>>> {
    if config.real_telegram().is_some() {
        println!(
            "Kopilka: TELEGRAM_BOT_TOKEN is set: the real Telegram is used, there is no chat on the page"
        );
        return Ok(None);
    }
    open_telegram(config).await.map(Some)
}

/// The stand-in of Telegram as it was left, or with the first users.
async fn open_telegram(config: &Config) -> anyhow::Result<Arc<TelegramStandIn>> {
    let listener =
        bind(config.telegram_listen, "the stand-in of Telegram", "SANDBOX_TELEGRAM_LISTEN").await?;
    let telegram = TelegramStandIn::open(listener, &config.data.join("telegram"))?;
    if telegram.users().is_empty() {
        for (id, name, language) in FIRST_USERS {
            telegram.user_named(id, name, language);
        }
    }
    Ok(Arc::new(telegram))
}

async fn fal_stand_in(config: &Config) -> anyhow::Result<Option<Arc<FalStandIn>>> {
    if config.real_fal().is_some() {
        println!("Kopilka: FAL_KEY is set: the real fal.ai is used, and costs real money");
        return Ok(None);
    }
    let listener = bind_fal(config).await?;
    let fal = FalStandIn::start(listener);
    fal.set_pace(config.fal_pace);
    Ok(Some(Arc::new(fal)))
}

async fn yookassa_stand_in(config: &Config) -> anyhow::Result<Option<Arc<YookassaStandIn>>> {
    if config.real_yookassa()? {
        println!("Kopilka: YOOKASSA_SHOP_ID is set: the real YooKassa is used, for real money");
        return Ok(None);
    }
    let listener = bind_yookassa(config).await?;
    let yookassa = YookassaStandIn::open(listener, &config.data.join("yookassa"))?;
    yookassa.notify_at(format!("http://{}/payments/yookassa", config.gateway_http_listen));
    Ok(Some(Arc::new(yookassa)))
}

fn outside(
    config: &Config,
    telegram: Option<&TelegramStandIn>,
    fal: Option<&FalStandIn>,
) -> anyhow::Result<Outside> {
    let telegram_token =
        telegram.map(TelegramStandIn::token).or_else(|| config.real_telegram().cloned());
    let fal_key = fal.map(FalStandIn::key).or_else(|| config.real_fal().cloned());
    Ok(Outside {
        telegram_url: telegram.map(TelegramStandIn::url),
        telegram_token: telegram_token.context("no Telegram")?,
        fal_url: fal.map(FalStandIn::url),
        fal_key: fal_key.context("no fal.ai")?,
        yookassa: None,
        bank_url: None,
    })
}

async fn bind_fal(config: &Config) -> anyhow::Result<TcpListener> {
    bind(config.fal_listen, "the stand-in of fal.ai", "SANDBOX_FAL_LISTEN").await
}

async fn bind_yookassa(config: &Config) -> anyhow::Result<TcpListener> {
    bind(config.yookassa_listen, "the stand-in of YooKassa", "SANDBOX_YOOKASSA_LISTEN").await
}

/// Takes a port, or says who needs it and how to choose another.
async fn bind(address: SocketAddr, what: &str, variable: &str) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
            "port {} is in use, and {what} needs it. Is another sandbox running? Stop it, or choose another port: \
             {variable}={}:PORT make run",
            address.port(),
            address.ip()
        ),
        Err(error) => Err(error).with_context(|| format!("{what} can't listen on {address}")),
    }
}

fn welcome(config: &Config, url: &str) {
    println!("\nKopilka is running.\n");
    if config.real_telegram().is_none() {
        println!("  Chat with the bot   {url}");
        println!("                      press «Запустить», then «Создать», and type what to draw");
    } else {
        println!("  Chat with the bot   in Telegram");
        println!("  A user's account    {url}/#<telegram id>");
    }
    println!("  Logs and state      {}", config.data.display());
    println!(
        "  gRPC                billing {}, worker {}",
        config.billing_listen, config.worker_listen
    );
    println!("  Bearer token        in {} (admin)", config.data.join(ADMIN_TOKEN).display());
    println!("\n  Ctrl-C stops everything; make clean-data forgets it.\n");
}
