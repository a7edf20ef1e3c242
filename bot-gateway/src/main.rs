//! bot-gateway: the Telegram side of Kopilka. `--help` is the manual.

use bot_gateway::{config::Config, server};
use clap::Parser;
use metrics_exporter_prometheus::PrometheusHandle;
use service_kit::{
    shutdown,
    telemetry::{self, Program},
};

const PROGRAM: Program =
    Program { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::parse();
    let telemetry = telemetry::init(PROGRAM, config.log_format, &config.traces)?;
    let served = serve(config, telemetry.metrics()).await;
    telemetry.end().await;
    served
}

async fn serve(config: Config, metrics: PrometheusHandle) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal();
    // After the log was opened: what is open to others is said there.
    let checked = config.check()?;
    let listeners = server::Listeners::bind(&checked.config).await?;
    server::run(checked, listeners, metrics, shutdown).await
}
