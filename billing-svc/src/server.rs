//! Wiring, and the order of shutdown: from the edge inwards.
//!
//! SIGTERM → not ready, NOT_SERVING → stop accepting and drain the calls under way → stop the sweeper and payments → close the
//! committer and the reader (what they took is answered) → close the store. The HTTP side goes last, so that `/readyz` can say no.

mod edge;
mod part;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use migrations::BillingMigrator;
use sea_orm::DbBackend;
use secrecy::ExposeSecret;
use service_kit::db::{self, Db};
use service_kit::health::Health;
use service_kit::http::Readiness;
use service_kit::telemetry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::committer::{self, Committer};
use crate::config::Settings;
use crate::grpc::{Edge, Inside};
use crate::payments::{self, Pace, Payments};
use crate::prices::StartingPrices;
use crate::reader::{self, Reader};
use crate::store::Store;
use crate::{archiver, auditor, gauges, metrics, sweeper};
use edge::{Entry, SERVICES, start_grpc, start_http};
use part::Part;

/// How long calls under way may take to end; what is left then is cut off. Less than Kubernetes waits (30 s).
const DRAIN: Duration = Duration::from_secs(20);
/// How long a scrape or probe may take to end.
const HTTP_DRAIN: Duration = Duration::from_secs(2);
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);
/// Batches under way at once on PostgreSQL, of different users. SQLite has one writer.
pub const LANES: usize = 2;
/// Commands that may wait in each lane.
const QUEUE: usize = 2048;
/// Commands in one transaction.
const BATCH: usize = 256;
/// What is read together, for each kind of question.
const READS: reader::Settings = reader::Settings { statements: 2, queue: 4096, batch: 256 };
/// Notifications of payment providers that may wait to be followed.
const WAITING_NOTIFICATIONS: u64 = 50_000;
/// Connections of the pool. Each lane keeps one of its own beside them: 16 in all.
const CONNECTIONS: u32 = 14;

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
    telemetry::metrics()?;
    metrics::announce();
    let (database, store) = open(&settings).await?;
    // Canceled by `shutdown`, and by any part that ends by itself.
    let down = shutdown.child_token();
    let (committer, lanes) =
        Committer::start(store.clone(), settings.policy.clone(), queues(&database));
    let lanes = Part::start(&down, |_| async { lanes.await.context("the committer") });
    let policy: Arc<_> = settings.policy.clone().into();
    let (reader, readers) = Reader::start(store.clone(), policy.clone(), READS);
    let readers = Part::start(&down, |_| async { readers.await.context("the reader") });
    let sweeper = Part::background(&down, |stop| {
        tidy(store.clone(), committer.clone(), settings.archive_after, stop)
    });
    let watchers = Part::background(&down, |stop| {
        watch(store.clone(), committer.clone(), settings.audit_interval, stop)
    });
    let payments = take_payments(&settings, &store, &committer)?;
    let money_in = Part::background(&down, |stop| payments::run(payments.clone(), stop));
    let readiness =
        Readiness::of_database(database.connection.clone(), migrations::usable::<BillingMigrator>);
    let health = Health::new(readiness.clone(), &SERVICES).await;
    let health_kept = Part::background(&down, |stop| health.clone().keep(stop));
    let files = Part::background(&down, |stop| settings.access.clone().follow(stop));
    let http = start_http(listeners.http, readiness, &health, &down)?;
    let edge = Edge::new(
        Inside {
            store: store.clone(),
            reader: reader.clone(),
            committer: committer.clone(),
            payments,
        },
        policy,
        settings.currency,
        down.clone(),
        &settings.limits,
    );
    let entry = Entry {
        listener: listeners.grpc,
        access: settings.access,
        max_age: settings.max_connection_age,
        limits: settings.limits,
        web_origins: settings.web_origins,
    };
    let grpc = start_grpc(entry, edge, &health, &down)?;

    health.ready().await;
    down.cancelled().await;
    let by_itself = !shutdown.is_cancelled();
    health.drain().await;

    let grpc = grpc.stop("gRPC", DRAIN).await;
    let (sweeper, money_in, watchers) = tokio::join!(
        sweeper.stop("the sweeper and the archiver", DRAIN),
        money_in.stop("payments", DRAIN),
        watchers.stop("gauges and audits", DRAIN)
    );
    tokio::join!(committer.close(), reader.close());
    let lanes = lanes.stop("the committer", DRAIN).await;
    let readers = readers.stop("the reader", DRAIN).await;
    let (health, files) = tokio::join!(
        health_kept.stop("health", HTTP_DRAIN),
        files.stop("the look at files", HTTP_DRAIN)
    );
    let http = http.stop("HTTP", HTTP_DRAIN).await;
    let closed = store.close().await.context("closing the database");
    for ended in [grpc, sweeper, money_in, watchers, lanes, readers, health, files, http, closed] {
        ended?;
    }
    anyhow::ensure!(!by_itself, "a part of the service ended by itself");
    tracing::info!("stopped");
    Ok(())
}

/// SQLite has one writer.
fn queues(database: &Db) -> committer::Settings {
    let sqlite = database.connection.get_database_backend() == DbBackend::Sqlite;
    committer::Settings { lanes: if sqlite { 1 } else { LANES }, queue: QUEUE, batch: BATCH }
}

/// Ends what has expired and, where somebody wants it, archives what ended long ago.
async fn tidy(
    store: Store,
    committer: Committer,
    archive_after: Option<Duration>,
    stop: CancellationToken,
) {
    let archiving = async {
        if let Some(after) = archive_after {
            archiver::run(store.clone(), after, stop.clone()).await;
        }
    };
    let sweeping = sweeper::run(store.clone(), committer, SWEEP_INTERVAL, stop.clone());
    tokio::join!(sweeping, archiving);
}

/// Counts what is open and, where somebody wants it, audits. Both write nothing.
async fn watch(
    store: Store,
    committer: Committer,
    audits: Option<Duration>,
    stop: CancellationToken,
) {
    let audits = async {
        if let Some(interval) = audits {
            auditor::run(store.clone(), interval, stop.clone()).await;
        }
    };
    tokio::join!(gauges::run(store.clone(), committer, stop.clone()), audits);
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
