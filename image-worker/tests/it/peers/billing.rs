//! Billing's part.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use proto::billing::v1::billing_service_server::{BillingService, BillingServiceServer};
use proto::billing::v1::*;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status};

use super::refuse;
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
