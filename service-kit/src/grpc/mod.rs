//! What stands around a service's own RPCs: the server's limits and keepalive, health and reflection, metrics and traces by
//! RPC, and errors with their reason.

mod metrics;
mod refusal;
mod rpcs;
mod trace;

use std::{io, time::Duration};

use futures::Stream;
use tokio::net::TcpListener;
use tonic::{service::Routes, transport::Server};
use tonic_reflection::server::{Builder, Error};

use crate::{
    health::Health,
    tls::{self, Connection, Tls},
};

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

/// How old a connection may be: then its client is told to make another one (GOAWAY), which spreads clients over new replicas and
/// takes new certificates.
pub const MAX_CONNECTION_AGE: Duration = Duration::from_secs(5 * 60);
/// How long calls may go on after that, before the connection is cut: longer than any call takes but those that watch for ever,
/// which are begun again.
pub const CONNECTION_GRACE: Duration = Duration::from_secs(3 * 60);

/// A server with our limits and keepalive. Add layers, then the routes, and serve [`connections`] of the same age. Messages are
/// limited by each tonic service itself (4 MB unless told otherwise).
pub fn server_builder(max_age: Option<Duration>) -> Server {
    let server = Server::builder()
        .http2_keepalive_interval(Some(KEEP_ALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEP_ALIVE_TIMEOUT))
        .max_concurrent_streams(MAX_STREAMS)
        .http2_max_header_list_size(MAX_HEADER_BYTES);
    match max_age {
        // Without tonic's own grace: with it (0.14.9) there is no GOAWAY, the connection is cut with all that is under way.
        Some(age) => server.max_connection_age(age),
        None => server,
    }
}

/// Accepts connections, cut off once they are [`CONNECTION_GRACE`] older than `max_age`.
pub fn connections(
    listener: TcpListener,
    tls: Option<Tls>,
    max_age: Option<Duration>,
) -> impl Stream<Item = io::Result<Connection>> + Send + Unpin {
    tls::incoming(listener, tls, max_age.map(|age| age.saturating_add(CONNECTION_GRACE)))
}

/// `grpc.health.v1` and reflection (v1 and v1alpha) for the services in `descriptors`, as routes to which the services are
/// added.
///
/// # Errors
/// The descriptors can't be read: a defect of the build.
pub fn health_and_reflection(health: &Health, descriptors: &'static [u8]) -> Result<Routes, Error> {
    let reflection = || {
        Builder::configure()
            .register_encoded_file_descriptor_set(descriptors)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    Ok(Routes::new(health.service())
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?))
}
