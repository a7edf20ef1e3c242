//! Calls from pages of browsers: gRPC-Web, for the origins that may.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::Either;
use http::header::{AUTHORIZATION, CONTENT_TYPE, ORIGIN};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use tower::{Layer, Service};
use tower_http::cors::CorsLayer;

/// What pages send besides what every page may: who calls, what clients of gRPC-Web say, and the trace.
const SENT: [HeaderName; 8] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    HeaderName::from_static("grpc-accept-encoding"),
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
];
/// A refusal is told by headers alone: a page that can't read them knows nothing of it.
const READ: [HeaderName; 4] = [
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-status-details-bin"),
];
/// How long a browser may remember that it may call.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);

/// Answers a browser that asks whether a page of these origins may call, which needs no token, and lets such a page read the
/// answers.
pub fn cors(origins: &[HeaderValue]) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_methods([Method::POST])
        .allow_headers(SENT)
        .expose_headers(READ)
        .max_age(REMEMBERED)
}

/// Refuses pages of all other origins (403, with nothing that a page could read). Browsers keep those away themselves; this
/// is for those that are led to take a page of somebody else for ours, for instance by its name in DNS.
#[derive(Debug, Clone)]
pub struct KnownOrigins(Arc<[HeaderValue]>);

impl KnownOrigins {
    /// These, as browsers write them.
    pub fn new(origins: &[HeaderValue]) -> Self {
        Self(origins.into())
    }
}

impl<S> Layer<S> for KnownOrigins {
    type Service = OfKnownOrigin<S>;

    fn layer(&self, inner: S) -> OfKnownOrigin<S> {
        OfKnownOrigin { inner, known: self.0.clone() }
    }
}

/// What [`KnownOrigins`] makes of a service.
#[derive(Debug, Clone)]
pub struct OfKnownOrigin<S> {
    inner: S,
    known: Arc<[HeaderValue]>,
}

impl<S, B, R> Service<Request<B>> for OfKnownOrigin<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Either<Ready<Result<Response<R>, S::Error>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // What is no page says no origin.
        let mut origins = request.headers().get_all(ORIGIN).iter();
        if origins.all(|origin| self.known.contains(origin)) {
            return Either::Right(self.inner.call(request));
        }
        tracing::info!("refused: a page of an origin that BILLING_GRPC_WEB_ORIGINS doesn't name");
        let mut refused = Response::new(R::default());
        *refused.status_mut() = StatusCode::FORBIDDEN;
        Either::Left(ready(Ok(refused)))
    }
}
