//! Wires the gateway together, and takes it apart from the edge inwards.
//!
//! Shutdown: say "not ready"; stop taking updates and calls; let the handlers and deliveries at hand end, up to
//! `DRAIN`; stop the upkeep of messages; close the HTTP side and the database. What did not end in time is taken up
//! again by its lease.

mod work;

use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use migrations::GatewayMigrator;
use proto::{
    client::{
        BillingClient, Connection, EventClient, ImagesClient, PaymentClient, PromotionClient,
    },
    gateway::v1::delivery_service_server::{DeliveryServiceServer, SERVICE_NAME},
};
use secrecy::ExposeSecret;
use service_kit::{
    auth::{AuthLayer, Role},
    db::{self, Db},
    grpc::{
        MAX_CONNECTION_AGE, MetricsLayer, TraceLayer, connections, health_and_reflection,
        server_builder,
    },
    health::Health,
    http::{self, Readiness},
    queue::Queue,
};
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Services, Settings,
    config::{Checked, Config},
    delivery::{DOMAIN, Delivery, DeliveryGrpc, REASONS},
    inbox::{self, Inbox, webhook},
    notices,
    payments::{
        self,
        checkout::{self, Checkouts},
    },
    store::Store,
    telegram::{self, Api, Files, Intake},
};

/// How long handlers and deliveries may take to end.
const DRAIN: Duration = Duration::from_secs(25);
/// How long webhooks and scrapes may take to end.
const HTTP_DRAIN: Duration = Duration::from_secs(2);
/// What the conversation's requests may take; teloxide's own default.
const CHAT_TIMEOUT: Duration = Duration::from_secs(17);
/// What an upload of a result may take.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(60);

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
    let readiness =
        Readiness::of_database(parts.db.connection.clone(), migrations::usable::<GatewayMigrator>);
    let health = Health::new(readiness.clone(), &[SERVICE_NAME]).await;
    let stages = Stages::default();
    tokio::spawn(health.clone().keep(stages.http.clone()));
    tokio::spawn(checked.access.clone().follow(stages.http.clone()));

    let hops = usize::from(checked.config.proxy_hops);
    let mut routes = http::router(prometheus, readiness)
        .merge(health.routes())
        .merge(payments::webhook::router(parts.services.payments.clone(), hops));
    if let Some(secret) = &checked.config.telegram_webhook_secret {
        let webhook = webhook::router(parts.services.inbox.clone(), secret);
        routes = routes.merge(webhook);
    }
    let http = tokio::spawn(http::serve(listeners.http, routes, stages.http.clone()));
    let deliveries = TaskTracker::new();
    let grpc = serve_grpc(&checked, &parts, listeners.grpc, deliveries.clone(), &health, &stages)?;

    let started = telegram::start(&parts.api, checked.bot_id, &checked.intake, &shutdown).await;
    let mut work = None;
    if matches!(started, Ok(Some(()))) {
        work = Some(work::start(&checked, &parts, &stages));
        health.ready().await;
        tracing::info!(bot_id = checked.bot_id, intake = ?IntakeName(&checked.intake), "the gateway is ready");
        shutdown.cancelled().await;
    }

    health.drain().await;
    stages.intake.cancel();
    deliveries.close();
    let drained = timeout(DRAIN, async {
        if let Some(work) = work {
            work.drain(&stages).await;
        }
        deliveries.wait().await;
        ended("grpc", grpc.await);
    });
    if drained.await.is_err() {
        tracing::warn!("what was at hand did not end in time; it will be taken up again");
    }
    stages.http.cancel();
    match timeout(HTTP_DRAIN, http).await {
        Ok(http) => drop(ended("http", http)),
        Err(_) => tracing::warn!("webhooks or scrapes did not end in time and are cut off"),
    }
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
    /// Metrics and health, and the look at files.
    http: CancellationToken,
}

struct Parts {
    db: Db,
    api: Api,
    queues: Queues,
    checkouts: Checkouts,
    events: EventClient,
    services: Services,
}

/// The durable queues, each worked off by a lane.
#[derive(Clone)]
struct Queues {
    inbox: Queue,
    checkouts: Queue,
    notices: Queue,
}

impl Queues {
    async fn open(db: &Db) -> anyhow::Result<Self> {
        let queue = |table| {
            let owner = format!("gateway-{}", std::process::id());
            Queue::new(db.connection.clone(), table, owner)
        };
        let queues = Queues {
            inbox: queue(inbox::TABLE),
            checkouts: queue(checkout::TABLE),
            notices: queue(notices::TABLE),
        };
        for queue in [&queues.inbox, &queues.checkouts, &queues.notices] {
            queue.take_over().await?;
        }
        Ok(queues)
    }
}

impl Parts {
    async fn build(checked: &Checked) -> anyhow::Result<Self> {
        let config = &checked.config;
        let db = db::open(config.database_url.expose_secret(), MAX_CONNECTIONS).await?;
        migrations::prepare::<GatewayMigrator>(&db.connection, checked.migrate).await?;
        let api = Api::new(config.telegram_api_url.clone(), config.telegram_bot_token.clone())?;
        let queues = Queues::open(&db).await?;
        let billing = Connection::new(&checked.peers.billing).context("BILLING_URL")?;
        let store = Store::new(db.connection.clone());
        let checkouts = Checkouts {
            payments: PaymentClient::over(&billing.with_deadline(checkout::ASK_ONCE)),
            api: api.clone(),
            store: store.clone(),
        };
        let services = Services {
            bot: telegram::bot(&config.telegram_api_url, &config.telegram_bot_token, CHAT_TIMEOUT)?,
            bot_id: checked.bot_id,
            billing: BillingClient::over(&billing),
            payments: PaymentClient::over(&billing),
            promotions: PromotionClient::over(&billing),
            images: ImagesClient::new(&checked.peers.worker).context("WORKER_URL")?,
            store,
            files: Files::new(api.clone()),
            inbox: Inbox::new(queues.inbox.clone(), queues.checkouts.clone(), checked.bot_id),
            settings: Settings {
                support_contact: config.support_contact.clone(),
                terms_url: config.terms_url.clone(),
                ..Settings::default()
            },
        };
        let events = EventClient::over(&billing);
        Ok(Parts { db, api, queues, checkouts, events, services })
    }
}

/// Connections to the database: handlers and deliveries hold one for a statement at a time.
const MAX_CONNECTIONS: u32 = 16;

fn serve_grpc(
    checked: &Checked,
    parts: &Parts,
    listener: TcpListener,
    running: TaskTracker,
    health: &Health,
    stages: &Stages,
) -> anyhow::Result<JoinHandle<Result<(), tonic::transport::Error>>> {
    let config = &checked.config;
    let bot = telegram::bot(&config.telegram_api_url, &config.telegram_bot_token, UPLOAD_TIMEOUT)?;
    let delivery = Delivery::new(bot, parts.services.images.clone(), parts.services.store.clone());
    let routes = health_and_reflection(health, proto::FILE_DESCRIPTOR_SET)?;
    let service = DeliveryServiceServer::new(DeliveryGrpc::new(delivery, running));
    let access = &checked.access;
    let server = server_builder(Some(MAX_CONNECTION_AGE))
        // Outermost: whatever the others log stands in the call's trace.
        .layer(TraceLayer::new(proto::FILE_DESCRIPTOR_SET)?)
        // Before authentication: refused calls are counted as well.
        .layer(MetricsLayer::with_reasons(proto::FILE_DESCRIPTOR_SET, REASONS)?)
        .layer(AuthLayer::new(access.callers.clone(), allowed, DOMAIN))
        .add_routes(routes.add_service(service));
    let incoming = connections(listener, access.tls.clone(), Some(MAX_CONNECTION_AGE));
    let shutdown = stages.intake.clone().cancelled_owned();
    Ok(tokio::spawn(server.serve_with_incoming_shutdown(incoming, shutdown)))
}

/// Who may have results delivered.
fn allowed(role: Role, _path: &str) -> bool {
    match role {
        Role::Worker | Role::Service | Role::Admin => true,
        Role::Gateway | Role::Viewer => false,
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
