//! A billing server that answers as a test tells it to, and remembers what it was asked.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use proto::billing::v1::{
    self as billing, ChargeRequest, ChargeResponse,
    billing_service_server::{BillingService, BillingServiceServer},
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status, metadata::MetadataMap, transport::server::Router};

/// What a call is answered.
pub enum Answer {
    Charged,
    Refused(Status),
    /// Never.
    Nothing,
}

/// What arrived.
#[derive(Clone)]
pub struct Seen {
    pub request: ChargeRequest,
    pub metadata: MetadataMap,
    /// The client's own, in DER.
    pub certificate: Option<Vec<u8>>,
}

/// Answers as scripted, then always Charged.
#[derive(Clone, Default)]
pub struct Billing {
    script: Arc<Mutex<VecDeque<Answer>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// How long each answer takes.
    work: Duration,
}

impl Billing {
    pub fn new(script: impl IntoIterator<Item = Answer>) -> Self {
        Self { script: Arc::new(Mutex::new(script.into_iter().collect())), ..Self::default() }
    }

    /// Takes a while for each answer, so that calls are under way at any moment.
    pub fn slow() -> Self {
        Self { work: Duration::from_millis(20), ..Self::default() }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub async fn start(&self) -> Running {
        Running::start(self.router()).await
    }

    pub async fn start_at(&self, address: SocketAddr) -> Running {
        Running::start_at(self.router(), address).await
    }

    fn router(&self) -> Router {
        tonic::transport::Server::builder().add_service(self.service())
    }

    pub fn service(&self) -> BillingServiceServer<Self> {
        BillingServiceServer::new(self.clone())
    }
}

/// A server on loopback, until it is dropped.
pub struct Running {
    pub address: SocketAddr,
    _stop: DropGuard,
}

impl Running {
    pub async fn start(router: Router) -> Self {
        Self::start_at(router, ([127, 0, 0, 1], 0).into()).await
    }

    pub async fn start_at(router: Router, address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let incoming = TcpListenerStream::new(listener);
        tokio::spawn(router.serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned()));
        Self { address, _stop: stop.drop_guard() }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn unused<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("no test asks this"))
}

#[tonic::async_trait]
impl BillingService for Billing {
    async fn charge(
        &self,
        request: Request<ChargeRequest>,
    ) -> Result<Response<ChargeResponse>, Status> {
        let metadata = request.metadata().clone();
        let certificate =
            request.peer_certs().and_then(|chain| Some(chain.first()?.as_ref().to_vec()));
        let request = request.into_inner();
        self.seen.lock().unwrap().push(Seen { request, metadata, certificate });
        tokio::time::sleep(self.work).await;
        let answer = self.script.lock().unwrap().pop_front();
        match answer.unwrap_or(Answer::Charged) {
            Answer::Charged => {
                Ok(Response::new(ChargeResponse { replayed: true, ..Default::default() }))
            }
            Answer::Refused(status) => Err(status),
            Answer::Nothing => std::future::pending().await,
        }
    }

    async fn complete(
        &self,
        _: Request<billing::CompleteRequest>,
    ) -> Result<Response<billing::CompleteResponse>, Status> {
        unused()
    }

    async fn refund(
        &self,
        _: Request<billing::RefundRequest>,
    ) -> Result<Response<billing::RefundResponse>, Status> {
        unused()
    }

    async fn extend_hold(
        &self,
        _: Request<billing::ExtendHoldRequest>,
    ) -> Result<Response<billing::ExtendHoldResponse>, Status> {
        unused()
    }

    async fn get_user_info(
        &self,
        _: Request<billing::GetUserInfoRequest>,
    ) -> Result<Response<billing::GetUserInfoResponse>, Status> {
        unused()
    }

    async fn get_operation(
        &self,
        _: Request<billing::GetOperationRequest>,
    ) -> Result<Response<billing::GetOperationResponse>, Status> {
        unused()
    }

    async fn list_operations(
        &self,
        _: Request<billing::ListOperationsRequest>,
    ) -> Result<Response<billing::ListOperationsResponse>, Status> {
        unused()
    }

    async fn list_entries(
        &self,
        _: Request<billing::ListEntriesRequest>,
    ) -> Result<Response<billing::ListEntriesResponse>, Status> {
        unused()
    }

    async fn quote(
        &self,
        _: Request<billing::QuoteRequest>,
    ) -> Result<Response<billing::QuoteResponse>, Status> {
        unused()
    }

    async fn list_prices(
        &self,
        _: Request<billing::ListPricesRequest>,
    ) -> Result<Response<billing::ListPricesResponse>, Status> {
        unused()
    }
}
