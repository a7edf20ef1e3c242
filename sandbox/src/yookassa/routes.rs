//! The API over HTTP: credentials, planned failures, idempotence, the record of requests.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{Request as HttpRequest, State as Shared};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::api::{Answer, ApiError, Call, Request};
use super::checkout;
use super::state::{Answered, State};
use super::{SECRET_KEY, SHOP_ID, World};
use crate::faults::When;

const BODY_LIMIT: usize = 512 * 1024;
const MAX_KEY: usize = 64;

pub(super) fn router(world: Arc<World>) -> Router {
    Router::new()
        .route("/checkout/payments/v2/contract", get(checkout::page).post(checkout::decide))
        .fallback(api)
        .with_state(world)
}

async fn api(Shared(world): Shared<Arc<World>>, request: HttpRequest) -> Response {
    let (parts, body) = request.into_parts();
    if !has_credentials(&parts.headers) {
        return ApiError::unauthorized().into_response();
    }
    let Some(path) = parts.uri.path().strip_prefix("/v3") else {
        return ApiError::of(StatusCode::NOT_FOUND).into_response();
    };
    let (call, id) = match route(&parts.method, path) {
        Ok(found) => found,
        Err(status) => return ApiError::of(status).into_response(),
    };
    let body = match to_bytes(body, BODY_LIMIT).await {
        Ok(bytes) if bytes.is_empty() => Value::Null,
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(body) => body,
            Err(_) => return ApiError::bad("The request body is not valid JSON").into_response(),
        },
        Err(_) => return ApiError::of(StatusCode::BAD_REQUEST).into_response(),
    };
    let key = parts.headers.get("idempotence-key").and_then(|key| key.to_str().ok());
    let mut asked = Request {
        call,
        path: path.to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        idempotence_key: key.map(str::to_owned),
        body,
        status: 0,
    };
    let failure = world.keep.state().faults.meet(call);
    if let Some(failure) = failure
        && failure.when() == When::Before
    {
        asked.status = failure.status();
        world.keep.change(|state| state.record(asked));
        return failure.answer(|status| ApiError::of(status).into_response()).await;
    }
    let post = parts.method == Method::POST;
    let answer = if post && !is_json(&parts.headers) {
        Err(ApiError::of(StatusCode::UNSUPPORTED_MEDIA_TYPE))
    } else {
        world.keep.change(|state| state.answer(&asked, post, &id, &world.origin))
    };
    asked.status = match (failure, &answer) {
        (Some(failure), _) => failure.status(),
        (None, Ok(_)) => 200,
        (None, Err(error)) => error.status.as_u16(),
    };
    world.keep.change(|state| state.record(asked));
    match (failure, answer) {
        (Some(failure), _) => failure.answer(|status| ApiError::of(status).into_response()).await,
        (None, Ok(object)) => Json(object).into_response(),
        (None, Err(error)) => error.into_response(),
    }
}

fn has_credentials(headers: &HeaderMap) -> bool {
    let expected = BASE64_STANDARD.encode(format!("{SHOP_ID}:{SECRET_KEY}"));
    let given = headers.get(header::AUTHORIZATION).and_then(|given| given.to_str().ok());
    given.and_then(|given| given.strip_prefix("Basic ")) == Some(&expected)
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|given| given.to_str().ok());
    given.is_some_and(|given| given.starts_with("application/json"))
}

/// What is asked for, and of which object.
fn route(method: &Method, path: &str) -> Result<(Call, String), StatusCode> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (get, post, id) = match parts.as_slice() {
        ["payments"] => (Some(Call::ListPayments), Some(Call::CreatePayment), ""),
        ["payments", id] => (Some(Call::GetPayment), None, *id),
        ["payments", id, "capture"] => (None, Some(Call::CapturePayment), *id),
        ["payments", id, "cancel"] => (None, Some(Call::CancelPayment), *id),
        ["refunds"] => (Some(Call::ListRefunds), Some(Call::CreateRefund), ""),
        ["refunds", id] => (Some(Call::GetRefund), None, *id),
        _ => return Err(StatusCode::NOT_FOUND),
    };
    let call = if *method == Method::GET {
        get
    } else if *method == Method::POST {
        post
    } else {
        None
    };
    call.map(|call| (call, id.to_owned())).ok_or(StatusCode::METHOD_NOT_ALLOWED)
}

impl State {
    /// Answers a call, a repeated POST with what it was answered first. A refused POST is forgotten: its key may come
    /// again with what is right.
    fn answer(&mut self, asked: &Request, post: bool, id: &str, origin: &str) -> Answer {
        if !post {
            return self.run(asked, id, origin);
        }
        let parameter = "Idempotence-Key";
        let key = asked.idempotence_key.as_deref().unwrap_or_default();
        if key.is_empty() {
            return Err(ApiError::invalid(parameter, "Idempotence key is missing"));
        }
        if key.len() > MAX_KEY {
            return Err(ApiError::invalid(parameter, "Idempotence key is too long"));
        }
        if let Some(first) = self.answered.get(key) {
            if first.path != asked.path || first.body != asked.body {
                return Err(ApiError::invalid(parameter, "Idempotence key duplicated"));
            }
            return Ok(first.answer.clone());
        }
        let answer = self.run(asked, id, origin)?;
        let (path, body) = (asked.path.clone(), asked.body.clone());
        let answered = Answered { path, body, answer: answer.clone() };
        self.answered.insert(key.to_owned(), answered);
        Ok(answer)
    }

    fn run(&mut self, asked: &Request, id: &str, origin: &str) -> Answer {
        match asked.call {
            Call::CreatePayment => self.create_payment(&asked.body, origin),
            Call::GetPayment => self.get_payment(id, origin),
            Call::ListPayments => self.list_payments(&asked.query, origin),
            Call::CapturePayment => self.capture_payment(id, &asked.body, origin),
            Call::CancelPayment => self.cancel_payment(id, origin),
            Call::CreateRefund => self.create_refund(&asked.body),
            Call::GetRefund => self.get_refund(id),
            Call::ListRefunds => self.list_refunds(&asked.query),
        }
    }
}
