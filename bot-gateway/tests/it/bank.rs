//! A billing service as the edge of the gateway meets it: keeps what it was told about money, and says what happened.
//! Balances and charges are those of the conversation's [`Billing`].

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    time::SystemTime,
};

use futures::Stream;
use proto::billing::v1::{
    billing_service_server::BillingServiceServer,
    event::Body,
    event_service_server::{EventService, EventServiceServer},
    payment_service_server::{PaymentService, PaymentServiceServer},
    promotion_service_server::PromotionServiceServer,
    *,
};
use tokio::{net::TcpListener, sync::watch};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_types::{ErrorDetails, StatusExt};

use crate::conversation::billing::Billing;

/// What was said and what is answered.
#[derive(Default)]
pub struct Books {
    pub notifications: Vec<SubmitProviderNotificationRequest>,
    pub asked: Vec<ApprovePreCheckoutRequest>,
    pub confirmed: Vec<ConfirmTelegramPaymentRequest>,
    /// By id.
    pub payments: HashMap<String, Payment>,
    /// Why Telegram must not take payments.
    pub refusal: Option<PreCheckoutRefusal>,
    /// What is said about money is refused with this, and counted.
    pub fails: Option<(Code, &'static str)>,
    pub failed: usize,
    /// What is said about money is never answered.
    pub hangs: bool,
    pub events: Vec<Event>,
    /// By consumer.
    pub acknowledged: HashMap<String, i64>,
    /// How often the events were asked for.
    pub watches: usize,
    /// Streams of an older number are broken off.
    streams: u64,
}

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Bank {
    pub billing: Billing,
    books: Arc<Mutex<Books>>,
    changed: Arc<watch::Sender<()>>,
}

impl Bank {
    pub fn new() -> Bank {
        Bank { billing: Billing::new(), books: Arc::default(), changed: Arc::default() }
    }

    /// Serves until the runtime ends; answers the URL.
    pub async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Server::builder()
            .add_service(BillingServiceServer::new(self.billing.clone()))
            .add_service(PaymentServiceServer::new(self.clone()))
            .add_service(PromotionServiceServer::new(self.billing.clone()))
            .add_service(EventServiceServer::new(self.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        url
    }

    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// Everything said about money is refused so; `None`: no more.
    pub fn fails_with(&self, error: Option<(Code, &'static str)>) {
        self.books().fails = error;
    }

    /// Something happened to a user.
    pub fn happens(&self, user_id: &str, body: Body) {
        {
            let mut books = self.books();
            let sequence = books.events.iter().filter(|event| event.user_id == user_id).count();
            let event = Event {
                position: books.events.len() as i64 + 1,
                user_id: user_id.to_owned(),
                sequence: sequence as i64 + 1,
                create_time: Some(SystemTime::now().into()),
                body: Some(body),
            };
            books.events.push(event);
        }
        self.changed.send_replace(());
    }

    /// The payment stands so, and an event says it.
    pub fn payment_becomes(&self, payment: Payment) {
        let (user_id, changed) = (payment.user_id.clone(), changed(&payment));
        self.books().payments.insert(payment.payment_id.clone(), payment);
        self.happens(&user_id, Body::PaymentChanged(changed));
    }

    /// Up to where the gateway has dealt with the events.
    pub fn acknowledged(&self) -> i64 {
        self.books().acknowledged.get("gateway").copied().unwrap_or_default()
    }

    /// Breaks every stream off and forgets what was acknowledged: everything comes again.
    pub fn repeats_everything(&self) {
        {
            let mut books = self.books();
            books.acknowledged.clear();
            books.streams += 1;
        }
        self.changed.send_replace(());
    }

    async fn answers(&self) -> Result<(), Status> {
        let hangs = self.books().hangs;
        if hangs {
            std::future::pending::<()>().await;
        }
        let mut books = self.books();
        let Some((code, reason)) = books.fails else { return Ok(()) };
        books.failed += 1;
        let details = ErrorDetails::with_error_info(reason, "billing.kopilka", HashMap::new());
        Err(Status::with_error_details(code, reason, details))
    }
}

fn changed(payment: &Payment) -> PaymentChanged {
    PaymentChanged {
        payment_id: payment.payment_id.clone(),
        provider: payment.provider,
        state: payment.state,
        amount: payment.amount.clone(),
        park_reason: payment.park_reason,
    }
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl PaymentService for Bank {
    async fn submit_provider_notification(
        &self,
        request: Request<SubmitProviderNotificationRequest>,
    ) -> Answer<SubmitProviderNotificationResponse> {
        self.answers().await?;
        self.books().notifications.push(request.into_inner());
        Ok(Response::new(SubmitProviderNotificationResponse {}))
    }

    async fn approve_pre_checkout(
        &self,
        request: Request<ApprovePreCheckoutRequest>,
    ) -> Answer<ApprovePreCheckoutResponse> {
        self.answers().await?;
        let mut books = self.books();
        books.asked.push(request.into_inner());
        let mut answer = ApprovePreCheckoutResponse { approved: true, refusal: 0 };
        if let Some(refusal) = books.refusal {
            answer.approved = false;
            answer.set_refusal(refusal);
        }
        Ok(Response::new(answer))
    }

    async fn confirm_telegram_payment(
        &self,
        request: Request<ConfirmTelegramPaymentRequest>,
    ) -> Answer<ConfirmTelegramPaymentResponse> {
        self.answers().await?;
        self.books().confirmed.push(request.into_inner());
        Ok(Response::new(ConfirmTelegramPaymentResponse::default()))
    }

    async fn get_payment(&self, request: Request<GetPaymentRequest>) -> Answer<GetPaymentResponse> {
        let payment = self.books().payments.get(&request.get_ref().payment_id).cloned();
        Ok(Response::new(GetPaymentResponse { payment }))
    }

    async fn list_payment_methods(
        &self,
        request: Request<ListPaymentMethodsRequest>,
    ) -> Answer<ListPaymentMethodsResponse> {
        self.billing.list_payment_methods(request).await
    }

    async fn create_payment(
        &self,
        _: Request<CreatePaymentRequest>,
    ) -> Answer<CreatePaymentResponse> {
        Err(Status::unimplemented("the conversation's"))
    }

    async fn list_payments(&self, _: Request<ListPaymentsRequest>) -> Answer<ListPaymentsResponse> {
        Err(Status::unimplemented("the conversation's"))
    }

    async fn list_history(&self, _: Request<ListHistoryRequest>) -> Answer<ListHistoryResponse> {
        Err(Status::unimplemented("the conversation's"))
    }

    async fn refresh_payment(
        &self,
        _: Request<RefreshPaymentRequest>,
    ) -> Answer<RefreshPaymentResponse> {
        Err(Status::unimplemented("the conversation's"))
    }
}

#[tonic::async_trait]
impl EventService for Bank {
    type WatchEventsStream =
        Pin<Box<dyn Stream<Item = Result<WatchEventsResponse, Status>> + Send>>;

    async fn watch_events(
        &self,
        request: Request<WatchEventsRequest>,
    ) -> Answer<Self::WatchEventsStream> {
        let WatchEventsRequest { consumer, after } = request.into_inner();
        let stream = {
            let mut books = self.books();
            books.watches += 1;
            let acknowledged = books.acknowledged.get(&consumer).copied().unwrap_or_default();
            Following { after: after.unwrap_or(acknowledged), stream: books.streams }
        };
        let changed = self.changed.subscribe();
        let next = move |(bank, following, changed): (Bank, Following, watch::Receiver<()>)| async move {
            let item = bank.next(following, changed).await;
            Some(match item {
                Ok((event, changed)) => {
                    let following = Following { after: event.position, ..following };
                    let response = WatchEventsResponse { event: Some(event), heartbeat: false };
                    (Ok(response), (bank, following, changed))
                }
                Err(changed) => {
                    (Err(Status::unavailable("broken off")), (bank, following, changed))
                }
            })
        };
        let stream = futures::stream::unfold((self.clone(), stream, changed), next);
        Ok(Response::new(Box::pin(stream)))
    }

    async fn ack_events(&self, request: Request<AckEventsRequest>) -> Answer<AckEventsResponse> {
        let AckEventsRequest { consumer, position } = request.into_inner();
        let mut books = self.books();
        assert!(position <= books.events.len() as i64, "a position that was not given out");
        let acknowledged = books.acknowledged.entry(consumer).or_default();
        *acknowledged = (*acknowledged).max(position);
        Ok(Response::new(AckEventsResponse { position: *acknowledged }))
    }
}

#[derive(Clone, Copy)]
struct Following {
    after: i64,
    stream: u64,
}

impl Bank {
    /// The next event; `Err`: this stream is broken off.
    async fn next(
        &self,
        following: Following,
        mut changed: watch::Receiver<()>,
    ) -> Result<(Event, watch::Receiver<()>), watch::Receiver<()>> {
        loop {
            changed.mark_unchanged();
            {
                let books = self.books();
                if books.streams != following.stream {
                    return Err(changed);
                }
                let next = usize::try_from(following.after).unwrap();
                if let Some(event) = books.events.get(next) {
                    return Ok((event.clone(), changed));
                }
            }
            if changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
