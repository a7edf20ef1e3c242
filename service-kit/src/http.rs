//! The plain HTTP side of a service: `/metrics`, `/healthz` (the process lives) and `/readyz` (it can do its work now).
//!
//! Serve it longer than everything else: during a drain `/readyz` must be there to say no.

use std::{fmt, future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use futures::future::BoxFuture;
use metrics_exporter_prometheus::PrometheusHandle;
use sea_orm::DatabaseConnection;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::{net::TcpListener, sync::Mutex, time::Instant};
use tokio_util::sync::CancellationToken;

/// A check that takes longer has failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a schema that fits is believed to fit.
pub const SCHEMA_KEPT: Duration = Duration::from_secs(30);

type Check = dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync;

/// Is this service ready? Only while it says so itself and its check succeeds. Begins as not ready.
#[derive(Clone)]
pub struct Readiness {
    said: Arc<AtomicBool>,
    check: Arc<Check>,
}

impl Readiness {
    /// With a check of what the service can't work without. Its error text is shown at `/readyz`: no secrets.
    pub fn new<F>(check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self { said: Arc::new(AtomicBool::new(false)), check: Arc::new(move || Box::pin(check())) }
    }

    /// Checks that the database answers, and now and then ([`SCHEMA_KEPT`]) that `schema` finds nothing wrong with its tables;
    /// what it found wrong is looked at again at once.
    pub fn of_database<F>(
        connection: DatabaseConnection,
        schema: impl Fn(DatabaseConnection) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let fitted: Arc<Mutex<Option<Instant>>> = Arc::default();
        Self::new(move || {
            let (connection, fitted) = (connection.clone(), fitted.clone());
            let schema = schema(connection.clone());
            async move {
                connection.ping().await.map_err(|error| {
                    tracing::warn!(%error, "the database does not answer");
                    "the database does not answer".to_owned()
                })?;
                let mut fitted = fitted.lock().await;
                if fitted.is_none_or(|at| at.elapsed() >= SCHEMA_KEPT) {
                    *fitted = None;
                    schema.await?;
                    *fitted = Some(Instant::now());
                }
                Ok(())
            }
        })
    }

    /// Says that the service is ready, or (first of all when it shuts down) that it isn't.
    pub fn set_ready(&self, ready: bool) {
        self.said.store(ready, Ordering::Release);
    }

    /// Did the service say so itself?
    pub(crate) fn said(&self) -> bool {
        self.said.load(Ordering::Acquire)
    }

    /// Why the service isn't ready, if it isn't.
    pub async fn check(&self) -> Result<(), String> {
        if !self.said() {
            return Err("starting or shutting down".to_owned());
        }
        tokio::time::timeout(CHECK_TIMEOUT, (self.check)())
            .await
            .unwrap_or_else(|_| Err("the check took too long".to_owned()))
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness").field("said", &self.said).finish_non_exhaustive()
    }
}

/// The routes that every service has; merge more into it.
pub fn router(metrics: PrometheusHandle, readiness: Readiness) -> Router {
    let render = move || async move {
        let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
        (content_type, metrics.render())
    };
    let ready = move || async move {
        match readiness.check().await {
            Ok(()) => (StatusCode::OK, "ok".to_owned()).into_response(),
            Err(why) => (StatusCode::SERVICE_UNAVAILABLE, why).into_response(),
        }
    };
    Router::new()
        .route("/metrics", get(render))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
}

/// Serves until `shutdown`, then answers what is under way and returns. Handlers may ask who called:
/// `axum::extract::ConnectInfo<SocketAddr>`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(shutdown.cancelled_owned()).await
}
