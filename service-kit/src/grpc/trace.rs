//! A span for each call, which every line logged on its behalf carries, in the trace of whoever called.
//!
//! Its name is the RPC's, and its attributes say who called and with which code it ended; a stream ends, to a trace, when it
//! begins to answer. Health, reflection and what else the descriptors don't name make no span. What a message holds is no
//! part of it.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use http::{Request, Response};
use opentelemetry::trace::Status as SpanStatus;
use prost::{DecodeError, Message};
use prost_types::FileDescriptorSet;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::{Instrument, Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::rpcs::{self, Rpc};
use crate::telemetry;

/// Opens the spans.
#[derive(Debug, Clone)]
pub struct TraceLayer {
    /// By path, each with its name.
    known: Arc<HashMap<String, (String, Rpc)>>,
}

impl TraceLayer {
    /// For the RPCs that are described in `descriptors`.
    ///
    /// # Errors
    /// These are no descriptors.
    pub fn new(descriptors: &[u8]) -> Result<Self, DecodeError> {
        let set = FileDescriptorSet::decode(descriptors)?;
        let known = rpcs::described(&set).map(|rpc| (rpc.path(), (rpc.name(), rpc)));
        Ok(Self { known: Arc::new(known.collect()) })
    }
}

impl<S> Layer<S> for TraceLayer {
    type Service = TraceService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TraceService { inner, layer: self.clone() }
    }
}

/// What [`TraceLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct TraceService<S> {
    inner: S,
    layer: TraceLayer,
}

impl<S, B, R> Service<Request<B>> for TraceService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Some((name, rpc)) = self.layer.known.get(request.uri().path()) else {
            return Box::pin(self.inner.call(request));
        };
        let span = tracing::info_span!(
            "call",
            otel.name = name,
            otel.kind = "server",
            rpc = name,
            caller = field::Empty
        );
        telemetry::adopt_headers(&span, request.headers());
        span.set_attribute("rpc.system", "grpc");
        span.set_attribute("rpc.service", rpc.service.clone());
        span.set_attribute("rpc.method", rpc.method.clone());
        let mut answered =
            Answered { span: span.clone(), began: Instant::now(), code: Code::Cancelled };
        let answer = span.in_scope(|| self.inner.call(request));
        let followed = async move {
            let answer = answer.await;
            answered.with(match &answer {
                Ok(response) => Status::from_header_map(response.headers())
                    .map_or(Code::Ok, |status| status.code()),
                Err(_) => Code::Unknown,
            });
            answer
        };
        Box::pin(followed.instrument(span))
    }
}

/// Notes how a call ended, also when its client left it.
struct Answered {
    span: Span,
    began: Instant,
    code: Code,
}

impl Answered {
    /// A method, so that the future owns all of `self` from its first poll on.
    fn with(&mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.span.set_attribute("rpc.grpc.status_code", i64::from(i32::from(self.code)));
        if is_our_fault(self.code) {
            self.span.set_status(SpanStatus::error(format!("{:?}", self.code)));
        }
        tracing::debug!(parent: &self.span, took = ?self.began.elapsed(), code = ?self.code, "answered");
    }
}

/// A refusal is a call that went well.
fn is_our_fault(code: Code) -> bool {
    match code {
        Code::Unknown
        | Code::DeadlineExceeded
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => true,
        Code::Ok
        | Code::Cancelled
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unauthenticated => false,
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::{Value, trace::SpanKind};
    use prost_types::{FileDescriptorProto, MethodDescriptorProto, ServiceDescriptorProto};
    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::telemetry::{LogFormat, tests::bench, trace_context};

    fn layer() -> TraceLayer {
        let method = MethodDescriptorProto { name: Some("Do".to_owned()), ..Default::default() };
        let service = ServiceDescriptorProto {
            name: Some("Work".to_owned()),
            method: vec![method],
            ..Default::default()
        };
        let file = FileDescriptorProto {
            package: Some("some.v1".to_owned()),
            service: vec![service],
            ..Default::default()
        };
        TraceLayer::new(&FileDescriptorSet { file: vec![file] }.encode_to_vec()).unwrap()
    }

    /// Calls a service that answers the code, and with its own place in the trace.
    async fn call(path: &str, traceparent: &str, code: Code) -> Option<String> {
        let inner = service_fn(move |_: Request<()>| async move {
            Span::current().record("caller", "somebody");
            let mut response = Response::new(trace_context());
            Status::new(code, "why").add_header(response.headers_mut()).unwrap();
            Ok::<_, std::convert::Infallible>(response)
        });
        let request =
            Request::builder().uri(path).header("traceparent", traceparent).body(()).unwrap();
        layer().layer(inner).oneshot(request).await.unwrap().into_body()
    }

    const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[tokio::test]
    async fn a_call_is_a_span_in_the_trace_of_its_caller() {
        let bench = bench(LogFormat::Json, "info");
        let inside = call("/some.v1.Work/Do", CALLER, Code::Ok).await.unwrap();
        assert_eq!(&inside[..36], &CALLER[..36], "the trace goes on");
        let span = bench.taken.named("some.v1.Work/Do");
        assert_eq!(span.parent_span_id.to_string(), "b7ad6b7169203331");
        assert_eq!(span.span_kind, SpanKind::Server);
        assert_eq!(span.status, SpanStatus::Unset);
        let attribute = |name: &str| {
            let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == name);
            found.map(|attribute| attribute.value.clone())
        };
        for (name, value) in [
            ("rpc.system", "grpc"),
            ("rpc.service", "some.v1.Work"),
            ("rpc.method", "Do"),
            ("caller", "somebody"),
        ] {
            assert_eq!(attribute(name), Some(Value::from(value)), "{name}");
        }
        assert_eq!(attribute("rpc.grpc.status_code"), Some(Value::I64(0)));
    }

    #[tokio::test]
    async fn a_refusal_is_no_error_of_ours_and_a_failure_is() {
        for (code, status) in [
            (Code::FailedPrecondition, SpanStatus::Unset),
            (Code::Unavailable, SpanStatus::error("Unavailable")),
        ] {
            let bench = bench(LogFormat::Json, "info");
            call("/some.v1.Work/Do", "nonsense", code).await;
            let span = bench.taken.named("some.v1.Work/Do");
            assert_eq!(span.parent_span_id, opentelemetry::trace::SpanId::INVALID);
            assert_eq!(span.status, status);
        }
    }

    #[tokio::test]
    async fn a_call_that_its_client_left_is_canceled() {
        let bench = bench(LogFormat::Json, "info");
        let inner =
            service_fn(|_: Request<()>| std::future::pending::<Result<Response<()>, Status>>());
        let request = Request::builder().uri("/some.v1.Work/Do").body(()).unwrap();
        let mut service = layer().layer(inner);
        let mut call = service.call(request);
        assert!(futures::poll!(&mut call).is_pending());
        drop(call);
        let code = Value::I64(i64::from(i32::from(Code::Cancelled)));
        let span = bench.taken.named("some.v1.Work/Do");
        assert!(span.attributes.iter().any(|attribute| attribute.value == code), "{span:?}");
    }

    #[tokio::test]
    async fn health_reflection_and_strangers_paths_make_no_spans() {
        let bench = bench(LogFormat::Json, "info");
        for path in ["/grpc.health.v1.Health/Check", "/some.v1.Work/Other", "/"] {
            assert_eq!(call(path, CALLER, Code::Ok).await, None, "{path}");
        }
        assert!(bench.taken.spans().is_empty());
    }
}
