//! A span for each attempt of a call, and the trace that it is part of in the request's headers (W3C `traceparent` and
//! `tracestate`).
//!
//! The headers are those of the process's propagator (`opentelemetry::global`); a process that has none sends none.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use opentelemetry::{global, propagation::Injector, trace::Status as SpanStatus};
use tonic::{Code, Status};
use tower::Service;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// A channel whose requests are spans. A stream's ends when it begins to be answered.
#[derive(Debug, Clone)]
pub(super) struct Traced<S>(pub(super) S);

impl<S, B, R> Service<Request<B>> for Traced<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let path = request.uri().path();
        let rpc = path.strip_prefix('/').unwrap_or(path);
        let span = tracing::info_span!("request", otel.name = rpc, otel.kind = "client", to = rpc);
        span.set_attribute("rpc.system", "grpc");
        if let Some((service, method)) = rpc.split_once('/') {
            span.set_attribute("rpc.service", service.to_owned());
            span.set_attribute("rpc.method", method.to_owned());
        }
        inject(&span, request.headers_mut());
        let mut ended = Ended { span: span.clone(), code: Code::Cancelled };
        let answer = span.in_scope(|| self.0.call(request));
        let followed = async move {
            let answer = answer.await;
            ended.with(match &answer {
                Ok(response) => Status::from_header_map(response.headers())
                    .map_or(Code::Ok, |status| status.code()),
                Err(_) => Code::Unavailable,
            });
            answer
        };
        Box::pin(followed.instrument(span))
    }
}

fn inject(span: &Span, headers: &mut HeaderMap) {
    let context = span.context();
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut Headers(headers));
    });
}

struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        if value.is_empty() {
            return;
        }
        // What can't be a header is not sent: a trace is worth no failed call.
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(key.as_bytes()), HeaderValue::try_from(value))
        {
            self.0.insert(name, value);
        }
    }
}

/// Notes how the attempt ended, also when it was given up.
struct Ended {
    span: Span,
    code: Code,
}

impl Ended {
    /// A method, so that the future owns all of `self` from its first poll on.
    fn with(&mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.span.set_attribute("rpc.grpc.status_code", i64::from(i32::from(self.code)));
        if self.code != Code::Ok {
            self.span.set_status(SpanStatus::error(format!("{:?}", self.code)));
        }
    }
}
