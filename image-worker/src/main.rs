//! The program; `image-worker --help` is its manual.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use image_worker::{Config, Listeners};
use service_kit::shutdown;
use service_kit::telemetry::{self, Program};

const PROGRAM: Program =
    Program { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };

#[tokio::main]
async fn main() -> ExitCode {
    match run(Config::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("image-worker: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Config) -> Result<()> {
    config.check()?;
    let telemetry = telemetry::init(PROGRAM, config.log_format, &config.traces)?;
    let served = serve(config).await;
    telemetry.end().await;
    served
}

async fn serve(config: Config) -> Result<()> {
    let shutdown = shutdown::on_signal();
    let listeners = Listeners::bind(&config).await?;
    image_worker::run(config, listeners, shutdown).await
}
