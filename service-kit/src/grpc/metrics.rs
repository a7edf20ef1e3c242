//! Counts and times requests by RPC and code.
//!
//! `grpc_requests_total{rpc, code}` and `grpc_request_seconds{rpc}`. The labels are bounded: an RPC that the descriptors
//! don't name is `other`. A stream is counted when it begins, with the code it begins with. A call that its client left (or whose
//! deadline passed) counts as CANCELLED.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use http::{Request, Response};
use prost::{DecodeError, Message};
use prost_types::FileDescriptorSet;
use tonic::{Code, Status};
use tower::{Layer, Service};

/// Measures every request that passes.
#[derive(Debug, Clone)]
pub struct MetricsLayer {
    /// Path to label, both of a bounded set.
    known: Arc<HashMap<String, String>>,
}

impl MetricsLayer {
    /// For the RPCs that are described in `descriptors`.
    pub fn new(descriptors: &[u8]) -> Result<Self, DecodeError> {
        let set = FileDescriptorSet::decode(descriptors)?;
        let mut known = HashMap::new();
        for file in &set.file {
            for service in &file.service {
                for method in &service.method {
                    let label = format!("{}.{}/{}", file.package(), service.name(), method.name());
                    known.insert(format!("/{label}"), label);
                }
            }
        }
        Ok(Self { known: Arc::new(known) })
    }
}

impl<S> Layer<S> for MetricsLayer {
    type Service = MetricsService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        MetricsService { inner, layer: self.clone() }
    }
}

/// What [`MetricsLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct MetricsService<S> {
    inner: S,
    layer: MetricsLayer,
}

impl<S, B, R> Service<Request<B>> for MetricsService<S>
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
        let known = self.layer.known.get(request.uri().path());
        let mut measured = Measured {
            rpc: known.cloned().unwrap_or_else(|| "other".to_owned()),
            started: Instant::now(),
            code: Code::Cancelled,
        };
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            let code = match &answer {
                Ok(response) => Status::from_header_map(response.headers())
                    .map_or(Code::Ok, |status| status.code()),
                Err(_) => Code::Unknown,
            };
            measured.ended(code);
            answer
        })
    }
}

/// Records itself when it is dropped: also when the call is abandoned.
struct Measured {
    rpc: String,
    started: Instant,
    code: Code,
}

impl Measured {
    /// A method, so that the future owns all of `self` from its first poll on.
    fn ended(&mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        let code = format!("{:?}", self.code);
        metrics::counter!("grpc_requests_total", "rpc" => self.rpc.clone(), "code" => code)
            .increment(1);
        metrics::histogram!("grpc_request_seconds", "rpc" => self.rpc.clone())
            .record(self.started.elapsed().as_secs_f64());
    }
}
