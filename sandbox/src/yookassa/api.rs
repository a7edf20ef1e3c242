//! What every call answers: an object, or an error in YooKassa's form.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

/// A call of the API.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What was asked for.
    pub call: Call,
    /// The path below `/v3`, e.g. `/payments`.
    pub path: String,
    /// What came behind `?`, undecoded.
    pub query: String,
    /// `Idempotence-Key`.
    pub idempotence_key: Option<String>,
    /// The JSON that came with it; null for none.
    pub body: Value,
    /// The status that was answered; 0 for no answer at all.
    pub status: u16,
}

/// What can be asked of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `POST /payments`.
    CreatePayment,
    /// `GET /payments/{id}`.
    GetPayment,
    /// `GET /payments`.
    ListPayments,
    /// `POST /payments/{id}/capture`.
    CapturePayment,
    /// `POST /payments/{id}/cancel`.
    CancelPayment,
    /// `POST /refunds`.
    CreateRefund,
    /// `GET /refunds/{id}`.
    GetRefund,
    /// `GET /refunds`.
    ListRefunds,
}

#[derive(Debug)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    code: &'static str,
    description: String,
    parameter: Option<String>,
}

pub(super) type Answer = Result<Value, ApiError>;

impl ApiError {
    fn new(status: StatusCode, code: &'static str, description: impl Into<String>) -> Self {
        Self { status, code, description: description.into(), parameter: None }
    }

    fn about(mut self, parameter: &str) -> Self {
        self.parameter = Some(parameter.to_owned());
        self
    }

    pub(super) fn invalid(parameter: &str, description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description).about(parameter)
    }

    pub(super) fn bad(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    pub(super) fn unauthorized() -> Self {
        let description = "Authentication by given credentials failed";
        Self::new(StatusCode::UNAUTHORIZED, "invalid_credentials", description)
            .about("Authorization")
    }

    pub(super) fn no_payment() -> Self {
        let description = "Incorrect payment_id. Payment doesn't exist or access denied";
        Self::new(StatusCode::NOT_FOUND, "not_found", description).about("payment_id")
    }

    pub(super) fn no_refund() -> Self {
        let description = "Incorrect refund_id. Refund doesn't exist or access denied";
        Self::new(StatusCode::NOT_FOUND, "not_found", description).about("refund_id")
    }

    /// The body that belongs to a bare status.
    pub(super) fn of(status: StatusCode) -> Self {
        if status == StatusCode::UNAUTHORIZED {
            return Self::unauthorized();
        }
        let (code, description) = if status == StatusCode::TOO_MANY_REQUESTS {
            ("too_many_requests", "Too many requests, try again later")
        } else if status == StatusCode::NOT_FOUND {
            ("not_found", "Resource not found")
        } else if status == StatusCode::METHOD_NOT_ALLOWED {
            ("invalid_request", "Method is not allowed")
        } else if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            ("invalid_request", "Content type must be application/json")
        } else {
            ("internal_server_error", "Technical error, try again later")
        };
        Self::new(status, code, description)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = json!({"type": "error", "id": Uuid::new_v4(), "code": self.code,
            "description": self.description});
        if let Some(parameter) = self.parameter {
            body["parameter"] = json!(parameter);
        }
        (self.status, Json(body)).into_response()
    }
}
