//! A small stand-in of YooKassa's API v3, as its documentation describes it, and what a payer and a cabinet do there.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
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
        let routes = Router::new()
            .route("/v3/payments", get(list_payments).post(create_payment))
            .route("/v3/payments/{id}", get(one_payment))
            .route("/v3/refunds", get(list_refunds).post(create_refund))
            .route("/v3/refunds/{id}", get(one_refund))
            .with_state(books.clone());
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
    fn refund(&mut self, body: &Value) -> Result<Value, Response> {
        let status = if self.slow_refunds { "pending" } else { "succeeded" };
        let id = body["payment_id"].as_str().unwrap();
        let Some(payment) = self.payments.iter_mut().find(|it| it["id"] == id) else {
            return Err(error(404, "not_found", ""));
        };
        let kopecks = |money: &Value| -> i64 {
            money["value"].as_str().unwrap().replace('.', "").parse().unwrap()
        };
        let back = kopecks(&payment["refunded_amount"]) + kopecks(&body["amount"]);
        if payment["status"] != "succeeded" || back > kopecks(&payment["amount"]) {
            return Err(error(400, "invalid_request", "amount"));
        }
        payment["refunded_amount"]["value"] = json!(format!("{}.{:02}", back / 100, back % 100));
        let refund = json!({"id": Uuid::now_v7().to_string(), "payment_id": id, "status": status,
            "amount": body["amount"], "description": body["description"], "created_at": "2026-11-23T10:00:00.000Z"});
        self.refunds.push(refund.clone());
        Ok(refund)
    }
}

fn error(status: u16, code: &str, parameter: &str) -> Response {
    let body = json!({"type": "error", "id": "x", "code": code, "description": "no", "parameter": parameter});
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

type Shared = State<Arc<Mutex<Books>>>;

/// Counts the call, checks who calls, and meets what is planned.
fn call(
    State(books): Shared,
    headers: &HeaderMap,
    name: String,
    work: impl FnOnce(&mut Books) -> Result<Value, Response>,
) -> Response {
    let mut books = books.lock().unwrap();
    books.calls.push(name.clone());
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{SHOP_ID}:{SECRET_KEY}"));
    if headers.get("authorization").is_none_or(|value| value != &format!("Basic {basic}")) {
        return error(401, "invalid_credentials", "");
    }
    let listing = name.starts_with("LIST");
    if listing && !books.lists {
        return error(500, "internal_server_error", "");
    }
    let fault = if listing { None } else { books.faults.pop_front() };
    match fault {
        Some(Fault::Answer(status)) => return error(status, "internal_server_error", ""),
        Some(Fault::Garbage) => return "<html>oops</html>".into_response(),
        Some(Fault::Lost) => {
            drop(work(&mut books));
            return error(500, "internal_server_error", "");
        }
        None => {}
    }
    work(&mut books).map_or_else(|refused| refused, |object| Json(object).into_response())
}

/// The same key answers as it did at first; with another body it is refused.
fn post(
    state: Shared,
    headers: &HeaderMap,
    path: &str,
    body: &Bytes,
    work: impl FnOnce(&mut Books, &Value) -> Result<Value, Response>,
) -> Response {
    let key = headers["idempotence-key"].to_str().unwrap().to_owned();
    let body: Value = serde_json::from_slice(body).unwrap();
    call(state, headers, format!("POST /{path}"), |books| {
        books.bodies.push(body.clone());
        if let Some((first, answer)) = books.keys.get(&key) {
            let same = *first == body;
            return if same {
                Ok(answer.clone())
            } else {
                Err(error(400, "invalid_request", "Idempotence-Key"))
            };
        }
        let answer = work(books, &body)?;
        books.keys.insert(key, (body, answer.clone()));
        Ok(answer)
    })
}

async fn create_payment(state: Shared, headers: HeaderMap, body: Bytes) -> Response {
    post(state, &headers, "payments", &body, |books, body| {
        assert_eq!(body["capture"], json!(true));
        assert!(body["confirmation"]["return_url"].is_string());
        let id = Uuid::now_v7().to_string();
        books.payments.push(payment(&id, &body["amount"], body["metadata"].clone()));
        Ok(books.payments.last().unwrap().clone())
    })
}

async fn create_refund(state: Shared, headers: HeaderMap, body: Bytes) -> Response {
    post(state, &headers, "refunds", &body, |books, body| books.refund(body))
}

fn find(list: &[Value], id: &str) -> Result<Value, Response> {
    let found = list.iter().find(|object| object["id"] == id);
    found.cloned().ok_or_else(|| error(404, "not_found", ""))
}

async fn one_payment(state: Shared, headers: HeaderMap, Path(id): Path<String>) -> Response {
    call(state, &headers, format!("GET /payments/{id}"), |books| find(&books.payments, &id))
}

async fn one_refund(state: Shared, headers: HeaderMap, Path(id): Path<String>) -> Response {
    call(state, &headers, format!("GET /refunds/{id}"), |books| find(&books.refunds, &id))
}

type Filter = Query<HashMap<String, String>>;

/// Newest first, two at a time: real pages are longer.
fn page(list: &[Value], filter: &HashMap<String, String>, field: &str) -> Value {
    let matches = |object: &&Value| {
        filter.get(field).is_none_or(|wanted| object[field].as_str() == Some(wanted))
    };
    let from: usize = filter.get("cursor").map_or(0, |cursor| cursor.parse().unwrap());
    let all: Vec<_> = list.iter().rev().filter(matches).collect();
    let items: Vec<_> = all.iter().skip(from).take(2).collect();
    let next = from + items.len();
    let cursor = (next < all.len()).then(|| next.to_string());
    let mut page = json!({"type": "list", "items": items});
    if let Some(cursor) = cursor {
        page["next_cursor"] = json!(cursor);
    }
    page
}

async fn list_payments(state: Shared, headers: HeaderMap, Query(filter): Filter) -> Response {
    call(state, &headers, "LIST /payments".to_owned(), |books| {
        Ok(page(&books.payments, &filter, "status"))
    })
}

async fn list_refunds(state: Shared, headers: HeaderMap, Query(filter): Filter) -> Response {
    let one = filter.contains_key("payment_id");
    let name = if one { "GET /refunds?" } else { "LIST /refunds" };
    call(state, &headers, name.to_owned(), |books| Ok(page(&books.refunds, &filter, "payment_id")))
}
