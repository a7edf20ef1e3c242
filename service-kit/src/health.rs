//! `grpc.health.v1`: the truth of [`Readiness`], for those who ask by gRPC.
//!
//! The names `""`, `readiness` and those of the server's own services say whether it can do its work now; `liveness` says that
//! the process lives. A background task ([`Health::keep`]) keeps them true. The same service is on the gRPC port and, without TLS,
//! on the HTTP side ([`Health::routes`]), because the kubelet's gRPC probes know no TLS.

use std::{pin::Pin, sync::Arc, time::Duration};

use axum::Router;
use futures::{Stream, StreamExt, stream};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tonic_health::{
    ServingStatus,
    pb::{
        HealthCheckRequest, HealthCheckResponse,
        health_check_response::ServingStatus as Wire,
        health_server::{Health as Rpcs, HealthServer},
    },
    server::{HealthReporter, HealthService},
};

use crate::http::Readiness;

/// SERVING while the process lives.
pub const LIVENESS: &str = "liveness";
/// SERVING while it can do its work.
pub const READINESS: &str = "readiness";
/// How often the truth is asked for.
const REFRESH: Duration = Duration::from_secs(2);

/// What is said about the health of this process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Health {
    readiness: Readiness,
    reporter: HealthReporter,
    names: Arc<[&'static str]>,
    /// What was told last; held while it is told, so that nothing older is told after.
    told: Arc<Mutex<Option<ServingStatus>>>,
    /// Watchers are let go.
    over: CancellationToken,
}

impl Health {
    /// Of a server with services of these full names. Not serving until [`Health::ready`].
    pub async fn new(readiness: Readiness, services: &[&'static str]) -> Self {
        let names = ["", READINESS].iter().chain(services).copied().collect();
        let reporter = HealthReporter::new();
        let told = Arc::default();
        let health = Self { readiness, reporter, names, told, over: CancellationToken::new() };
        health.tell(false).await;
        health.reporter.set_service_status(LIVENESS, ServingStatus::Serving).await;
        health
    }

    /// Everything has been started: from now on the checks decide.
    pub async fn ready(&self) {
        self.readiness.set_ready(true);
        self.refresh().await;
    }

    /// First of all when the service shuts down: not ready, for good. Those who watch are told, and let go.
    pub async fn drain(&self) {
        self.readiness.set_ready(false);
        self.tell(false).await;
        self.over.cancel();
    }

    /// Keeps the answers true until `stop`.
    pub async fn keep(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(REFRESH) => self.refresh().await,
                () = stop.cancelled() => return,
            }
        }
    }

    /// For the HTTP side: answers HTTP/2 without TLS.
    pub fn routes(&self) -> Router {
        // Not tonic's own router: what that does not know is answered as gRPC, also to a browser.
        let path = format!("/{}/{{*rpc}}", tonic_health::pb::health_server::SERVICE_NAME);
        Router::new().route_service(&path, self.service())
    }

    pub(crate) fn service(&self) -> HealthServer<impl Rpcs> {
        let inner = HealthService::from_health_reporter(self.reporter.clone());
        HealthServer::new(Service { inner, over: self.over.clone() })
    }

    async fn refresh(&self) {
        let ready = self.readiness.check().await.is_ok();
        self.tell(ready).await;
    }

    async fn tell(&self, ready: bool) {
        let mut told = self.told.lock().await;
        // What was checked before the drain began counts no more.
        let status = if ready && self.readiness.said() {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        // tonic-health tells its watchers whatever is set, news or not.
        if told.replace(status) == Some(status) {
            return;
        }
        for name in &*self.names {
            self.reporter.set_service_status(name, status).await;
        }
    }
}

/// tonic-health's own service, whose watchers would hold up a drain.
struct Service {
    inner: HealthService,
    over: CancellationToken,
}

#[tonic::async_trait]
impl Rpcs for Service {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        self.inner.check(request).await
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let watch = self.inner.watch(request).await?.into_inner();
        let last = HealthCheckResponse { status: Wire::NotServing.into() };
        let watch = watch
            .take_until(self.over.clone().cancelled_owned())
            .chain(stream::once(async move { Ok(last) }));
        Ok(Response::new(Box::pin(watch)))
    }
}
