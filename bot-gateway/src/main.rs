//! bot-gateway: the Telegram side of Kopilka. `--help` is the manual.

use bot_gateway::{config::Config, server};
use clap::Parser;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let checked = Config::parse().check()?;
    let metrics = service_kit::telemetry::init(checked.config.log_format)?;
    let shutdown = service_kit::shutdown::on_signal();
    let listeners = server::Listeners::bind(&checked.config).await?;
    server::run(checked, listeners, metrics, shutdown).await
}
