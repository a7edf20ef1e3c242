//! Logs and metrics of a process.

use std::{io, sync::Mutex, time::Duration};

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, filter::ParseError, util::TryInitError};
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

/// Upper bounds of every histogram's buckets. All our histograms are in seconds.
const BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];
/// How often samples are folded into buckets when nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// How logs are written, to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why logs or metrics can't be had.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `RUST_LOG` makes no sense.
    #[error("RUST_LOG: {0}")]
    Filter(#[from] ParseError),
    /// Logs are already written by another subscriber.
    #[error("logging: {0}")]
    Subscriber(#[from] TryInitError),
    /// Metrics are already taken by another recorder.
    #[error("metrics: {0}")]
    Recorder(#[from] BuildError),
}

/// Starts logging (`RUST_LOG`, or `info`) and the metrics of this process. Once, in `main`, within the runtime.
pub fn init(format: LogFormat) -> Result<PrometheusHandle, TelemetryError> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) => EnvFilter::try_new(text)?,
        Err(_) => EnvFilter::new("info"),
    };
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    match format {
        LogFormat::Text => registry.with(lines).try_init()?,
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init()?,
    }
    metrics()
}

/// The metrics of this process; recording starts at the first call, which must be within the runtime. For tests, which may run
/// several services in one process.
pub fn metrics() -> Result<PrometheusHandle, TelemetryError> {
    static HANDLE: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut handle = HANDLE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(handle) = &*handle {
        return Ok(handle.clone());
    }
    let new = PrometheusBuilder::new().set_buckets(&BUCKETS)?.install_recorder()?;
    *handle = Some(new.clone());
    let upkeep = new.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
        }
    });
    Ok(new)
}
