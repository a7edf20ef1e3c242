//! Logs, traces and metrics of a process.
//!
//! A span of ours is part of a trace, and whatever is logged inside it carries the trace's id. Traces are sent where
//! [`TraceOptions`] say; without that they exist all the same, so that the lines of one piece of work can be found in the logs
//! of all services. `RUST_LOG` chooses lines, not spans: with `RUST_LOG=warn` traces are whole.

mod buckets;
mod context;
mod export;
mod lines;
#[cfg(test)]
pub(crate) mod tests;

use std::{
    env,
    io::{self, IsTerminal},
    panic::{self, PanicHookInfo},
    sync::Mutex,
    time::Duration,
};

use metrics_exporter_prometheus::{BuildError, PrometheusHandle};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::{propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterFn, ParseError},
    fmt::{
        self, MakeWriter,
        format::{Format, JsonFields},
    },
    layer::SubscriberExt,
    registry::LookupSpan,
    util::{SubscriberInitExt, TryInitError},
};

pub(crate) use context::adopt_headers;
pub use context::{adopt, trace_context};
pub use export::{BadEndpoint, TraceOptions};

/// How often samples are folded into buckets when nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);
/// How long the last spans may take to reach the collector when the process ends.
const FLUSH: Duration = Duration::from_secs(3);

/// How logs are written, to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The program, as its traces name it.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// Its crate's name: `billing-svc`.
    pub name: &'static str,
    /// Its crate's version.
    pub version: &'static str,
}

/// Why logs, traces or metrics can't be had.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `RUST_LOG` makes no sense.
    #[error("RUST_LOG: {0}")]
    Filter(#[from] ParseError),
    /// Traces can't be sent there.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// Logs are already written by another subscriber.
    #[error("logging: {0}")]
    Subscriber(#[from] TryInitError),
    /// Metrics are already taken by another recorder.
    #[error("metrics: {0}")]
    Recorder(#[from] BuildError),
}

/// The telemetry of this process. [`end`](Self::end) it last.
#[derive(Debug)]
#[must_use = "the last spans are sent by `end`"]
pub struct Telemetry {
    metrics: PrometheusHandle,
    traces: SdkTracerProvider,
}

impl Telemetry {
    /// The metrics of this process.
    pub fn metrics(&self) -> PrometheusHandle {
        self.metrics.clone()
    }

    /// Sends the spans that are left, for a few seconds at most; those that can't be sent by then are lost.
    pub async fn end(self) {
        // It blocks, and needs the runtime to get anything sent.
        let flushed = tokio::task::spawn_blocking(move || self.traces.shutdown_with_timeout(FLUSH));
        match flushed.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans could not be sent"),
            Err(error) => tracing::error!(%error, "the last spans could not be sent"),
        }
    }
}

/// Starts logging (`RUST_LOG`, or `info`), traces and the metrics of this process. Once, in `main`, within the runtime.
///
/// # Errors
/// `RUST_LOG` or the endpoint make no sense, or this process has telemetry already.
pub fn init(
    program: Program,
    format: LogFormat,
    options: &TraceOptions,
) -> Result<Telemetry, TelemetryError> {
    let filter = match env::var("RUST_LOG") {
        Ok(text) => EnvFilter::try_new(text)?,
        Err(_) => EnvFilter::new("info"),
    };
    let traces = export::provider(program, options)?;
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let registry = tracing_subscriber::registry().with(spans(&traces, program));
    match format {
        LogFormat::Text => {
            let ansi = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none();
            registry.with(text(io::stderr, ansi).with_filter(filter)).try_init()?;
        }
        LogFormat::Json => registry.with(json(io::stderr).with_filter(filter)).try_init()?,
    }
    panic::set_hook(Box::new(log_panic));
    let metrics = metrics()?;
    metrics::gauge!("kopilka_build_info", "version" => program.version).set(1.0);
    Ok(Telemetry { metrics, traces })
}

/// A panic is a line like any other, in the trace that it belongs to.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let why = panic.payload_as_str().unwrap_or("of unknown cause");
    tracing::error!("panicked at {place}: {why}");
}

/// Makes a trace's spans of ours.
fn spans<S>(traces: &SdkTracerProvider, program: Program) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_opentelemetry::layer()
        .with_tracer(traces.tracer("kopilka"))
        // Where in the code a span begins, in which thread, and how long it was polled, helps nobody who reads a trace; the last
        // would ask the clock twice for each poll.
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(of_ours(program))
}

/// Writes lines for people.
fn text<S, W>(to: W, ansi: bool) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fmt::layer()
        .with_writer(to)
        .with_ansi(ansi)
        .fmt_fields(lines::PlainFields)
        .event_format(lines::TextLines(Format::default().with_ansi(ansi)))
}

/// Writes lines for programs.
fn json<S, W>(to: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fmt::layer()
        .with_writer(to)
        .fmt_fields(JsonFields::new())
        .event_format(lines::JsonLines(Format::default().json().flatten_event(true)))
}

/// Spans of our own code, whatever is logged; none of the libraries', and no log lines: these stay in the log.
fn of_ours(program: Program) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    let ours = ["service_kit".to_owned(), "proto".to_owned(), program.name.replace('-', "_")];
    let is_ours = move |target: &str| {
        let root = target.split("::").next().unwrap_or(target);
        ours.iter().any(|name| name == root)
    };
    let finest = Level::INFO;
    FilterFn::new(move |metadata: &Metadata<'_>| {
        metadata.is_span() && *metadata.level() <= finest && is_ours(metadata.target())
    })
    .with_max_level_hint(finest)
}

/// The metrics of this process; recording starts at the first call, which must be within the runtime. For tests, which may run
/// several services in one process.
pub fn metrics() -> Result<PrometheusHandle, TelemetryError> {
    static HANDLE: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut handle = HANDLE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(handle) = &*handle {
        return Ok(handle.clone());
    }
    let new = buckets::builder()?.install_recorder()?;
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
