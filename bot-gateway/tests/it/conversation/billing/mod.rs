//! A billing service that counts free operations and money in memory and answers in the words of the contract: charges
//! here, top-ups in [`till`], what the house gives in [`promotions`].

pub mod promotions;
pub mod till;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use proto::{
    billing::v1::{
        billing_service_server::{BillingService, BillingServiceServer},
        funding::{self, Source},
        payment_service_server::PaymentServiceServer,
        promotion_service_server::PromotionServiceServer,
        *,
    },
    google::r#type::Money,
    money::{from_micros, to_micros},
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_types::{ErrorDetails, StatusExt};
use uuid::Uuid;

pub const RUBLE: i64 = 1_000_000;
const FREE: i64 = 3;

/// Where a call never answers, so that the caller can be killed there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hang {
    /// After the charge was made.
    Charge,
    /// After the refund was made.
    Refund,
    /// After the payment was made.
    CreatePayment,
    /// After the code was redeemed.
    Redeem,
}

/// Metadata of a refusal, and when to come again.
type Limit = (&'static [(&'static str, &'static str)], Option<Duration>);

#[derive(Default)]
pub struct Books {
    /// Micros, by kind.
    pub prices: HashMap<String, i64>,
    balance: HashMap<String, i64>,
    free_used: HashMap<String, i64>,
    pub operations: Vec<Operation>,
    /// Refused before anything else, with this reason.
    pub refuse: Option<&'static str>,
    /// New charges are refused with this; nothing is kept.
    pub limit: Option<Limit>,
    pub hang: Option<Hang>,
    /// So many refunds can't be made now.
    pub failing_refunds: u32,
    pub till: till::Till,
    pub promotions: promotions::Promotions,
    blocked: HashSet<String>,
}

#[derive(Clone)]
pub struct Billing(Arc<Mutex<Books>>);

impl Billing {
    pub fn new() -> Billing {
        let kinds = [
            ("generate", 10),
            ("edit", 12),
            ("merge", 15),
            ("add_text", 8),
            ("face_swap", 15),
            ("retouch", 10),
            ("upscale", 6),
        ];
        let prices = kinds.map(|(kind, price)| (kind.to_owned(), price * RUBLE)).into();
        Billing(Arc::new(Mutex::new(Books { prices, ..Books::default() })))
    }

    pub async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Server::builder()
            .add_service(BillingServiceServer::new(self.clone()))
            .add_service(PaymentServiceServer::new(self.clone()))
            .add_service(PromotionServiceServer::new(self.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        url
    }

    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap()
    }

    /// The user has no free operations and this much money.
    pub fn has_only(&self, user_id: i64, micros: i64) {
        let mut books = self.books();
        books.free_used.insert(format!("tg:{user_id}"), FREE);
        books.balance.insert(format!("tg:{user_id}"), micros);
    }

    /// An administrator blocked the user.
    pub fn block(&self, user_id: i64) {
        self.books().blocked.insert(format!("tg:{user_id}"));
    }

    /// The operations that were charged, oldest first.
    pub fn charged(&self) -> Vec<Operation> {
        let charged = |operation: &&Operation| operation.state() != OperationState::Declined;
        self.books().operations.iter().filter(charged).cloned().collect()
    }

    async fn hang_at(&self, point: Hang) {
        let hangs = self.books().hang.take_if(|hang| *hang == point).is_some();
        if hangs {
            std::future::pending::<()>().await;
        }
    }
}

impl Books {
    fn user(&self, user_id: &str) -> UserInfo {
        let balance = self.balance.get(user_id).copied().unwrap_or_default();
        let mine = |operation: &&Operation| operation.user_id == user_id;
        UserInfo {
            user_id: user_id.to_owned(),
            balance: rub(balance),
            paid_balance: rub(balance),
            held: rub(0),
            free_operations_left: FREE - self.free_used.get(user_id).copied().unwrap_or_default(),
            free_operations_total: FREE,
            standing: self.standing(user_id).into(),
            version: self.operations.iter().filter(mine).count() as i64,
            create_time: None,
        }
    }

    fn standing(&self, user_id: &str) -> Standing {
        if self.blocked.contains(user_id) {
            Standing::Blocked
        } else if self.balance.get(user_id).is_some_and(|balance| *balance < 0) {
            Standing::InDebt
        } else {
            Standing::Good
        }
    }

    fn charge(&mut self, request: &ChargeRequest) -> Result<ChargeResponse, Status> {
        let known =
            self.operations.iter().find(|operation| operation.request_id == request.request_id);
        if let Some(operation) = known.cloned() {
            assert_eq!(operation.kind, request.kind, "the same request with another content");
            if operation.state() == OperationState::Declined {
                return Err(self.refusal(&operation, request));
            }
            let user = Some(self.user(&request.user_id));
            return Ok(ChargeResponse { operation: Some(operation), user, replayed: true });
        }
        if let Some((metadata, retry_after)) = self.limit {
            return Err(limited(metadata, retry_after));
        }
        let price = self.prices[&request.kind];
        let mut operation = Operation {
            operation_id: Uuid::now_v7().to_string(),
            user_id: request.user_id.clone(),
            request_id: request.request_id.clone(),
            kind: request.kind.clone(),
            quantity: 1,
            price: rub(price),
            create_time: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
            labels: request.labels.clone(),
            ..Operation::default()
        };
        let user = self.user(&request.user_id);
        let standing = match user.standing() {
            Standing::Blocked => Some("USER_BLOCKED"),
            Standing::InDebt => Some("IN_DEBT"),
            Standing::Good | Standing::Unspecified => None,
        };
        let balance = self.balance.entry(request.user_id.clone()).or_default();
        let above = micros(&request.max_price).is_some_and(|max| price > max);
        let poor = user.free_operations_left == 0 && *balance < price;
        let reason = self
            .refuse
            .or(standing)
            .or(above.then_some("PRICE_CHANGED"))
            .or(poor.then_some("INSUFFICIENT_FUNDS"));
        if let Some(reason) = reason {
            operation.set_state(OperationState::Declined);
            operation.decline_reason = reason.to_owned();
            let refusal = self.refusal(&operation, request);
            self.operations.push(operation);
            return Err(refusal);
        }
        let source = if user.free_operations_left > 0 {
            *self.free_used.entry(request.user_id.clone()).or_default() += 1;
            Source::FreeOperations(funding::FreeOperations { count: 1, grant_id: "g".to_owned() })
        } else {
            *balance -= price;
            Source::Balance(funding::Balance { amount: rub(price) })
        };
        operation.funding = vec![Funding { source: Some(source) }];
        operation.set_state(OperationState::Charged);
        self.operations.push(operation.clone());
        let user = Some(self.user(&request.user_id));
        Ok(ChargeResponse { operation: Some(operation), user, replayed: false })
    }

    fn refusal(&self, operation: &Operation, request: &ChargeRequest) -> Status {
        let price = micros(&operation.price).unwrap_or_default();
        let available = self.balance.get(&request.user_id).copied().unwrap_or_default();
        let metadata = HashMap::from([
            ("required".to_owned(), decimal(price)),
            ("price".to_owned(), decimal(price)),
            ("available".to_owned(), decimal(available)),
            ("missing".to_owned(), decimal(price - available)),
            ("currency".to_owned(), "RUB".to_owned()),
        ]);
        refused(Code::FailedPrecondition, &operation.decline_reason, metadata)
    }

    fn refund(&mut self, operation_id: &str) -> Result<RefundResponse, Status> {
        let Some(operation) =
            self.operations.iter_mut().find(|operation| operation.operation_id == operation_id)
        else {
            return Err(refused(Code::NotFound, "OPERATION_NOT_FOUND", HashMap::new()));
        };
        let replayed = operation.state() == OperationState::Refunded;
        if !replayed {
            operation.set_state(OperationState::Refunded);
            match operation.funding[0].source.as_ref().unwrap() {
                Source::Balance(paid) => {
                    *self.balance.get_mut(&operation.user_id).unwrap() +=
                        micros(&paid.amount).unwrap();
                }
                _ => *self.free_used.get_mut(&operation.user_id).unwrap() -= 1,
            }
        }
        let operation = operation.clone();
        let user = Some(self.user(&operation.user_id));
        Ok(RefundResponse { operation: Some(operation), user, replayed })
    }
}

fn rub(micros: i64) -> Option<Money> {
    Some(from_micros(micros, "RUB"))
}

fn micros(money: &Option<Money>) -> Option<i64> {
    money.as_ref().map(|money| to_micros(money, "RUB").unwrap())
}

fn decimal(micros: i64) -> String {
    format!("{}.{:06}", micros / RUBLE, micros % RUBLE)
}

fn limited(metadata: &[(&str, &str)], retry_after: Option<Duration>) -> Status {
    let metadata: HashMap<_, _> =
        metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let mut details = ErrorDetails::with_error_info("LIMIT_EXCEEDED", "billing.kopilka", metadata);
    if retry_after.is_some() {
        details.set_retry_info(retry_after);
    }
    Status::with_error_details(Code::ResourceExhausted, "limited", details)
}

fn refused(code: Code, reason: &str, metadata: HashMap<String, String>) -> Status {
    let details = ErrorDetails::with_error_info(reason, "billing.kopilka", metadata);
    Status::with_error_details(code, reason, details)
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl BillingService for Billing {
    async fn charge(&self, request: Request<ChargeRequest>) -> Answer<ChargeResponse> {
        let answer = self.books().charge(request.get_ref());
        self.hang_at(Hang::Charge).await;
        answer.map(Response::new)
    }

    async fn refund(&self, request: Request<RefundRequest>) -> Answer<RefundResponse> {
        {
            let mut books = self.books();
            if books.failing_refunds > 0 {
                books.failing_refunds -= 1;
                return Err(refused(Code::Unavailable, "STORE_UNAVAILABLE", HashMap::new()));
            }
        }
        let answer = self.books().refund(&request.get_ref().operation_id);
        self.hang_at(Hang::Refund).await;
        answer.map(Response::new)
    }

    async fn get_user_info(
        &self,
        request: Request<GetUserInfoRequest>,
    ) -> Answer<GetUserInfoResponse> {
        let user = self.books().user(&request.get_ref().user_id);
        Ok(Response::new(GetUserInfoResponse { user: Some(user) }))
    }

    async fn get_operation(
        &self,
        request: Request<GetOperationRequest>,
    ) -> Answer<GetOperationResponse> {
        let wanted = request.into_inner().operation_id;
        let books = self.books();
        let operation =
            books.operations.iter().find(|operation| operation.operation_id == wanted).cloned();
        Ok(Response::new(GetOperationResponse { operation }))
    }

    async fn list_operations(
        &self,
        request: Request<ListOperationsRequest>,
    ) -> Answer<ListOperationsResponse> {
        let request = request.into_inner();
        let skip: usize = request.page_token.parse().unwrap_or_default();
        let size = request.page_size as usize;
        let books = self.books();
        let mine: Vec<_> = books
            .operations
            .iter()
            .rev()
            .filter(|operation| operation.user_id == request.user_id)
            .collect();
        let operations: Vec<_> = mine.iter().skip(skip).take(size).copied().cloned().collect();
        let more = mine.len() > skip + size;
        let next_page_token = if more { (skip + size).to_string() } else { String::new() };
        Ok(Response::new(ListOperationsResponse { operations, next_page_token }))
    }

    async fn quote(&self, request: Request<QuoteRequest>) -> Answer<QuoteResponse> {
        let request = request.into_inner();
        let books = self.books();
        let price = books.prices[&request.kind];
        let user = books.user(&request.user_id);
        let balance = micros(&user.balance).unwrap();
        let free = user.free_operations_left > 0;
        let source = if free {
            Source::FreeOperations(funding::FreeOperations { count: 1, grant_id: "g".to_owned() })
        } else {
            Source::Balance(funding::Balance { amount: rub(price.min(balance)) })
        };
        let affordable = free || balance >= price;
        Ok(Response::new(QuoteResponse {
            price: rub(price),
            funding: vec![Funding { source: Some(source) }],
            affordable,
            missing: rub(if affordable { 0 } else { price - balance }),
        }))
    }

    async fn list_prices(&self, _: Request<ListPricesRequest>) -> Answer<ListPricesResponse> {
        let books = self.books();
        let mut prices: Vec<_> = books
            .prices
            .iter()
            .map(|(kind, price)| Price {
                kind: kind.clone(),
                price: rub(*price),
                free_operations_allowed: true,
            })
            .collect();
        prices.sort_by(|one, other| one.kind.cmp(&other.kind));
        Ok(Response::new(ListPricesResponse { prices, version: 1 }))
    }

    async fn complete(&self, _: Request<CompleteRequest>) -> Answer<CompleteResponse> {
        Err(Status::unimplemented("the worker's"))
    }

    async fn extend_hold(&self, _: Request<ExtendHoldRequest>) -> Answer<ExtendHoldResponse> {
        Err(Status::unimplemented("the worker's"))
    }

    async fn list_entries(&self, _: Request<ListEntriesRequest>) -> Answer<ListEntriesResponse> {
        Err(Status::unimplemented("not asked by the bot"))
    }
}
