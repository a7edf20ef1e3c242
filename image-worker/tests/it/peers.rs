//! Billing and the gateway, as far as a worker meets them: small servers of the real contracts that keep the real rules of
//! settling and delivering, note what reached them, and can be away. The whole-system tests use the real ones.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use proto::billing::v1::billing_service_server::{BillingService, BillingServiceServer};
use proto::billing::v1::*;
use proto::client::ImagesClient;
use proto::gateway::v1::deliver_result_request::Outcome;
use proto::gateway::v1::delivery_service_server::{DeliveryService, DeliveryServiceServer};
use proto::gateway::v1::{
    DeliverResultRequest, DeliverResultResponse, DeliveryStatus, FailureReason,
};
use service_kit::grpc::Refusal;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status};

use crate::harness::{listener, new_id};

/// What became of an operation's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Money {
    Held,
    Completed,
    Refunded(RefundReason),
}

/// Billing's state table, for one who settles.
#[derive(Clone)]
pub struct Billing {
    pub url: String,
    books: Arc<Books>,
}

#[derive(Default)]
struct Books {
    operations: Mutex<HashMap<String, Money>>,
    away: AtomicBool,
}

impl Billing {
    pub async fn start() -> Self {
        let listener = listener().await;
        let url = format!("http://{}", listener.local_addr().unwrap());
        let books = Arc::new(Books::default());
        let billing = Self { url, books };
        let server = Server::builder().add_service(BillingServiceServer::new(billing.clone()));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        billing
    }

    /// A new operation, held.
    pub fn charge(&self) -> String {
        let id = new_id();
        self.books.operations.lock().unwrap().insert(id.clone(), Money::Held);
        id
    }

    pub fn money(&self, operation_id: &str) -> Money {
        self.books.operations.lock().unwrap()[operation_id]
    }

    /// Somebody else settles it.
    pub fn settle(&self, operation_id: &str, money: Money) {
        self.books.operations.lock().unwrap().insert(operation_id.to_owned(), money);
    }

    pub fn be_away(&self, away: bool) {
        self.books.away.store(away, Ordering::SeqCst);
    }

    /// Finds the operation and, if it is held, changes it.
    fn settle_held(
        &self,
        operation_id: &str,
        wanted: impl Fn(Money) -> bool,
        then: Money,
    ) -> Result<bool, Status> {
        if self.books.away.load(Ordering::SeqCst) {
            return Err(refuse(Code::Unavailable, "STORE_UNAVAILABLE"));
        }
        let mut operations = self.books.operations.lock().unwrap();
        let money = operations
            .get_mut(operation_id)
            .ok_or_else(|| refuse(Code::NotFound, "OPERATION_NOT_FOUND"))?;
        match *money {
            Money::Held => {
                *money = then;
                Ok(false)
            }
            settled if wanted(settled) => Ok(true),
            Money::Completed => Err(refuse(Code::FailedPrecondition, "OPERATION_COMPLETED")),
            Money::Refunded(_) => Err(refuse(Code::FailedPrecondition, "OPERATION_REFUNDED")),
        }
    }
}

fn refuse(code: Code, reason: &str) -> Status {
    Refusal::new(code, "billing.kopilka", reason, reason).into_status()
}

fn unused<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("a worker never calls this"))
}

#[tonic::async_trait]
impl BillingService for Billing {
    async fn complete(
        &self,
        request: Request<CompleteRequest>,
    ) -> Result<Response<CompleteResponse>, Status> {
        let id = request.into_inner().operation_id;
        let replayed =
            self.settle_held(&id, |money| money == Money::Completed, Money::Completed)?;
        Ok(Response::new(CompleteResponse { operation: None, user: None, replayed }))
    }

    async fn refund(
        &self,
        request: Request<RefundRequest>,
    ) -> Result<Response<RefundResponse>, Status> {
        let request = request.into_inner();
        let refunded = Money::Refunded(request.reason());
        let again = |money| matches!(money, Money::Refunded(_));
        let replayed = self.settle_held(&request.operation_id, again, refunded)?;
        Ok(Response::new(RefundResponse { operation: None, user: None, replayed }))
    }

    async fn extend_hold(
        &self,
        request: Request<ExtendHoldRequest>,
    ) -> Result<Response<ExtendHoldResponse>, Status> {
        let request = request.into_inner();
        self.settle_held(&request.operation_id, |_| false, Money::Held)?;
        let hold = Duration::from_secs(u64::try_from(request.hold.unwrap().seconds).unwrap());
        let operation = Operation {
            operation_id: request.operation_id,
            expire_time: Some((SystemTime::now() + hold).into()),
            ..Operation::default()
        };
        Ok(Response::new(ExtendHoldResponse { operation: Some(operation) }))
    }

    async fn charge(&self, _: Request<ChargeRequest>) -> Result<Response<ChargeResponse>, Status> {
        unused()
    }

    async fn get_user_info(
        &self,
        _: Request<GetUserInfoRequest>,
    ) -> Result<Response<GetUserInfoResponse>, Status> {
        unused()
    }

    async fn get_operation(
        &self,
        _: Request<GetOperationRequest>,
    ) -> Result<Response<GetOperationResponse>, Status> {
        unused()
    }

    async fn list_operations(
        &self,
        _: Request<ListOperationsRequest>,
    ) -> Result<Response<ListOperationsResponse>, Status> {
        unused()
    }

    async fn list_entries(
        &self,
        _: Request<ListEntriesRequest>,
    ) -> Result<Response<ListEntriesResponse>, Status> {
        unused()
    }

    async fn quote(&self, _: Request<QuoteRequest>) -> Result<Response<QuoteResponse>, Status> {
        unused()
    }

    async fn list_prices(
        &self,
        _: Request<ListPricesRequest>,
    ) -> Result<Response<ListPricesResponse>, Status> {
        unused()
    }
}

/// What a user got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    Pictures(Vec<usize>),
    Failure(FailureReason),
}

/// The gateway's delivery: fetches, sends each operation's end once.
#[derive(Clone)]
pub struct Gateway {
    pub url: String,
    desk: Arc<Desk>,
}

#[derive(Default)]
struct Desk {
    images: Mutex<Option<ImagesClient>>,
    sent: Mutex<Vec<(String, Sent)>>,
    given_up: Mutex<Vec<String>>,
    away: AtomicBool,
    unable: AtomicBool,
    blocked: AtomicBool,
}

impl Gateway {
    pub async fn start() -> Self {
        let listener = listener().await;
        let url = format!("http://{}", listener.local_addr().unwrap());
        let gateway = Self { url, desk: Arc::default() };
        let server = Server::builder().add_service(DeliveryServiceServer::new(gateway.clone()));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        gateway
    }

    pub fn fetch_from(&self, images: ImagesClient) {
        *self.desk.images.lock().unwrap() = Some(images);
    }

    /// All that was sent for an operation.
    pub fn sent(&self, operation_id: &str) -> Vec<Sent> {
        let sent = self.desk.sent.lock().unwrap();
        sent.iter().filter(|(id, _)| id == operation_id).map(|(_, what)| what.clone()).collect()
    }

    pub fn be_away(&self, away: bool) {
        self.desk.away.store(away, Ordering::SeqCst);
    }

    /// Telegram takes no picture of ours.
    pub fn be_unable(&self) {
        self.desk.unable.store(true, Ordering::SeqCst);
    }

    /// The user blocks the bot, or comes back.
    pub fn be_blocked(&self, blocked: bool) {
        self.desk.blocked.store(blocked, Ordering::SeqCst);
    }

    /// The gateway refunded this one itself.
    pub fn give_up(&self, operation_id: &str) {
        self.desk.given_up.lock().unwrap().push(operation_id.to_owned());
    }
}

#[tonic::async_trait]
impl DeliveryService for Gateway {
    async fn deliver_result(
        &self,
        request: Request<DeliverResultRequest>,
    ) -> Result<Response<DeliverResultResponse>, Status> {
        let request = request.into_inner();
        let id = request.operation_id;
        let answer = |status: DeliveryStatus| {
            Ok(Response::new(DeliverResultResponse { status: status.into() }))
        };
        if self.desk.away.load(Ordering::SeqCst) {
            return Err(refuse(Code::Unavailable, "OVERLOADED"));
        }
        if self.desk.given_up.lock().unwrap().contains(&id) {
            return Err(refuse(Code::FailedPrecondition, "OPERATION_REFUNDED"));
        }
        if self.desk.blocked.load(Ordering::SeqCst) {
            return answer(DeliveryStatus::RecipientBlocked);
        }
        if !self.sent(&id).is_empty() {
            return answer(DeliveryStatus::Delivered);
        }
        let sent = match request.outcome.unwrap() {
            Outcome::Failure(failure) => Sent::Failure(failure.reason()),
            Outcome::Result(_) if self.desk.unable.load(Ordering::SeqCst) => {
                return Err(refuse(Code::Internal, "INTERNAL"));
            }
            Outcome::Result(result) => {
                let images = self.desk.images.lock().unwrap().clone().unwrap();
                let mut sizes = Vec::new();
                for index in 0..result.count {
                    let picture = images.get_result(&id, index).await.unwrap();
                    assert_eq!(picture.mime_type, result.mime_types[sizes.len()]);
                    assert!(picture.bytes.starts_with(b"\x89PNG"));
                    sizes.push(picture.bytes.len());
                }
                Sent::Pictures(sizes)
            }
        };
        self.desk.sent.lock().unwrap().push((id, sent));
        answer(DeliveryStatus::Delivered)
    }
}
