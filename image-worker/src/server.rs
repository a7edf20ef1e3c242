//! Wires the parts together and takes them apart again, from the edge inwards.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use migrations::{MigrateMode, WorkerMigrator};
use proto::client::{BillingClient, ClientConfig, DeliveryClient};
use proto::images::v1::image_service_server::{ImageServiceServer, SERVICE_NAME};
use secrecy::ExposeSecret;
use service_kit::auth::{Access, AccessFiles, AuthLayer, Role};
use service_kit::db::Db;
use service_kit::grpc::{
    MAX_CONNECTION_AGE, MetricsLayer, TraceLayer, connections, health_and_reflection,
    server_builder,
};
use service_kit::health::Health;
use service_kit::http::Readiness;
use service_kit::{db, http, telemetry};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::blobs::Blobs;
use crate::config::Config;
use crate::deliver::Delivery;
use crate::fal::{FalClient, Models};
use crate::grpc::{DOMAIN, Images};
use crate::jobs::Jobs;
use crate::run::machine::Policy;
use crate::run::{Runner, RunnerConfig, World, housekeep};
use crate::settle::Settlement;

/// Connections to the database: jobs that run, calls, and some for looking.
const MORE_CONNECTIONS: u32 = 8;
/// How long scrapes may take to end.
const HTTP_DRAIN: Duration = Duration::from_secs(2);
/// The gateway fetches the pictures and waits for Telegram before it answers.
const DELIVERY_DEADLINE: Duration = Duration::from_secs(120);

/// Where the service listens; port 0 will do.
#[derive(Debug)]
pub struct Listeners {
    /// For gRPC.
    pub grpc: TcpListener,
    /// For metrics and health.
    pub http: TcpListener,
}

impl Listeners {
    /// Binds the addresses of the configuration.
    pub async fn bind(config: &Config) -> Result<Self> {
        let bind = |name: &'static str, address| async move {
            TcpListener::bind(address).await.with_context(|| format!("{name} {address}"))
        };
        Ok(Self {
            grpc: bind("WORKER_LISTEN", config.listen).await?,
            http: bind("WORKER_HTTP_LISTEN", config.http_listen).await?,
        })
    }
}

/// Runs the service until `shutdown`. Order of the end: not ready; no new jobs and calls; calls and jobs under way,
/// each within WORKER_DRAIN; the database; the HTTP side.
pub async fn run(config: Config, listeners: Listeners, shutdown: CancellationToken) -> Result<()> {
    config.check()?;
    let files = AccessFiles { auth: config.auth_file.as_deref(), tls: config.tls.files() };
    let access = Access::load(files, listeners.grpc.local_addr()?)?;
    let models = Arc::new(Models::load(config.fal_models_file.as_deref())?);
    let world = world(&config, models.clone())?;
    let db = open(&config).await?;
    let owner = format!("image-worker-{}", std::process::id());
    let jobs = Jobs::new(db.connection.clone(), owner, config.max_queued);
    jobs.take_over().await?;

    let readiness =
        Readiness::of_database(db.connection.clone(), migrations::usable::<WorkerMigrator>);
    let health = Health::new(readiness.clone(), &[SERVICE_NAME]).await;
    let http_stop = CancellationToken::new();
    tokio::spawn(health.clone().keep(http_stop.clone()));
    tokio::spawn(access.clone().follow(http_stop.clone()));
    let http_side = tokio::spawn(http::serve(
        listeners.http,
        http::router(telemetry::metrics()?, readiness).merge(health.routes()),
        http_stop.clone(),
    ));
    let policy = policy(&config);
    let blobs = world.blobs.clone();
    let runner =
        Runner::new(jobs.clone(), world, policy.clone(), runner_config(&config), shutdown.clone());
    let images = Images::new(
        jobs.clone(),
        blobs.clone(),
        models,
        runner.clone(),
        config.lease,
        shutdown.clone(),
    );
    let routes = health_and_reflection(&health, proto::FILE_DESCRIPTOR_SET)?
        .add_service(ImageServiceServer::new(images));
    let calls_stop = CancellationToken::new();
    let calls = serve(listeners.grpc, routes, access, calls_stop.clone())?;

    let housekeeping = tokio::spawn(housekeep(
        jobs,
        blobs,
        runner.clone(),
        policy,
        config.lease,
        shutdown.clone(),
    ));
    health.ready().await;
    tracing::info!(database = db.location(), "image-worker is ready");
    let turn_away = turn_away(health, shutdown.clone(), calls_stop);
    let ((), (), calls) = tokio::join!(runner.run(), turn_away, drain(calls, &config, shutdown));
    calls?;
    housekeeping.await?;
    db.connection.clone().close().await?;
    http_stop.cancel();
    match timeout(HTTP_DRAIN, http_side).await {
        Ok(ended) => ended??,
        Err(_) => tracing::warn!("scrapes did not end in time and are cut off"),
    }
    tracing::info!("image-worker has stopped");
    Ok(())
}

/// May this role call the RPC of this path?
fn allowed(role: Role, path: &str) -> bool {
    match role {
        Role::Gateway | Role::Service | Role::Admin => true,
        Role::Viewer => path
            .strip_prefix('/')
            .and_then(|path| path.strip_prefix(SERVICE_NAME))
            .is_some_and(|method| matches!(method, "/GetJob" | "/WatchJob")),
        Role::Worker => false,
    }
}

fn world(config: &Config, models: Arc<Models>) -> Result<World> {
    let peers = config.peers()?;
    let billing = BillingClient::new(&peers.billing).context("BILLING_URL")?;
    let gateway = ClientConfig { deadline: DELIVERY_DEADLINE, ..peers.gateway };
    let gateway = DeliveryClient::new(&gateway).context("GATEWAY_URL")?;
    Ok(World {
        blobs: Blobs::open(&config.blob_url).context("WORKER_BLOB_URL")?,
        fal: FalClient::new(config.fal_queue_url.clone(), &config.fal_key)?,
        models,
        settlement: Settlement::new(billing),
        delivery: Delivery::new(gateway),
        poll_interval: config.poll_interval,
    })
}

async fn open(config: &Config) -> Result<Db> {
    let url = config.database_url.expose_secret();
    let db = db::open(url, config.concurrency.saturating_add(MORE_CONNECTIONS))
        .await
        .context("WORKER_DATABASE_URL")?;
    let mode = config.migrate.unwrap_or_else(|| MigrateMode::default_for(url));
    migrations::prepare::<WorkerMigrator>(&db.connection, mode).await?;
    Ok(db)
}

fn policy(config: &Config) -> Policy {
    Policy {
        max_attempts: config.max_attempts,
        backoff: config.retry_backoff,
        time_limit: config.job_time_limit,
        lost_attempt_wait: config.lost_attempt_wait,
    }
}

fn runner_config(config: &Config) -> RunnerConfig {
    RunnerConfig { concurrency: config.concurrency, lease: config.lease, drain: config.drain }
}

type Calls = tokio::task::JoinHandle<Result<(), tonic::transport::Error>>;

/// The stack, from the outside: whose trace it is part of, what is measured, who may, what is done.
fn serve(
    listener: TcpListener,
    routes: Routes,
    access: Access,
    shutdown: CancellationToken,
) -> Result<Calls> {
    let Access { callers, tls } = access;
    let server = server_builder(Some(MAX_CONNECTION_AGE))
        .layer(TraceLayer::new(proto::FILE_DESCRIPTOR_SET)?)
        .layer(MetricsLayer::new(proto::FILE_DESCRIPTOR_SET)?)
        .layer(AuthLayer::new(callers, allowed, DOMAIN))
        .add_routes(routes);
    let incoming = connections(listener, tls, Some(MAX_CONNECTION_AGE));
    Ok(tokio::spawn(async move {
        server.serve_with_incoming_shutdown(incoming, shutdown.cancelled_owned()).await
    }))
}

/// At the start of the end, those who ask are told first; then no new calls are taken.
async fn turn_away(health: Health, shutdown: CancellationToken, calls: CancellationToken) {
    shutdown.cancelled().await;
    health.drain().await;
    calls.cancel();
}

/// Lets calls under way end, but not for ever.
async fn drain(mut calls: Calls, config: &Config, shutdown: CancellationToken) -> Result<()> {
    let too_long = async {
        shutdown.cancelled().await;
        tokio::time::sleep(config.drain).await;
    };
    tokio::select! {
        ended = &mut calls => {
            // Whatever ended it: without calls there is no service.
            shutdown.cancel();
            Ok(ended??)
        }
        () = too_long => {
            tracing::warn!("calls under way are dropped");
            calls.abort();
            Ok(())
        }
    }
}
