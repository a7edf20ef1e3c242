//! The program; `image-worker --help` is its manual.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use image_worker::{Config, Listeners};

#[tokio::main]
async fn main() -> ExitCode {
    match serve(Config::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("image-worker: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(config: Config) -> Result<()> {
    config.check()?;
    service_kit::telemetry::init(config.log_format)?;
    let shutdown = service_kit::shutdown::on_signal();
    let listeners = Listeners::bind(&config).await?;
    image_worker::run(config, listeners, shutdown).await
}
