//! One accepted request and where it stands.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::{Value, json};

use super::failure::{Failure, extra};
use super::{KEPT, State, input, picture};

/// A submit that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submit {
    /// fal's id of it.
    pub request_id: String,
    /// `owner/app/path`.
    pub app: String,
    /// The prompt, empty when there was none.
    pub prompt: String,
    /// How many pictures came with it.
    pub pictures: usize,
    /// The body without its pictures (each is replaced by its length).
    pub body: Value,
    /// Was it cancelled before it started?
    pub cancelled: bool,
}

/// Where a job stands, as the status route says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Queued,
    Running,
    Completed,
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) submit: Submit,
    pub(super) outcome: (StatusCode, Value),
    pub(super) files: Vec<Bytes>,
    pub(super) files_dead: bool,
    accepted: Instant,
    takes: Duration,
}

impl Job {
    /// Works out at once how the job will end; it only takes its time to say so.
    pub(super) fn new(
        request_id: &str,
        app: &str,
        body: &Value,
        failure: Option<&Failure>,
        world: (&str, Duration),
    ) -> Self {
        let (url, pace) = world;
        let (outcome, files) = outcome(request_id, app, body, failure, url);
        Self {
            submit: Submit {
                request_id: request_id.to_owned(),
                app: app.to_owned(),
                prompt: input::prompt(body).to_owned(),
                pictures: input::picture_fields(body).len(),
                body: without_pictures(body),
                cancelled: false,
            },
            outcome,
            files,
            files_dead: failure == Some(&Failure::DeadResultUrl),
            accepted: Instant::now(),
            takes: pace + extra(failure),
        }
    }

    pub(super) fn phase(&self, held: bool) -> Phase {
        let passed = self.accepted.elapsed();
        if self.submit.cancelled || (passed >= self.takes && !held) {
            Phase::Completed
        } else if passed >= self.takes / 3 {
            Phase::Running
        } else {
            Phase::Queued
        }
    }

    pub(super) fn forgotten(&self) -> bool {
        self.accepted.elapsed() > self.takes + KEPT
    }

    /// Only what was not started can be cancelled.
    pub(super) fn cancel(&mut self, held: bool) -> bool {
        if self.phase(held) == Phase::Completed {
            return false;
        }
        self.submit.cancelled = true;
        self.files.clear();
        let detail = json!([{"loc": ["body"], "msg": "The request was cancelled", "type": "client_cancelled"}]);
        let code = StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST);
        self.outcome = (code, json!({ "detail": detail }));
        true
    }

    /// How long the machine worked, in seconds, as fal's metrics tell it.
    pub(super) fn inference_seconds(&self) -> f64 {
        self.takes.as_secs_f64()
    }
}

impl State {
    pub(super) fn job(&mut self, request_id: &str) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.submit.request_id == request_id)
    }
}

fn outcome(
    request_id: &str,
    app: &str,
    body: &Value,
    failure: Option<&Failure>,
    url: &str,
) -> ((StatusCode, Value), Vec<Bytes>) {
    let prompt = input::prompt(body);
    if let Some(failed) = failure.and_then(|failure| failure.of_job(prompt)) {
        return (failed, Vec::new());
    }
    let input = match input::read(app, body) {
        Ok(input) => input,
        Err(refusal) => return (refusal, Vec::new()),
    };
    let black = failure == Some(&Failure::NsfwResult);
    let mut images = Vec::new();
    let mut files = Vec::new();
    for index in 0..input.count {
        let drawn = if black {
            picture::black(input.size)
        } else {
            picture::draw(app, &input, &format!("{request_id}/{index}"))
        };
        let Ok((png, (width, height))) = drawn else {
            let detail = json!([{"loc": ["body"], "msg": "could not draw", "type": "internal_server_error"}]);
            return ((StatusCode::INTERNAL_SERVER_ERROR, json!({ "detail": detail })), Vec::new());
        };
        images.push(json!({"url": format!("{url}/files/{request_id}/{index}.png"), "content_type": "image/png",
            "file_name": format!("{index}.png"), "file_size": png.len(), "width": width, "height": height}));
        files.push(Bytes::from(png));
    }
    let body = if input::answers_single(app) {
        json!({"image": images.first(), "seed": 42})
    } else {
        json!({"images": images, "timings": {"inference": 0.5}, "seed": 42, "prompt": prompt,
            "has_nsfw_concepts": vec![black; files.len()]})
    };
    ((StatusCode::OK, body), files)
}

fn without_pictures(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(fields) = body.as_object_mut() {
        for (name, value) in fields.iter_mut() {
            let shorten = |value: &Value| json!(value.as_str().map(str::len));
            if name.ends_with("image_url") {
                *value = shorten(value);
            } else if name.ends_with("image_urls") {
                let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
                *value = list.iter().map(shorten).collect();
            }
        }
    }
    body
}
