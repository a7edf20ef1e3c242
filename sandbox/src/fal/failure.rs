//! The ways in which the stand-in can fail.

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::server;

/// What goes wrong with a call or a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum Failure {
    /// 429 with `Retry-After`, in whole seconds; nothing is accepted.
    TooManyRequests {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// 500; nothing is accepted.
    ServerError,
    /// 503; nothing is accepted.
    Unavailable,
    /// Never answers; nothing is accepted.
    Hang,
    /// A submit is accepted, then the connection is closed without an answer; a poll is closed only.
    DropConnection,
    /// The job ends with 422 `content_policy_violation`.
    ContentRefused,
    /// The job ends well, with `has_nsfw_concepts: [true]` and a black picture.
    NsfwResult,
    /// The job ends with 422 `value_error` of the input.
    BadInput,
    /// The job is COMPLETED, and its response is a 500.
    JobFails,
    /// The job takes this much longer.
    Slow {
        /// Milliseconds on top of the pace.
        millis: u64,
    },
    /// The job ends well, its files answer 404.
    DeadResultUrl,
}

impl Failure {
    /// The answer to a call that fails as such, or `None` when the failure belongs to the job.
    pub(super) async fn of_call(&self) -> Option<Response> {
        match self {
            Self::TooManyRequests { retry_after } => {
                let header = [("retry-after", retry_after.to_string())];
                let body = Json(json!({"detail": "Too Many Requests"}));
                Some((StatusCode::TOO_MANY_REQUESTS, header, body).into_response())
            }
            Self::ServerError => Some(plain(StatusCode::INTERNAL_SERVER_ERROR)),
            Self::Unavailable => Some(plain(StatusCode::SERVICE_UNAVAILABLE)),
            Self::Hang => {
                server::hang().await;
                Some(plain(StatusCode::GATEWAY_TIMEOUT))
            }
            Self::DropConnection
            | Self::ContentRefused
            | Self::NsfwResult
            | Self::BadInput
            | Self::JobFails
            | Self::Slow { .. }
            | Self::DeadResultUrl => None,
        }
    }

    /// The response of a job that ends so, or `None` when it ends with pictures.
    pub(super) fn of_job(&self, prompt: &str) -> Option<(StatusCode, Value)> {
        match self {
            Self::ContentRefused => Some(refusal(
                "prompt",
                "The content could not be processed because it contained material flagged by a content checker.",
                "content_policy_violation",
                prompt,
            )),
            Self::BadInput => {
                Some(refusal("prompt", "Value error, unusable input", "value_error", prompt))
            }
            Self::JobFails => Some((
                StatusCode::INTERNAL_SERVER_ERROR,
                json!({"detail": [{"loc": ["body"], "msg": "Internal server error",
                    "type": "internal_server_error"}]}),
            )),
            Self::TooManyRequests { .. }
            | Self::ServerError
            | Self::Unavailable
            | Self::Hang
            | Self::DropConnection
            | Self::NsfwResult
            | Self::Slow { .. }
            | Self::DeadResultUrl => None,
        }
    }
}

/// A 422 in the shape of fal.ai, which echoes the input.
pub(super) fn refusal(field: &str, msg: &str, kind: &str, input: &str) -> (StatusCode, Value) {
    let detail = json!([{"loc": ["body", field], "msg": msg, "type": kind, "url": format!("https://docs.fal.ai/errors#{kind}"),
        "input": input}]);
    (StatusCode::UNPROCESSABLE_ENTITY, json!({ "detail": detail }))
}

fn plain(status: StatusCode) -> Response {
    let reason = status.canonical_reason().unwrap_or("error");
    (status, Json(json!({ "detail": reason }))).into_response()
}

/// A failure that is still to be met a number of times.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) failure: Failure,
    left: u32,
}

impl Planned {
    pub(super) fn new(failure: Failure, left: u32) -> Self {
        Self { failure, left }
    }

    /// The failure for one call; the plan ends with the last one.
    pub(super) fn meet(plan: &mut Option<Self>) -> Option<Failure> {
        let planned = plan.as_mut().filter(|planned| planned.left > 0)?;
        let failure = planned.failure.clone();
        if planned.left != u32::MAX {
            planned.left -= 1;
        }
        if planned.left == 0 {
            *plan = None;
        }
        Some(failure)
    }
}

/// The extra time of a slow job.
pub(super) fn extra(failure: Option<&Failure>) -> Duration {
    match failure {
        Some(Failure::Slow { millis }) => Duration::from_millis(*millis),
        _ => Duration::ZERO,
    }
}
