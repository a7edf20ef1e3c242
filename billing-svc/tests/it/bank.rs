//! The sandbox's bank, as a test plays it: users pay, cancel and dispute there, and it can be away.

use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use proto::billing::v1::*;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::service::{Client, Service, rub};

/// A bank on a port of its own, gone with the test.
#[derive(Clone)]
pub struct Bank {
    pub url: String,
    books: Books,
    _stop: Arc<DropGuard>,
}

/// What it knows, and how it behaves.
#[derive(Clone, Default)]
struct Books(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// In the order in which they were made.
    payments: Vec<Value>,
    away: bool,
    refuses_refunds: bool,
}

impl Bank {
    pub async fn open() -> Self {
        let books = Books::default();
        let router = Router::new()
            .route("/payments", post(make).get(list))
            .route("/payments/{id}", get(read))
            .route("/refunds", post(refund))
            .with_state(books.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move {
            axum::serve(listener, router).with_graceful_shutdown(stopped).await.unwrap();
        });
        Self { url, books, _stop: Arc::new(stop.drop_guard()) }
    }

    /// A billing-svc that has this bank and nothing else to pay with.
    pub async fn service(&self, database_url: &str) -> Service {
        self.service_with(database_url, &[]).await
    }

    /// With further flags.
    pub async fn service_with(&self, database_url: &str, flags: &[&str]) -> Service {
        let flags = [&["--sandbox-bank-url", &self.url], flags].concat();
        Service::start_with(database_url, &flags).await.unwrap()
    }

    pub fn set_away(&self, away: bool) {
        self.books.0.lock().unwrap().away = away;
    }

    pub fn set_refuses_refunds(&self, refuses: bool) {
        self.books.0.lock().unwrap().refuses_refunds = refuses;
    }

    pub fn payments(&self) -> usize {
        self.books.0.lock().unwrap().payments.len()
    }

    /// The user pays what is asked.
    pub fn pay(&self, payment: &Payment) {
        self.change(payment, |kept| kept["status"] = json!("paid"));
    }

    /// The user pays another amount than was asked.
    pub fn pay_other(&self, payment: &Payment, amount: &str) {
        self.change(payment, |kept| {
            kept["status"] = json!("paid");
            kept["amount"] = json!(amount);
        });
    }

    /// Money goes back without billing having asked for it.
    pub fn give_back(&self, payment: &Payment, amount: &str, dispute: bool) {
        let state = if dispute { "pending" } else { "succeeded" };
        self.change(payment, |kept| {
            let refunds = kept["refunds"].as_array_mut().unwrap();
            let id = format!("back-{}", refunds.len());
            refunds.push(json!({"id": id, "amount": amount, "dispute": dispute, "state": state}));
        });
    }

    fn change(&self, payment: &Payment, change: impl FnOnce(&mut Value)) {
        let mut books = self.books.0.lock().unwrap();
        let id = &payment.provider_payment_id;
        change(books.payments.iter_mut().find(|kept| kept["id"] == **id).unwrap());
    }
}

fn away() -> Response {
    StatusCode::BAD_GATEWAY.into_response()
}

async fn make(State(books): State<Books>, Json(asked): Json<Value>) -> Response {
    let mut books = books.0.lock().unwrap();
    if books.away {
        return away();
    }
    let id = format!("bank-{}", asked["payment_id"].as_str().unwrap());
    if !books.payments.iter().any(|kept| kept["id"] == *id) {
        books.payments.push(json!({
            "id": id,
            "payment_id": asked["payment_id"],
            "status": "pending",
            "amount": asked["amount"],
            "currency": asked["currency"],
            "refunds": [],
        }));
    }
    let url = format!("http://127.0.0.1/pay/{id}");
    Json(json!({"id": id, "confirmation_url": url})).into_response()
}

async fn read(State(books): State<Books>, Path(id): Path<String>) -> Response {
    let books = books.0.lock().unwrap();
    if books.away {
        return away();
    }
    let found = books.payments.iter().find(|kept| kept["id"] == *id);
    found.map_or(StatusCode::NOT_FOUND.into_response(), |kept| Json(kept).into_response())
}

#[derive(serde::Deserialize)]
struct After {
    after: Option<usize>,
}

async fn list(State(books): State<Books>, Query(After { after }): Query<After>) -> Response {
    let books = books.0.lock().unwrap();
    if books.away {
        return away();
    }
    let from = after.unwrap_or_default().min(books.payments.len());
    let cursor = books.payments.len().to_string();
    Json(json!({"payments": books.payments[from..], "cursor": cursor, "more": false}))
        .into_response()
}

async fn refund(State(books): State<Books>, Json(asked): Json<Value>) -> Response {
    let mut books = books.0.lock().unwrap();
    if books.away {
        return away();
    }
    if books.refuses_refunds {
        let why = Json(json!({"error": "the account is closed"}));
        return (StatusCode::UNPROCESSABLE_ENTITY, why).into_response();
    }
    let kept = books.payments.iter_mut().find(|kept| kept["id"] == asked["id"]).unwrap();
    let refunds = kept["refunds"].as_array_mut().unwrap();
    let id = format!("refund-{}", asked["refund_id"].as_str().unwrap());
    if !refunds.iter().any(|refund| refund["id"] == *id) {
        let amount = &asked["amount"];
        refunds.push(json!({"id": id, "amount": amount, "dispute": false, "state": "succeeded"}));
    }
    Json(json!({"id": id, "state": "succeeded"})).into_response()
}

pub fn payment_request(request_id: &str, user_id: &str, units: i64) -> CreatePaymentRequest {
    CreatePaymentRequest {
        request_id: request_id.to_owned(),
        user_id: user_id.to_owned(),
        provider: PaymentProvider::Sandbox.into(),
        amount: Some(rub(units)),
        ..CreatePaymentRequest::default()
    }
}

impl Client {
    /// A payment that waits for its user.
    pub async fn invoice(&self, request_id: &str, user_id: &str, units: i64) -> Payment {
        let request = payment_request(request_id, user_id, units);
        self.payments().create_payment(request).await.unwrap().into_inner().payment.unwrap()
    }

    /// The payment, after the bank was asked.
    pub async fn refreshed(&self, payment: &Payment) -> Payment {
        let request = RefreshPaymentRequest { payment_id: payment.payment_id.clone() };
        self.payments().refresh_payment(request).await.unwrap().into_inner().payment.unwrap()
    }

    pub async fn payment(&self, payment: &Payment) -> Payment {
        let request = GetPaymentRequest { payment_id: payment.payment_id.clone() };
        self.payments().get_payment(request).await.unwrap().into_inner().payment.unwrap()
    }

    /// What the bank's web hook would bring.
    pub async fn notify(&self, payment: &Payment) {
        let request = SubmitProviderNotificationRequest {
            provider: PaymentProvider::Sandbox.into(),
            body: json!({"payment": payment.provider_payment_id}).to_string().into(),
            ..SubmitProviderNotificationRequest::default()
        };
        self.payments().submit_provider_notification(request).await.unwrap();
    }

    /// Money that a user paid at the bank.
    pub async fn paid(&self, bank: &Bank, request_id: &str, user_id: &str, units: i64) -> Payment {
        let payment = self.invoice(request_id, user_id, units).await;
        bank.pay(&payment);
        self.notify(&payment).await;
        self.until_payment(&payment, PaymentState::Credited).await
    }

    /// Waits until the payment is in the state, which another task brings about.
    pub async fn until_payment(&self, payment: &Payment, state: PaymentState) -> Payment {
        let waiting = async {
            loop {
                let now = self.payment(payment).await;
                if now.state() == state {
                    return now;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), waiting).await.unwrap()
    }
}
