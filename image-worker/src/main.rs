//! The program; `image-worker --help` is its manual.

use anyhow::Result;
use clap::Parser;
use image_worker::{Config, Listeners};

#[tokio::main]
async fn main() -> Result<()> {
    let config = Config::parse();
    service_kit::telemetry::init(config.log_format)?;
    config.check()?;
    let shutdown = service_kit::shutdown::on_signal();
    let listeners = Listeners::bind(&config).await?;
    image_worker::run(config, listeners, shutdown).await
}
