//! The two ports.

use std::time::Duration;

use anyhow::Context;
use http::HeaderValue;
use proto::billing::v1::admin_service_server::AdminServiceServer;
use proto::billing::v1::billing_service_server::BillingServiceServer;
use proto::billing::v1::event_service_server::EventServiceServer;
use proto::billing::v1::payment_service_server::PaymentServiceServer;
use proto::billing::v1::promotion_service_server::PromotionServiceServer;
use service_kit::auth::Access;
use service_kit::health::Health;
use service_kit::http::{Readiness, router, serve};
use service_kit::tls::Tls;
use service_kit::{grpc as kit, telemetry};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService;

use super::part::Part;
use crate::grpc::{self, Edge, Limits};
use crate::layers;

/// Whose health is told by name.
pub(super) const SERVICES: [&str; 5] = [
    BillingServiceServer::<Edge>::NAME,
    PaymentServiceServer::<Edge>::NAME,
    PromotionServiceServer::<Edge>::NAME,
    EventServiceServer::<Edge>::NAME,
    AdminServiceServer::<Edge>::NAME,
];

/// The way in to gRPC.
pub(super) struct Entry {
    pub(super) listener: TcpListener,
    pub(super) access: Access,
    pub(super) max_age: Option<Duration>,
    pub(super) limits: Limits,
    pub(super) web_origins: Vec<HeaderValue>,
}

pub(super) fn start_grpc(
    entry: Entry,
    edge: Edge,
    health: &Health,
    down: &CancellationToken,
) -> anyhow::Result<Part> {
    let Entry { listener, access: Access { callers, tls }, max_age, limits, web_origins } = entry;
    let mutual = tls.as_ref().is_some_and(Tls::is_mutual);
    let address = listener.local_addr()?;
    let web = !web_origins.is_empty();
    tracing::info!(%address, tls = tls.is_some(), mutual, web, "serving gRPC");
    // Browsers speak HTTP/2 over TLS only, and what stands between may speak HTTP/1.1 only.
    let tls = if web { tls.map(Tls::with_http1) } else { tls };
    let routes = kit::health_and_reflection(health, grpc::descriptors())?;
    let routes = layers::wrap(edge.add_to(routes), callers, &limits, &web_origins)?;
    let connections = kit::connections(listener, tls, max_age);
    Ok(Part::start(down, |stop| {
        let server = kit::server_builder(max_age)
            .accept_http1(web)
            .max_concurrent_streams(limits.max_streams)
            .add_routes(routes);
        let served = server.serve_with_incoming_shutdown(connections, stop.cancelled_owned());
        async { served.await.context("gRPC") }
    }))
}

pub(super) fn start_http(
    listener: TcpListener,
    readiness: Readiness,
    health: &Health,
    down: &CancellationToken,
) -> anyhow::Result<Part> {
    tracing::info!(address = %listener.local_addr()?, "serving metrics and probes");
    let router = router(telemetry::metrics()?, readiness).merge(health.routes());
    Ok(Part::start(down, |stop| {
        let served = serve(listener, router, stop);
        async { served.await.context("HTTP") }
    }))
}
