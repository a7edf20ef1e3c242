//! Wires the gateway together, and takes it apart from the edge inwards.
//!
//! Shutdown: say "not ready"; stop taking updates and calls; let the handlers and deliveries at hand end, up to
//! `DRAIN`; stop the upkeep of messages; close the HTTP side and the database. What did not end in time is taken up
//! again by its lease.

use std::time::{Duration, SystemTime};

use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use migrations::GatewayMigrator;
use proto::{
    client::{BillingClient, ClientConfig, ImagesClient, PaymentClient, PromotionClient},
    gateway::v1::delivery_service_server::{DeliveryServiceServer, SERVICE_NAME},
};
use secrecy::ExposeSecret;
use service_kit::{
    auth::{AuthLayer, Role},
    db::{self, Db},
    grpc::{MetricsLayer, health_and_reflection, server_builder},
    http::{self, Readiness},
    queue::Queue,
};
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Services, Settings,
    config::{Checked, Config},
    delivery::{DOMAIN, Delivery, DeliveryGrpc, progress},
    inbox::{self, Inbox, dispatcher, poller, webhook},
    metrics,
    store::Store,
    telegram::{self, Api, Files, Intake},
};

/// How long handlers and deliveries may take to end.
const DRAIN: Duration = Duration::from_secs(25);
/// What the conversation's requests may take; teloxide's own default.
const CHAT_TIMEOUT: Duration = Duration::from_secs(17);
/// What an upload of a result may take.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(60);
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// How long updates that were handled are kept, so that a late repetition is known.
const KEEP_HANDLED: Duration = Duration::from_secs(7 * 24 * 3600);

/// The sockets of the gateway.
pub struct Listeners {
    /// Delivery of results.
    pub grpc: TcpListener,
    /// Metrics, health, webhooks.
    pub http: TcpListener,
}

impl Listeners {
    /// Binds what the configuration says.
    pub async fn bind(config: &Config) -> anyhow::Result<Self> {
        let grpc = TcpListener::bind(config.listen).await;
        let http = TcpListener::bind(config.http_listen).await;
        Ok(Listeners {
            grpc: grpc.with_context(|| format!("GATEWAY_LISTEN {}", config.listen))?,
            http: http.with_context(|| format!("GATEWAY_HTTP_LISTEN {}", config.http_listen))?,
        })
    }
}

/// Runs the gateway until `shutdown`, or until Telegram says that the token is wrong.
pub async fn run(
    checked: Checked,
    listeners: Listeners,
    prometheus: PrometheusHandle,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let parts = Parts::build(&checked).await?;
    let readiness = Readiness::of_database(parts.db.connection.clone());
    let stages = Stages::default();

    let mut routes = http::router(prometheus, readiness.clone());
    if let Some(secret) = &checked.config.telegram_webhook_secret {
        let webhook = webhook::router(parts.services.inbox.clone(), secret);
        routes = routes.merge(webhook);
    }
    let http = tokio::spawn(http::serve(listeners.http, routes, stages.http.clone()));
    let deliveries = TaskTracker::new();
    let grpc =
        serve_grpc(&checked, &parts, listeners.grpc, deliveries.clone(), stages.intake.clone())
            .await?;

    let started = telegram::start(&parts.api, checked.bot_id, &checked.intake, &shutdown).await;
    let mut work = None;
    if matches!(started, Ok(Some(()))) {
        work = Some(start_work(&checked, &parts, &stages));
        readiness.set_ready(true);
        tracing::info!(bot_id = checked.bot_id, intake = ?IntakeName(&checked.intake), "the gateway is ready");
        shutdown.cancelled().await;
    }

    readiness.set_ready(false);
    stages.intake.cancel();
    deliveries.close();
    let drained = timeout(DRAIN, async {
        if let Some(work) = work {
            ended("intake", work.intake.await);
            ended("dispatcher", work.dispatcher.await);
            stages.upkeep.cancel();
            ended("progress", work.progress.await);
            ended("housekeeping", work.housekeeping.await);
        }
        deliveries.wait().await;
        ended("grpc", grpc.await);
    });
    if drained.await.is_err() {
        tracing::warn!("what was at hand did not end in time; it will be taken up again");
    }
    stages.http.cancel();
    ended("http", http.await);
    parts.db.connection.close().await?;
    started?;
    Ok(())
}

/// What is canceled, in this order.
#[derive(Default)]
struct Stages {
    /// Updates and calls.
    intake: CancellationToken,
    /// The upkeep of messages, housekeeping.
    upkeep: CancellationToken,
    /// Metrics and health.
    http: CancellationToken,
}

struct Parts {
    db: Db,
    api: Api,
    queue: Queue,
    services: Services,
}

impl Parts {
    async fn build(checked: &Checked) -> anyhow::Result<Self> {
        let config = &checked.config;
        let db = db::open(config.database_url.expose_secret(), MAX_CONNECTIONS).await?;
        migrations::prepare::<GatewayMigrator>(&db.connection, checked.migrate).await?;
        let api = Api::new(config.telegram_api_url.clone(), config.telegram_bot_token.clone())?;
        let queue = Queue::new(
            db.connection.clone(),
            inbox::TABLE,
            format!("gateway-{}", std::process::id()),
        );
        queue.take_over().await?;
        let billing = ClientConfig::new(config.billing_url.as_str(), config.billing_token.clone());
        let images = ClientConfig::new(config.worker_url.as_str(), config.worker_token.clone());
        let services = Services {
            bot: telegram::bot(&config.telegram_api_url, &config.telegram_bot_token, CHAT_TIMEOUT)?,
            bot_id: checked.bot_id,
            billing: BillingClient::new(&billing).context("BILLING_URL")?,
            payments: PaymentClient::new(&billing).context("BILLING_URL")?,
            promotions: PromotionClient::new(&billing).context("BILLING_URL")?,
            images: ImagesClient::new(&images).context("WORKER_URL")?,
            store: Store::new(db.connection.clone()),
            files: Files::new(api.clone()),
            inbox: Inbox::new(queue.clone(), checked.bot_id),
            settings: Settings {
                support_contact: config.support_contact.clone(),
                terms_url: config.terms_url.clone(),
                ..Settings::default()
            },
        };
        Ok(Parts { db, api, queue, services })
    }
}

/// Connections to the database: handlers and deliveries hold one for a statement at a time.
const MAX_CONNECTIONS: u32 = 16;

async fn serve_grpc(
    checked: &Checked,
    parts: &Parts,
    listener: TcpListener,
    running: TaskTracker,
    shutdown: CancellationToken,
) -> anyhow::Result<JoinHandle<Result<(), tonic::transport::Error>>> {
    let config = &checked.config;
    let bot = telegram::bot(&config.telegram_api_url, &config.telegram_bot_token, UPLOAD_TIMEOUT)?;
    let delivery = Delivery::new(bot, parts.services.images.clone(), parts.services.store.clone());
    let (health, routes) = health_and_reflection(proto::FILE_DESCRIPTOR_SET).await?;
    let service = DeliveryServiceServer::new(DeliveryGrpc::new(delivery, running));
    health.set_service_status(SERVICE_NAME, tonic_health::ServingStatus::Serving).await;
    let server = server_builder()
        // Outermost: refused calls are counted as well.
        .layer(MetricsLayer::new(proto::FILE_DESCRIPTOR_SET)?)
        .layer(AuthLayer::new(checked.callers.clone(), allowed, DOMAIN))
        .add_routes(routes.add_service(service));
    let incoming = TcpListenerStream::new(listener);
    Ok(tokio::spawn(server.serve_with_incoming_shutdown(incoming, shutdown.cancelled_owned())))
}

/// Who may have results delivered.
fn allowed(role: Role, _path: &str) -> bool {
    match role {
        Role::Worker | Role::Service | Role::Admin => true,
        Role::Gateway | Role::Viewer => false,
    }
}

struct Work {
    intake: JoinHandle<()>,
    dispatcher: JoinHandle<()>,
    progress: JoinHandle<()>,
    housekeeping: JoinHandle<()>,
}

fn start_work(checked: &Checked, parts: &Parts, stages: &Stages) -> Work {
    let services = &parts.services;
    let intake = match &checked.intake {
        Intake::Polling => tokio::spawn(poller::run(
            parts.api.clone(),
            services.inbox.clone(),
            stages.intake.clone(),
        )),
        // The route is served with the HTTP side.
        Intake::Webhook { .. } => tokio::spawn(async {}),
    };
    let concurrency = checked.config.concurrency.get();
    let dispatcher =
        dispatcher::run(parts.queue.clone(), services.clone(), concurrency, stages.intake.clone());
    let progress = progress::run(
        services.bot.clone(),
        services.images.clone(),
        services.store.clone(),
        stages.upkeep.clone(),
    );
    let housekeeping =
        keep_house(parts.queue.clone(), services.store.clone(), stages.upkeep.clone());
    Work {
        intake,
        dispatcher: tokio::spawn(dispatcher),
        progress: tokio::spawn(progress),
        housekeeping: tokio::spawn(housekeeping),
    }
}

/// Counts what waits, and deletes what is old.
async fn keep_house(queue: Queue, store: Store, shutdown: CancellationToken) {
    loop {
        let now = SystemTime::now();
        match queue.count().await {
            Ok(rows) => {
                let states = [
                    ("ready", rows.ready),
                    ("leased", rows.leased),
                    ("done", rows.done),
                    ("dead", rows.dead),
                ];
                for (state, rows) in states {
                    metrics::inbox_rows(state, rows);
                }
            }
            Err(error) => tracing::warn!(%error, "the inbox can't be counted"),
        }
        if let Err(error) = queue.prune(now - KEEP_HANDLED).await {
            tracing::warn!(%error, "the inbox can't be pruned");
        }
        if let Err(error) = store.prune(now).await {
            tracing::warn!(%error, "old requests can't be pruned");
        }
        tokio::select! {
            () = tokio::time::sleep(HOUSEKEEPING) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Says so when a part ended otherwise than it should.
fn ended<T>(part: &'static str, result: Result<T, tokio::task::JoinError>) -> Option<T> {
    result.inspect_err(|error| tracing::error!(%error, part, "a part of the gateway broke")).ok()
}

/// For the log: a webhook's secret and URL stay out of it.
struct IntakeName<'a>(&'a Intake);

impl std::fmt::Debug for IntakeName<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Intake::Polling => "polling",
            Intake::Webhook { .. } => "webhook",
        })
    }
}
