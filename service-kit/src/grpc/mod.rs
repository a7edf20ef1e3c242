//! What stands around a service's own RPCs: the server's limits and keepalive, health and reflection, metrics and traces by
//! RPC, and errors with their reason.

mod metrics;
mod refusal;
mod trace;

use std::time::Duration;

use tonic::{service::Routes, transport::Server};
use tonic_health::server::HealthReporter;
use tonic_reflection::server::Builder;

pub use metrics::{MetricsLayer, MetricsService};
pub use refusal::Refusal;
pub use trace::{TraceLayer, TraceService};

/// A peer that vanished silently is left after these two.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Calls under way on one connection; further ones wait in the client.
const MAX_STREAMS: u32 = 1024;
/// Of one request's headers, all together.
const MAX_HEADER_BYTES: u32 = 16 << 10;

/// A server with our limits and keepalive. Add layers, then the routes. Messages are limited by each tonic service itself (4 MB
/// unless told otherwise).
pub fn server_builder() -> Server {
    Server::builder()
        .tcp_nodelay(true)
        .http2_keepalive_interval(Some(KEEP_ALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEP_ALIVE_TIMEOUT))
        .max_concurrent_streams(MAX_STREAMS)
        .http2_max_header_list_size(MAX_HEADER_BYTES)
}

/// `grpc.health.v1` and reflection (v1 and v1alpha) for the services in `descriptors`, as routes to which the services are
/// added. The reporter answers SERVING for the server as a whole until told otherwise; a service's own name is known once it is set.
pub async fn health_and_reflection(
    descriptors: &'static [u8],
) -> Result<(HealthReporter, Routes), tonic_reflection::server::Error> {
    let (reporter, health) = tonic_health::server::health_reporter();
    let reflection = || {
        Builder::configure()
            .register_encoded_file_descriptor_set(descriptors)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let routes = Routes::new(health)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?);
    Ok((reporter, routes))
}
