//! The API over HTTP.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Books, Fault, Refused, SECRET_KEY, SHOP_ID, payment};

pub(super) fn router(books: Arc<Mutex<Books>>) -> Router {
    Router::new()
        .route("/v3/payments", get(list_payments).post(create_payment))
        .route("/v3/payments/{id}", get(one_payment))
        .route("/v3/refunds", get(list_refunds).post(create_refund))
        .route("/v3/refunds/{id}", get(one_refund))
        .with_state(books)
}

type Shared = State<Arc<Mutex<Books>>>;

/// Counts the call, checks who calls, and meets what is planned.
fn call(
    State(books): Shared,
    headers: &HeaderMap,
    name: String,
    work: impl FnOnce(&mut Books) -> Result<Value, Refused>,
) -> Response {
    let mut books = books.lock().unwrap();
    books.calls.push(name.clone());
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{SHOP_ID}:{SECRET_KEY}"));
    if headers.get("authorization").is_none_or(|value| value != &format!("Basic {basic}")) {
        return Refused(401, "invalid_credentials", "").into_response();
    }
    let listing = name.starts_with("LIST");
    if listing && !books.lists {
        return Refused(500, "internal_server_error", "").into_response();
    }
    let fault = if listing { None } else { books.faults.pop_front() };
    match fault {
        Some(Fault::Answer(status)) => {
            return Refused(status, "internal_server_error", "").into_response();
        }
        Some(Fault::Garbage) => return "<html>oops</html>".into_response(),
        Some(Fault::Lost) => {
            drop(work(&mut books));
            return Refused(500, "internal_server_error", "").into_response();
        }
        None => {}
    }
    work(&mut books).map_or_else(Refused::into_response, |object| Json(object).into_response())
}

/// The same key answers as it did at first; with another body it is refused.
fn post(
    state: Shared,
    headers: &HeaderMap,
    path: &str,
    body: &Bytes,
    work: impl FnOnce(&mut Books, &Value) -> Result<Value, Refused>,
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
                Err(Refused(400, "invalid_request", "Idempotence-Key"))
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

fn find(list: &[Value], id: &str) -> Result<Value, Refused> {
    let found = list.iter().find(|object| object["id"] == id);
    found.cloned().ok_or(Refused(404, "not_found", ""))
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
