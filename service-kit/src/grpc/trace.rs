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

use crate::telemetry;

/// Opens the spans.
#[derive(Debug, Clone)]
pub struct TraceLayer {
    /// By path.
    known: Arc<HashMap<String, Rpc>>,
}

#[derive(Debug)]
struct Rpc {
    /// `billing.v1.BillingService/Charge`.
    name: String,
    service: String,
    method: String,
}

impl TraceLayer {
    /// For the RPCs that are described in `descriptors`.
    ///
    /// # Errors
    /// These are no descriptors.
    pub fn new(descriptors: &[u8]) -> Result<Self, DecodeError> {
        let set = FileDescriptorSet::decode(descriptors)?;
        let mut known = HashMap::new();
        for file in &set.file {
            for described in &file.service {
                let service = format!("{}.{}", file.package(), described.name());
                for method in &described.method {
                    let method = method.name().to_owned();
                    let name = format!("{service}/{method}");
                    known
                        .insert(format!("/{name}"), Rpc { name, service: service.clone(), method });
                }
            }
        }
        Ok(Self { known: Arc::new(known) })
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
        let Some(rpc) = self.layer.known.get(request.uri().path()) else {
            return Box::pin(self.inner.call(request));
        };
        let span = tracing::info_span!(
            "call",
            otel.name = rpc.name,
            otel.kind = "server",
            rpc = rpc.name,
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
