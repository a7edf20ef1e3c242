//! Sends finished spans to a collector, in batches, from a thread of its own.
//!
//! A collector that is slow or gone costs spans and nothing else: what waits is bounded ([`WAITING`]), the next span is dropped
//! at once, and an outage is one line in the log when it begins and one when it ends. `trace_spans_total{result}` counts.

use std::{
    str::FromStr,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use http::{Uri, uri::Scheme};
use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanKind, TraceContextExt, TraceId, TraceState},
};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter as Otlp, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{
        BatchConfigBuilder, BatchSpanProcessor, Config, IdGenerator, RandomIdGenerator,
        SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample, SpanData, SpanExporter,
    },
};

use super::Program;

/// For one batch on its way.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Spans that may wait to be sent.
const WAITING: usize = 8_192;

/// Where traces are sent.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TraceOptions {
    /// The collector that traces are sent to, by OTLP over gRPC: http://HOST:PORT. Without it none are sent; log lines carry
    /// the ids of traces all the same.
    #[arg(long = "otlp-endpoint", env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub endpoint: Option<Endpoint>,
}

/// `http://HOST:PORT` of a collector; empty is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Option<String>);

/// Spans can't be sent there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "OTEL_EXPORTER_OTLP_ENDPOINT is http://HOST:PORT, where a collector takes OTLP over gRPC; without TLS, a path, or a password"
)]
pub struct BadEndpoint;

impl FromStr for Endpoint {
    type Err = BadEndpoint;

    fn from_str(text: &str) -> Result<Self, BadEndpoint> {
        let text = text.trim();
        // What a manifest leaves empty is not set.
        if text.is_empty() {
            return Ok(Self(None));
        }
        let uri = Uri::from_str(text).map_err(|_| BadEndpoint)?;
        let authority = uri.authority().ok_or(BadEndpoint)?;
        let plain = uri.scheme() == Some(&Scheme::HTTP)
            && !authority.as_str().contains('@')
            && authority.port_u16().is_some()
            && matches!(uri.path(), "" | "/")
            && uri.query().is_none();
        plain.then(|| Self(Some(text.to_owned()))).ok_or(BadEndpoint)
    }
}

/// Makes the spans of this process, and sends them if there is where to.
pub(super) fn provider(
    program: Program,
    options: &TraceOptions,
) -> Result<SdkTracerProvider, ExporterBuildError> {
    // Which process it was; pids and names of hosts come again.
    let instance = RandomIdGenerator::default().new_trace_id().to_string();
    let resource = Resource::builder()
        .with_service_name(program.name)
        .with_attribute(KeyValue::new("service.version", program.version))
        .with_attribute(KeyValue::new("service.instance.id", instance))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        // As OTEL_TRACES_SAMPLER says, or all.
        .with_sampler(OfWork(Config::default().sampler));
    let Some(Endpoint(Some(endpoint))) = &options.endpoint else { return Ok(provider.build()) };
    let otlp = Otlp::builder()
        .with_tonic()
        .with_endpoint(endpoint.as_str())
        .with_timeout(TIMEOUT)
        .build()?;
    let config = BatchConfigBuilder::default().with_max_queue_size(WAITING).build();
    let processor =
        BatchSpanProcessor::builder(Watched::new(otlp)).with_batch_config(config).build();
    Ok(provider.with_span_processor(processor).build())
}

/// Leaves out traces that begin with a request of ours: nobody's work is done there, we only look how things are (a job that
/// runs, events to come). Their lines have the id of a trace all the same.
#[derive(Debug, Clone)]
pub(super) struct OfWork(pub(super) Box<dyn ShouldSample>);

impl ShouldSample for OfWork {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let has_parent = parent.is_some_and(|parent| parent.span().span_context().is_valid());
        if !has_parent && *kind == SpanKind::Client {
            return SamplingResult {
                decision: SamplingDecision::Drop,
                attributes: Vec::new(),
                trace_state: TraceState::default(),
            };
        }
        self.0.should_sample(parent, trace_id, name, kind, attributes, links)
    }
}

/// An exporter whose failures are told once, until it works again.
#[derive(Debug)]
pub(super) struct Watched<E> {
    inner: E,
    failing: AtomicBool,
}

impl<E> Watched<E> {
    pub(super) fn new(inner: E) -> Self {
        Self { inner, failing: AtomicBool::new(false) }
    }
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let sent = self.inner.export(batch).await;
        let result = if sent.is_ok() { "sent" } else { "lost" };
        metrics::counter!("trace_spans_total", "result" => result).increment(spans);
        let failed_before = self.failing.swap(sent.is_err(), Ordering::Relaxed);
        match &sent {
            Ok(()) if failed_before => tracing::info!("the collector takes traces again"),
            Err(error) if !failed_before => {
                tracing::warn!(%error, "the collector does not take traces; spans are lost until it does");
            }
            Ok(()) | Err(_) => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use opentelemetry_sdk::error::OTelSdkError;

    use super::*;
    use crate::telemetry::{LogFormat, tests::bench};

    #[test]
    fn an_endpoint_is_the_plain_address_of_a_collector() {
        let taken =
            ["http://collector:4317", "http://127.0.0.1:4317/", " http://[::1]:4317 ", "", " "];
        for text in taken {
            assert!(text.parse::<Endpoint>().is_ok(), "{text:?}");
        }
        let refused = [
            "collector:4317",
            "collector",
            "https://collector:4317",
            "http://collector",
            "http://user:secret@collector:4317",
            "http://collector:4317/v1/traces",
            "http://collector:4317?a=b",
            "http://",
            "grpc://collector:4317",
            "http://collector:99999",
        ];
        for text in refused {
            let said = text.parse::<Endpoint>().unwrap_err().to_string();
            assert!(said.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{said}");
            assert!(!said.contains("secret"), "{said}");
        }
    }

    /// Fails as often as it is told, then works.
    #[derive(Debug)]
    struct Failing(Mutex<u32>);

    impl SpanExporter for Failing {
        async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
            let mut left = self.0.lock().unwrap();
            if *left == 0 {
                return Ok(());
            }
            *left -= 1;
            Err(OTelSdkError::InternalFailure("no collector".to_owned()))
        }
    }

    #[tokio::test]
    async fn an_outage_of_the_collector_is_told_once_and_its_end_as_well() {
        let bench = bench(LogFormat::Json, "info");
        let exporter = Watched::new(Failing(Mutex::new(3)));
        for _ in 0..6 {
            let _told = exporter.export(vec![]).await;
        }
        let lines = bench.lines.json();
        let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
        assert_eq!(messages.len(), 2, "{messages:?}");
        assert!(messages[0].contains("does not take traces"), "{messages:?}");
        assert!(messages[1].contains("takes traces again"), "{messages:?}");
    }
}
