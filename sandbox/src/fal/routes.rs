//! The queue's HTTP interface.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, body};
use serde_json::{Value, json};
use uuid::Uuid;

use super::failure::{Failure, Planned};
use super::job::{Job, Phase};
use super::{KEY, World};
use crate::server;

const BODY_LIMIT: usize = 300 * 1024 * 1024;

pub(super) fn router(world: Arc<World>) -> Router {
    Router::new()
        .route("/files/{request_id}/{file}", get(file))
        .fallback(queue)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(world)
}

/// One entry for all apps: their paths have any depth, so `/requests/` is what tells the routes apart.
async fn queue(State(world): State<Arc<World>>, request: Request) -> Response {
    let allowed = format!("Key {KEY}");
    let given = request.headers().get(header::AUTHORIZATION);
    if given.is_none_or(|given| given.as_bytes() != allowed.as_bytes()) {
        return detail(
            StatusCode::UNAUTHORIZED,
            "Authentication is required to access this application",
        );
    }
    let method = request.method().clone();
    let path = request.uri().path().trim_matches('/').to_owned();
    match path.split_once("/requests/") {
        None if method == Method::POST => {
            match body::to_bytes(request.into_body(), BODY_LIMIT).await {
                Ok(bytes) => submit(&world, &path, bytes).await,
                Err(_) => detail(StatusCode::PAYLOAD_TOO_LARGE, "Request body is too large"),
            }
        }
        None => detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"),
        Some((app, rest)) => of_request(&world, &method, app, rest).await,
    }
}

async fn submit(world: &World, app: &str, bytes: Bytes) -> Response {
    if app.split('/').filter(|part| !part.is_empty()).count() < 2 {
        return detail(StatusCode::NOT_FOUND, "Application not found");
    }
    let Ok(payload) = serde_json::from_slice::<Value>(&bytes) else {
        return detail(StatusCode::BAD_REQUEST, "Invalid JSON");
    };
    let (failure, pace) = {
        let mut state = world.state();
        (Planned::meet(&mut state.submit_failure), state.pace.0)
    };
    if let Some(failure) = &failure
        && let Some(response) = failure.of_call().await
    {
        return response;
    }
    let request_id = Uuid::new_v4().to_string();
    let (owner_app, url) = (owner_and_app(app), world.url.clone());
    let job = {
        let (id, app, failure) = (request_id.clone(), app.to_owned(), failure.clone());
        let draw = move || Job::new(&id, &app, &payload, failure.as_ref(), (&url, pace));
        match tokio::task::spawn_blocking(draw).await {
            Ok(job) => job,
            Err(_) => return detail(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
        }
    };
    world.state().jobs.push(job);
    world.changed.notify_waiters();
    if failure == Some(Failure::DropConnection) {
        server::drop_connection();
    }
    let response_url = format!("{}/{owner_app}/requests/{request_id}", world.url);
    Json(json!({
        "status": "IN_QUEUE", "request_id": request_id, "response_url": response_url,
        "status_url": format!("{response_url}/status"), "cancel_url": format!("{response_url}/cancel"),
        "logs": null, "metrics": {}, "queue_position": 0,
    }))
    .into_response()
}

async fn of_request(world: &World, method: &Method, app: &str, rest: &str) -> Response {
    let (request_id, action) = rest.split_once('/').unwrap_or((rest, ""));
    if *method == Method::GET {
        let failure = Planned::meet(&mut world.state().poll_failure);
        match failure {
            Some(Failure::DropConnection) => server::drop_connection(),
            Some(failure) => {
                if let Some(response) = failure.of_call().await {
                    return response;
                }
            }
            None => {}
        }
    }
    let mut state = world.state();
    let held = state.held;
    if action == "status" {
        state.polls += 1;
        world.changed.notify_waiters();
    }
    let known = state
        .job(request_id)
        .filter(|job| !job.forgotten() && owner_and_app(&job.submit.app) == app);
    let Some(job) = known else {
        return detail(StatusCode::NOT_FOUND, "Request not found");
    };
    match (method.as_str(), action) {
        ("GET", "status") => status(&world.url, app, job, held),
        ("GET", "") => match job.phase(held) {
            Phase::Completed => (job.outcome.0, Json(job.outcome.1.clone())).into_response(),
            Phase::Queued | Phase::Running => {
                detail(StatusCode::BAD_REQUEST, "Request is still in progress")
            }
        },
        ("PUT", "cancel") if job.cancel(held) => {
            answer(StatusCode::ACCEPTED, json!({"status": "CANCELLATION_REQUESTED"}))
        }
        ("PUT", "cancel") => {
            answer(StatusCode::BAD_REQUEST, json!({"status": "ALREADY_COMPLETED"}))
        }
        _ => detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"),
    }
}

fn status(url: &str, app: &str, job: &Job, held: bool) -> Response {
    let response_url = format!("{url}/{app}/requests/{}", job.submit.request_id);
    let mut body = json!({"request_id": job.submit.request_id, "response_url": response_url,
        "status_url": format!("{response_url}/status"), "cancel_url": format!("{response_url}/cancel"), "logs": null});
    let (code, more) = match job.phase(held) {
        Phase::Queued => (StatusCode::ACCEPTED, json!({"status": "IN_QUEUE", "queue_position": 0})),
        Phase::Running => (StatusCode::ACCEPTED, json!({"status": "IN_PROGRESS"})),
        Phase::Completed => {
            let metrics = json!({"inference_time": job.inference_seconds()});
            (StatusCode::OK, json!({"status": "COMPLETED", "metrics": metrics}))
        }
    };
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.clone());
    }
    answer(code, body)
}

/// Files need no key, like those of fal's CDN.
async fn file(
    State(world): State<Arc<World>>,
    Path((request_id, file)): Path<(String, String)>,
) -> Response {
    let mut state = world.state();
    let png =
        state.job(&request_id).filter(|job| !job.files_dead && !job.forgotten()).and_then(|job| {
            let index: usize = file.strip_suffix(".png")?.parse().ok()?;
            job.files.get(index).cloned()
        });
    match png {
        Some(png) => {
            state.downloads += 1;
            ([(header::CONTENT_TYPE, "image/png")], png).into_response()
        }
        None => detail(StatusCode::NOT_FOUND, "File not found"),
    }
}

/// Only the submit carries the path below `owner/app`.
fn owner_and_app(app: &str) -> String {
    app.split('/').take(2).collect::<Vec<_>>().join("/")
}

fn detail(code: StatusCode, detail: &str) -> Response {
    answer(code, json!({ "detail": detail }))
}

fn answer(code: StatusCode, body: Value) -> Response {
    (code, Json(body)).into_response()
}
