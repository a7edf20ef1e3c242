//! A small stand-in of YooKassa's API v3, as its documentation describes it, and what a payer and a cabinet do there.

mod routes;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use uuid::Uuid;

pub const SHOP_ID: &str = "100500";
pub const SECRET_KEY: &str = "test_shop_secret";

/// What the next call meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This status, and nothing is done.
    Answer(u16),
    /// It is done, and the answer is 500: the outcome is unknown.
    Lost,
    /// 200, and no JSON.
    Garbage,
}

#[derive(Default)]
struct Books {
    payments: Vec<Value>,
    refunds: Vec<Value>,
    /// What each `Idempotence-Key` was used for, and what it was answered.
    keys: HashMap<String, (Value, Value)>,
    faults: VecDeque<Fault>,
    calls: Vec<String>,
    bodies: Vec<Value>,
    /// A refund stays `pending`, until it is settled.
    slow_refunds: bool,
    /// The lists of all payments and refunds can be read.
    lists: bool,
}

/// The shop's side and the payers'.
pub struct Shop {
    pub url: String,
    books: Arc<Mutex<Books>>,
    server: AbortHandle,
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shop {
    pub async fn open() -> Self {
        let books = Arc::new(Mutex::new(Books::default()));
        let routes = routes::router(books.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v3", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, books, server: server.abort_handle() }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// The next calls meet these, in order.
    pub fn fail(&self, faults: &[Fault]) {
        self.books().faults.extend(faults);
    }

    /// From now on the lists of all payments and refunds can be read; before, they answer 500.
    pub fn show_lists(&self) {
        self.books().lists = true;
    }

    /// How often this was called, e.g. `POST /payments`.
    pub fn calls(&self, name: &str) -> usize {
        self.books().calls.iter().filter(|call| call.starts_with(name)).count()
    }

    /// What was POSTed last.
    pub fn last_body(&self) -> Value {
        self.books().bodies.last().unwrap().clone()
    }

    pub fn payments(&self) -> usize {
        self.books().payments.len()
    }

    pub fn refunds(&self) -> usize {
        self.books().refunds.len()
    }

    pub fn edit(&self, id: &str, change: impl FnOnce(&mut Value)) {
        let mut books = self.books();
        change(books.payments.iter_mut().find(|payment| payment["id"] == id).unwrap());
    }

    pub fn pay(&self, id: &str) {
        self.edit(id, |payment| {
            payment["status"] = json!("succeeded");
            payment["paid"] = json!(true);
            payment["payment_method"] = json!({"type": "sbp", "id": id});
        });
    }

    pub fn cancel(&self, id: &str) {
        self.edit(id, |payment| payment["status"] = json!("canceled"));
    }

    pub fn forget(&self, id: &str) {
        self.books().payments.retain(|payment| payment["id"] != id);
    }

    /// A payment that somebody else made.
    pub fn put(&self, account_id: &str, metadata: Value, value: &str) -> String {
        let id = Uuid::now_v7().to_string();
        let mut made = payment(&id, &json!({"value": value, "currency": "RUB"}), metadata);
        made["status"] = json!("succeeded");
        made["recipient"]["account_id"] = json!(account_id);
        self.books().payments.push(made);
        id
    }

    /// Somebody gives money back in the shop's cabinet; answers the refund's id.
    pub fn refund(&self, payment_id: &str, value: &str) -> String {
        let body = json!({"payment_id": payment_id, "amount": {"value": value, "currency": "RUB"}});
        let mut books = self.books();
        books.slow_refunds = false;
        books.refund(&body).unwrap()["id"].as_str().unwrap().to_owned()
    }

    pub fn slow_refunds(&self) {
        self.books().slow_refunds = true;
    }

    /// All refunds that are pending end so.
    pub fn end_refunds(&self, status: &str) {
        let mut books = self.books();
        books.slow_refunds = false;
        for refund in &mut books.refunds {
            refund["status"] = json!(status);
            refund["cancellation_details"] =
                json!({"party": "yoo_money", "reason": "rejected_by_payee"});
        }
    }
}

/// What YooKassa sends of a payment.
pub fn notification(event: &str, id: &str) -> Vec<u8> {
    let object = json!({"id": id, "status": event.split('.').next_back(), "paid": true,
        "amount": {"value": "100000.00", "currency": "RUB"}});
    json!({"type": "notification", "event": event, "object": object}).to_string().into_bytes()
}

/// What YooKassa sends of a refund: `object.id` is the refund's.
pub fn refund_notification(refund_id: &str, payment_id: &str) -> Vec<u8> {
    let object = json!({"id": refund_id, "payment_id": payment_id, "status": "succeeded",
        "amount": {"value": "1.00", "currency": "RUB"}});
    json!({"type": "notification", "event": "refund.succeeded", "object": object})
        .to_string()
        .into_bytes()
}

fn payment(id: &str, amount: &Value, metadata: Value) -> Value {
    json!({"id": id, "status": "pending", "paid": false, "amount": amount, "created_at": "2026-11-23T10:00:00.000Z",
        "refunded_amount": {"value": "0.00", "currency": amount["currency"]}, "refundable": false, "test": true,
        "recipient": {"account_id": SHOP_ID, "gateway_id": "1"}, "metadata": metadata,
        "confirmation": {"type": "redirect", "confirmation_url": format!("https://pay.example/{id}")}})
}

impl Books {
    fn refund(&mut self, body: &Value) -> Result<Value, Refused> {
        let status = if self.slow_refunds { "pending" } else { "succeeded" };
        let id = body["payment_id"].as_str().unwrap();
        let Some(payment) = self.payments.iter_mut().find(|it| it["id"] == id) else {
            return Err(Refused(404, "not_found", ""));
        };
        let kopecks = |money: &Value| -> i64 {
            money["value"].as_str().unwrap().replace('.', "").parse().unwrap()
        };
        let back = kopecks(&payment["refunded_amount"]) + kopecks(&body["amount"]);
        if payment["status"] != "succeeded" || back > kopecks(&payment["amount"]) {
            return Err(Refused(400, "invalid_request", "amount"));
        }
        payment["refunded_amount"]["value"] = json!(format!("{}.{:02}", back / 100, back % 100));
        let refund = json!({"id": Uuid::now_v7().to_string(), "payment_id": id, "status": status,
            "amount": body["amount"], "description": body["description"], "created_at": "2026-11-23T10:00:00.000Z"});
        self.refunds.push(refund.clone());
        Ok(refund)
    }
}

/// A status, YooKassa's code of it, and the parameter that is wrong.
#[derive(Debug)]
struct Refused(u16, &'static str, &'static str);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(status, code, parameter) = self;
        let body = json!({"type": "error", "id": "x", "code": code, "description": "no", "parameter": parameter});
        (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
    }
}
