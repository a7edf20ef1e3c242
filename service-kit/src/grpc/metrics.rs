//! Counts and times requests by RPC, code and reason.
//!
//! `grpc_requests_total{rpc, code, reason}` and `grpc_request_seconds{rpc}`. The labels are bounded: an RPC that the descriptors
//! don't name is `other`, and so is a reason that nobody has named. The reason is that of ErrorInfo; it is empty where there is
//! none: for OK, and for what tonic itself refuses. A stream is counted when it begins, with the code it begins with. A call that
//! its client left (or whose deadline passed) counts as CANCELLED.

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Instant,
};

use http::{Request, Response};
use metrics::{Counter, Histogram};
use prost::{DecodeError, Message};
use prost_types::FileDescriptorSet;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower::{Layer, Service};

use super::rpcs;

/// The enum whose values, without their prefix, are the reasons of a package.
const REASONS: &str = "ErrorReason";
const REASON_PREFIX: &str = "ERROR_REASON_";
/// Whatever nobody has named.
const OTHER: &str = "other";

/// Measures every request that passes.
#[derive(Debug, Clone)]
pub struct MetricsLayer {
    /// By path, a bounded set.
    known: Arc<HashMap<String, Arc<Meter>>>,
    other: Arc<Meter>,
    reasons: Arc<HashSet<String>>,
}

impl MetricsLayer {
    /// For the RPCs and the enums `ErrorReason` that are described in `descriptors`.
    pub fn new(descriptors: &[u8]) -> Result<Self, DecodeError> {
        Self::with_reasons(descriptors, &[])
    }

    /// The same, with reasons that no enum names.
    pub fn with_reasons(descriptors: &[u8], reasons: &[&str]) -> Result<Self, DecodeError> {
        let set = FileDescriptorSet::decode(descriptors)?;
        let mut reasons: HashSet<String> = reasons.iter().map(|reason| (*reason).into()).collect();
        let enums = set.file.iter().flat_map(|file| &file.enum_type);
        let values = enums.filter(|named| named.name() == REASONS).flat_map(|named| &named.value);
        reasons.extend(
            values.filter_map(|value| value.name().strip_prefix(REASON_PREFIX)).map(str::to_owned),
        );
        let known = rpcs::described(&set).map(|rpc| (rpc.path(), Arc::new(Meter::of(rpc.name()))));
        Ok(Self {
            known: Arc::new(known.collect()),
            other: Arc::new(Meter::of(OTHER.to_owned())),
            reasons: Arc::new(reasons),
        })
    }

    /// The label for the reason of an error.
    fn reason(&self, status: &Status) -> String {
        match status.get_details_error_info() {
            None => String::new(),
            Some(info) if self.reasons.contains(&info.reason) => info.reason,
            Some(_) => OTHER.to_owned(),
        }
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
        let meter = self.layer.known.get(request.uri().path()).unwrap_or(&self.layer.other);
        let mut measured = Measured {
            meter: meter.clone(),
            started: Instant::now(),
            code: Code::Cancelled,
            reason: String::new(),
        };
        let layer = self.layer.clone();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            // An error comes with its status in the headers, instead of a body with trailers.
            let (code, reason) = match &answer {
                Ok(response) => match Status::from_header_map(response.headers()) {
                    None => (Code::Ok, String::new()),
                    Some(status) => (status.code(), layer.reason(&status)),
                },
                Err(_) => (Code::Unknown, String::new()),
            };
            measured.ended(code, reason);
            answer
        })
    }
}

/// The metrics of one RPC. Those of nearly every call are looked up once.
#[derive(Debug)]
struct Meter {
    rpc: String,
    ok: OnceLock<Counter>,
    seconds: OnceLock<Histogram>,
}

impl Meter {
    fn of(rpc: String) -> Self {
        Self { rpc, ok: OnceLock::new(), seconds: OnceLock::new() }
    }

    fn record(&self, code: Code, reason: String, seconds: f64) {
        match code {
            Code::Ok => self.ok.get_or_init(|| self.calls(code, reason)).increment(1),
            _ => self.calls(code, reason).increment(1),
        }
        let rpc = || metrics::histogram!("grpc_request_seconds", "rpc" => self.rpc.clone());
        self.seconds.get_or_init(rpc).record(seconds);
    }

    fn calls(&self, code: Code, reason: String) -> Counter {
        let (rpc, code) = (self.rpc.clone(), format!("{code:?}"));
        metrics::counter!("grpc_requests_total", "rpc" => rpc, "code" => code, "reason" => reason)
    }
}

/// Records itself when it is dropped: also when the call is abandoned.
struct Measured {
    meter: Arc<Meter>,
    started: Instant,
    code: Code,
    reason: String,
}

impl Measured {
    /// A method, so that the future owns all of `self` from its first poll on.
    fn ended(&mut self, code: Code, reason: String) {
        self.code = code;
        self.reason = reason;
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        let reason = std::mem::take(&mut self.reason);
        self.meter.record(self.code, reason, self.started.elapsed().as_secs_f64());
    }
}
