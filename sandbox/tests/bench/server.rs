//! A billing.v1 server that remembers what it was asked, and does as it is told.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use proto::billing::v1::billing_service_server::{BillingService, BillingServiceServer};
use proto::billing::v1::*;
use proto::google::r#type::Money;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status, async_trait, transport};
use tonic_types::{ErrorDetails, StatusExt};

/// What to do with charges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Take them.
    Takes,
    /// Take them, and forget each at once: nothing is ever a replay.
    Forgets,
    /// Of three, refuse the first as overloaded, and break down at the second.
    Fails,
}

/// Everything that the server saw.
#[derive(Debug, Default)]
pub struct Seen {
    pub charges: Vec<ChargeRequest>,
    pub completed: BTreeSet<String>,
    pub refunded: BTreeSet<String>,
    pub looked_up: Vec<String>,
    /// `authorization` of each charge.
    pub authorizations: BTreeSet<Option<String>>,
    pub in_flight: usize,
    pub most_in_flight: usize,
    pub first_charge_at: Option<Instant>,
    operations: HashMap<String, String>,
}

impl Seen {
    pub fn users(&self) -> BTreeMap<&str, usize> {
        let mut users = BTreeMap::new();
        for charge in &self.charges {
            *users.entry(charge.user_id.as_str()).or_default() += 1;
        }
        users
    }

    pub fn request_ids(&self) -> BTreeSet<&str> {
        self.charges.iter().map(|charge| charge.request_id.as_str()).collect()
    }
}

/// A running server. It ends with the test.
pub struct Server {
    pub url: String,
    state: Arc<State>,
}

struct State {
    manner: Manner,
    seen: Mutex<Seen>,
    changed: watch::Sender<()>,
    /// Charges are answered.
    open: watch::Sender<bool>,
}

impl Server {
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            manner,
            seen: Mutex::default(),
            changed: watch::Sender::new(()),
            open: watch::Sender::new(true),
        });
        let service = BillingServiceServer::from_arc(state.clone());
        let server = transport::Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        Self { url, state }
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.state.seen.lock().unwrap()
    }

    /// From now on charges wait.
    pub fn block(&self) {
        self.state.open.send_replace(false);
    }

    /// All that wait are answered.
    pub fn release(&self) {
        self.state.open.send_replace(true);
    }

    /// Returns once it has seen that.
    pub async fn until(&self, there: impl Fn(&Seen) -> bool) {
        let mut changes = self.state.changed.subscribe();
        while !there(&self.seen()) {
            changes.changed().await.unwrap();
        }
    }
}

impl State {
    fn note(&self, what: impl FnOnce(&mut Seen)) {
        what(&mut self.seen.lock().unwrap());
        self.changed.send_replace(());
    }

    fn answer(&self, charge: ChargeRequest) -> Result<Response<ChargeResponse>, Status> {
        let mut seen = self.seen.lock().unwrap();
        let number = seen.charges.len();
        seen.charges.push(charge.clone());
        if charge.max_price == Some(price(0)) {
            return Err(refusal(Code::FailedPrecondition, "PRICE_CHANGED"));
        }
        match (self.manner, number % 3) {
            (Manner::Fails, 0) => return Err(refusal(Code::Unavailable, "OVERLOADED")),
            (Manner::Fails, 1) => return Err(Status::data_loss("the disk is gone")),
            (Manner::Fails | Manner::Takes | Manner::Forgets, _) => {}
        }
        let operation_id = format!("operation-{number}");
        let known = seen.operations.insert(charge.request_id, operation_id.clone()).is_some();
        let operation = Some(Operation { operation_id, ..Default::default() });
        let replayed = known && self.manner != Manner::Forgets;
        Ok(Response::new(ChargeResponse { operation, replayed, ..Default::default() }))
    }
}

/// Counts a call that is under way, also when it is given up.
struct UnderWay<'a>(&'a State);

impl<'a> UnderWay<'a> {
    fn new(state: &'a State) -> Self {
        state.note(|seen| {
            seen.in_flight += 1;
            seen.most_in_flight = seen.most_in_flight.max(seen.in_flight);
            seen.first_charge_at.get_or_insert_with(Instant::now);
        });
        Self(state)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.note(|seen| seen.in_flight -= 1);
    }
}

fn refusal(code: Code, reason: &str) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, "billing.kopilka", HashMap::new());
    Status::with_error_details(code, "refused by the test", details)
}

fn price(units: i64) -> Money {
    Money { currency_code: "XTS".to_owned(), units, nanos: 0 }
}

#[async_trait]
impl BillingService for State {
    async fn charge(
        &self,
        request: Request<ChargeRequest>,
    ) -> Result<Response<ChargeResponse>, Status> {
        let _under_way = UnderWay::new(self);
        let sent = request.metadata().get("authorization");
        let sent = sent.map(|value| value.to_str().unwrap().to_owned());
        self.note(|seen| {
            seen.authorizations.insert(sent);
        });
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
        self.answer(request.into_inner())
    }

    async fn complete(
        &self,
        request: Request<CompleteRequest>,
    ) -> Result<Response<CompleteResponse>, Status> {
        let id = request.into_inner().operation_id;
        self.note(|seen| assert!(seen.completed.insert(id)));
        Ok(Response::new(CompleteResponse::default()))
    }

    async fn refund(
        &self,
        request: Request<RefundRequest>,
    ) -> Result<Response<RefundResponse>, Status> {
        let id = request.into_inner().operation_id;
        self.note(|seen| assert!(seen.refunded.insert(id)));
        Ok(Response::new(RefundResponse::default()))
    }

    async fn get_user_info(
        &self,
        request: Request<GetUserInfoRequest>,
    ) -> Result<Response<GetUserInfoResponse>, Status> {
        self.note(|seen| seen.looked_up.push(request.into_inner().user_id));
        Ok(Response::new(GetUserInfoResponse::default()))
    }

    async fn list_prices(
        &self,
        _: Request<ListPricesRequest>,
    ) -> Result<Response<ListPricesResponse>, Status> {
        let generate =
            Price { kind: "generate".to_owned(), price: Some(price(10)), ..Default::default() };
        Ok(Response::new(ListPricesResponse { prices: vec![generate], version: 1 }))
    }

    async fn extend_hold(
        &self,
        _: Request<ExtendHoldRequest>,
    ) -> Result<Response<ExtendHoldResponse>, Status> {
        Err(Status::unimplemented("not called by a load"))
    }

    async fn get_operation(
        &self,
        _: Request<GetOperationRequest>,
    ) -> Result<Response<GetOperationResponse>, Status> {
        Err(Status::unimplemented("not called by a load"))
    }

    async fn list_operations(
        &self,
        _: Request<ListOperationsRequest>,
    ) -> Result<Response<ListOperationsResponse>, Status> {
        Err(Status::unimplemented("not called by a load"))
    }

    async fn list_entries(
        &self,
        _: Request<ListEntriesRequest>,
    ) -> Result<Response<ListEntriesResponse>, Status> {
        Err(Status::unimplemented("not called by a load"))
    }

    async fn quote(&self, _: Request<QuoteRequest>) -> Result<Response<QuoteResponse>, Status> {
        Err(Status::unimplemented("not called by a load"))
    }
}
