//! Wiring, and the order of shutdown: from the edge inwards.
//!
//! SIGTERM → not ready, NOT_SERVING → stop accepting and drain the calls under way → stop the sweeper and payments → close the
//! committer (what it took is answered) → close the store. The HTTP side goes last, so that `/readyz` can say no.

use std::time::Duration;

use anyhow::Context;
use migrations::BillingMigrator;
use proto::billing::v1::admin_service_server::AdminServiceServer;
use proto::billing::v1::billing_service_server::BillingServiceServer;
use proto::billing::v1::event_service_server::EventServiceServer;
use proto::billing::v1::payment_service_server::PaymentServiceServer;
use proto::billing::v1::promotion_service_server::PromotionServiceServer;
use sea_orm::DbBackend;
use secrecy::ExposeSecret;
use service_kit::auth::Callers;
use service_kit::db::{self, Db};
use service_kit::http::{self, Readiness};
use service_kit::{grpc as kit, telemetry};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::committer::{self, Committer};
use crate::config::Settings;
use crate::grpc::{self, Edge};
use crate::payments::{self, Pace, Payments};
use crate::prices::StartingPrices;
use crate::store::Store;
use crate::{layers, sweeper};

/// How long calls under way may take to end; what is left then is cut off. Less than Kubernetes waits (30 s).
const DRAIN: Duration = Duration::from_secs(20);
/// How long a scrape or probe may take to end.
const HTTP_DRAIN: Duration = Duration::from_secs(2);
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);
/// Batches under way at once on PostgreSQL, of different users. SQLite has one writer.
const LANES: usize = 4;
/// Commands that may wait in each lane.
const QUEUE: usize = 2048;
/// Commands in one transaction.
const BATCH: usize = 256;
/// Notifications of payment providers that may wait to be followed.
const WAITING_NOTIFICATIONS: u64 = 50_000;
/// Connections: the lanes', and those of reads.
const CONNECTIONS: u32 = 16;

/// Where the service is reached; bound before it starts, so that a test can ask for port 0.
#[derive(Debug)]
pub struct Listeners {
    /// For gRPC.
    pub grpc: TcpListener,
    /// For metrics and probes.
    pub http: TcpListener,
}

/// Serves until `shutdown`, then drains and closes everything.
///
/// # Errors
/// The database can't be used, or a part of the service ended by itself.
pub async fn run(
    settings: Settings,
    listeners: Listeners,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let (database, store) = open(&settings).await?;
    // Canceled by `shutdown`, and by any part that ends by itself.
    let down = shutdown.child_token();
    let sqlite = database.connection.get_database_backend() == DbBackend::Sqlite;
    let limits =
        committer::Settings { lanes: if sqlite { 1 } else { LANES }, queue: QUEUE, batch: BATCH };
    let (committer, lanes) = Committer::start(store.clone(), settings.policy.clone(), limits);
    let lanes = Part::start(&down, |_| async { lanes.await.context("the committer") });
    let sweeper = Part::background(&down, |stop| {
        sweeper::run(store.clone(), committer.clone(), SWEEP_INTERVAL, stop)
    });
    let payments = take_payments(&settings, &store, &committer)?;
    let money_in = Part::background(&down, |stop| payments::run(payments.clone(), stop));
    let readiness = Readiness::of_database(database.connection.clone());
    let http = start_http(listeners.http, readiness.clone(), &down)?;
    let edge = Edge::new(
        store,
        committer.clone(),
        payments,
        settings.policy,
        settings.currency,
        down.clone(),
    );
    let (grpc, health) = start_grpc(listeners.grpc, edge, settings.callers, &down).await?;

    announce(ServingStatus::Serving, &readiness, &health).await;
    down.cancelled().await;
    let by_itself = !shutdown.is_cancelled();
    announce(ServingStatus::NotServing, &readiness, &health).await;

    let grpc = grpc.stop("gRPC", DRAIN).await;
    let (sweeper, money_in) =
        tokio::join!(sweeper.stop("the sweeper", DRAIN), money_in.stop("payments", DRAIN));
    committer.close().await;
    let lanes = lanes.stop("the committer", DRAIN).await;
    let http = http.stop("HTTP", HTTP_DRAIN).await;
    let closed = database.connection.clone().close().await.context("closing the database");
    grpc.and(sweeper).and(money_in).and(lanes).and(http).and(closed)?;
    anyhow::ensure!(!by_itself, "a part of the service ended by itself");
    tracing::info!("stopped");
    Ok(())
}

/// The database, its schema and the price list: nothing is served before these are as they should be.
async fn open(settings: &Settings) -> anyhow::Result<(Db, Store)> {
    let url = settings.database_url.expose_secret();
    let database = db::open(url, CONNECTIONS).await.context("BILLING_DATABASE_URL")?;
    migrations::prepare::<BillingMigrator>(&database.connection, settings.migrate)
        .await
        .with_context(|| format!("the database at {}", database.location()))?;
    let store = Store::new(database.connection.clone());
    let prices = match &settings.prices {
        StartingPrices::File(prices) => store.publish_prices(prices).await,
        StartingPrices::BuiltIn(prices) => store.publish_first_prices(prices).await,
    }
    .context("publishing the prices")?;
    tracing::info!(database = database.location(), price_version = prices.version, "opened");
    Ok((database, store))
}

/// Everybody who takes money, named in the log.
fn take_payments(
    settings: &Settings,
    store: &Store,
    committer: &Committer,
) -> anyhow::Result<Payments> {
    let providers = settings.payments.providers(&settings.currency)?;
    let names: Vec<_> = providers.iter().map(|provider| provider.id().name()).collect();
    tracing::info!(?names, "taking payments");
    let rules = payments::Settings {
        checks: settings.payments.checks.clone(),
        repeated_invoice: settings.policy.repeated_invoice,
        max_waiting: WAITING_NOTIFICATIONS,
        pace: Pace::default(),
    };
    Ok(Payments::new(store.clone(), committer.clone(), providers, rules))
}

async fn start_grpc(
    listener: TcpListener,
    edge: Edge,
    callers: Callers,
    down: &CancellationToken,
) -> anyhow::Result<(Part, HealthReporter)> {
    tracing::info!(address = %listener.local_addr()?, "serving gRPC");
    let (health, routes) = kit::health_and_reflection(grpc::descriptors()).await?;
    let routes = layers::wrap(edge.add_to(routes), callers)?;
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let part = Part::start(down, |stop| {
        let server = kit::server_builder().add_routes(routes);
        let served = server.serve_with_incoming_shutdown(incoming, stop.cancelled_owned());
        async { served.await.context("gRPC") }
    });
    Ok((part, health))
}

fn start_http(
    listener: TcpListener,
    readiness: Readiness,
    down: &CancellationToken,
) -> anyhow::Result<Part> {
    tracing::info!(address = %listener.local_addr()?, "serving metrics and probes");
    let router = http::router(telemetry::metrics()?, readiness);
    let part = Part::start(down, |stop| {
        let served = http::serve(listener, router, stop);
        async { served.await.context("HTTP") }
    });
    Ok(part)
}

/// Tells load balancers, by both ways in which they ask.
async fn announce(status: ServingStatus, readiness: &Readiness, health: &HealthReporter) {
    readiness.set_ready(status == ServingStatus::Serving);
    let names = [
        "",
        BillingServiceServer::<Edge>::NAME,
        PaymentServiceServer::<Edge>::NAME,
        PromotionServiceServer::<Edge>::NAME,
        EventServiceServer::<Edge>::NAME,
        AdminServiceServer::<Edge>::NAME,
    ];
    for name in names {
        health.set_service_status(name, status).await;
    }
}

/// A part of the service, running. When it ends by itself, everything shuts down.
struct Part {
    stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
}

impl Part {
    fn start<F>(down: &CancellationToken, part: impl FnOnce(CancellationToken) -> F) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let running = part(stop.clone());
        let ended = down.clone().drop_guard();
        let running = tokio::spawn(async move {
            let _ended = ended;
            running.await
        });
        Self { stop, running }
    }

    /// A part that has nothing to fail with.
    fn background<F>(down: &CancellationToken, part: impl FnOnce(CancellationToken) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::start(down, |stop| {
            let run = part(stop);
            async {
                run.await;
                Ok(())
            }
        })
    }

    /// Tells it to stop and waits; what takes longer than `bound` is cut off.
    async fn stop(mut self, name: &'static str, bound: Duration) -> anyhow::Result<()> {
        self.stop.cancel();
        match tokio::time::timeout(bound, &mut self.running).await {
            Ok(ended) => ended.with_context(|| format!("{name} panicked"))?,
            Err(_) => {
                tracing::warn!(name, ?bound, "did not end in time and is cut off");
                self.running.abort();
                Ok(())
            }
        }
    }
}
