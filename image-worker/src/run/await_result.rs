//! From an accepted request to pictures in the object store.
//!
//! Only this one request is asked for, with growing pauses. fal keeps a result for minutes, so it is fetched and stored at
//! once, and at least looked for once after the time limit has passed: a worker that was away may find it ready.

use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::effects::{HOLD, World};
use super::machine::Outcome;
use crate::clock::Time;
use crate::fal::{Asked, Class, Failure, NotYet};
use crate::jobs::{FalRequest, Job, Picture};
use crate::settle::NotDone;

/// Pauses between two questions grow to this many times the first.
const MAX_POLL_FACTOR: u32 = 5;
/// How often a picture that fal names is asked for.
const DOWNLOAD_TRIES: u32 = 3;

/// Polls until the request has ended or `deadline` passed, and stores what came out. None: `stop` was called.
pub(super) async fn await_result(
    world: &World,
    job: &mut Job,
    request: &FalRequest,
    deadline: Time,
    stop: &CancellationToken,
) -> Option<Outcome> {
    let mut pause = world.poll_interval;
    loop {
        let asked_to_wait = match world.fal.status(request).await {
            Ok(Asked::Completed) => return Some(collect(world, job, request, deadline).await),
            Ok(Asked::Running) => None,
            Err(NotYet::AskAgain(wait)) => wait,
            Err(NotYet::Over(failure)) => return Some(Outcome::AttemptFailed(failure)),
        };
        if Time::now() > deadline {
            world.fal.cancel(request).await;
            return Some(Outcome::OutOfTime);
        }
        if let Err(NotDone::Settled(settled)) = world.keep_held(job, HOLD).await {
            world.fal.cancel(request).await;
            return Some(Outcome::NotHeld(settled));
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            () = tokio::time::sleep(asked_to_wait.unwrap_or(pause)) => {}
        }
        pause = (pause * 3 / 2).min(world.poll_interval * MAX_POLL_FACTOR);
    }
}

async fn collect(world: &World, job: &Job, request: &FalRequest, deadline: Time) -> Outcome {
    let urls = loop {
        match world.fal.result(request).await {
            Ok(urls) => break urls,
            Err(NotYet::Over(failure)) => return Outcome::AttemptFailed(failure),
            Err(NotYet::AskAgain(_)) if Time::now() > deadline => return Outcome::OutOfTime,
            Err(NotYet::AskAgain(wait)) => {
                tokio::time::sleep(wait.unwrap_or(world.poll_interval)).await;
            }
        }
    };
    let mut pictures = Vec::with_capacity(urls.len());
    for (index, url) in urls.iter().enumerate() {
        let bytes = match download(world, url).await {
            Ok(bytes) => bytes,
            Err(failure) => return Outcome::AttemptFailed(failure),
        };
        let Some(mime_type) = service_kit::picture::mime_type(&bytes) else {
            tracing::error!(
                operation_id = job.operation_id,
                "fal's picture is no PNG, JPEG or WebP"
            );
            return Outcome::AttemptFailed(Failure::new(Class::Retry));
        };
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        pictures.push(Picture { mime_type: mime_type.to_owned(), size });
        if let Err(error) = world.blobs.put_result(&job.operation_id, index, bytes).await {
            tracing::warn!(operation_id = job.operation_id, %error, "a result can't be stored now");
            return Outcome::Unavailable(None);
        }
    }
    Outcome::Stored(pictures)
}

async fn download(world: &World, url: &str) -> Result<Bytes, Failure> {
    let mut pause: Duration = world.poll_interval;
    for _ in 1..DOWNLOAD_TRIES {
        match world.fal.download(url).await {
            Ok(bytes) => return Ok(bytes),
            Err(NotYet::Over(failure)) => return Err(failure),
            Err(NotYet::AskAgain(_)) => tokio::time::sleep(pause).await,
        }
        pause *= 2;
    }
    world.fal.download(url).await.map_err(|error| match error {
        NotYet::Over(failure) => failure,
        NotYet::AskAgain(_) => Failure::new(Class::Retry),
    })
}
