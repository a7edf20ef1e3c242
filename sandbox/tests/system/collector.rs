//! A collector of traces that stands in for the real one: takes OTLP over gRPC and keeps what it was sent.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

/// Ends when it is dropped.
pub struct Collector {
    url: String,
    kept: Kept,
    serving: JoinHandle<()>,
}

/// A span as it was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// `service.name`.
    pub service: String,
    /// `service.instance.id`.
    pub instance: String,
    pub name: String,
    pub kind: SpanKind,
    pub trace_id: String,
    pub span_id: String,
    /// Empty: the root.
    pub parent: String,
    pub attributes: BTreeMap<String, String>,
    /// Everything that was sent, to look for what may not be there.
    pub text: String,
}

impl Collector {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let kept = Kept::default();
        let service = TraceServiceServer::new(kept.clone());
        let serving = tokio::spawn(async move {
            let incoming = TcpListenerStream::new(listener);
            let served = Server::builder().add_service(service).serve_with_incoming(incoming);
            served.await.expect("the collector serves");
        });
        Ok(Self { url, kept, serving })
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// All that came so far.
    pub fn spans(&self) -> Vec<Sent> {
        self.kept.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The ids of all traces that have a span of this name.
    pub fn traces_of(&self, name: &str) -> BTreeSet<String> {
        let spans = self.spans();
        spans.into_iter().filter(|span| span.name == name).map(|span| span.trace_id).collect()
    }

    pub fn trace(&self, id: &str) -> Vec<Sent> {
        self.spans().into_iter().filter(|span| span.trace_id == id).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<Sent>>>);

#[tonic::async_trait]
impl TraceService for Kept {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for resource_spans in request.into_inner().resource_spans {
            let resource = resource_spans.resource.unwrap_or_default();
            let about = texts(&resource.attributes);
            let of = |name: &str| about.get(name).cloned().unwrap_or_default();
            for span in resource_spans.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                kept.push(Sent {
                    service: of("service.name"),
                    instance: of("service.instance.id"),
                    text: format!("{resource:?} {span:?}"),
                    kind: span.kind(),
                    trace_id: hex(&span.trace_id),
                    span_id: hex(&span.span_id),
                    parent: hex(&span.parent_span_id),
                    attributes: texts(&span.attributes),
                    name: span.name,
                });
            }
        }
        Ok(Response::new(ExportTraceServiceResponse { partial_success: None }))
    }
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |attribute: &KeyValue| match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        Value::BoolValue(truth) => Some(truth.to_string()),
        other => Some(format!("{other:?}")),
    };
    attributes
        .iter()
        .filter_map(|attribute| Some((attribute.key.clone(), text(attribute)?)))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
