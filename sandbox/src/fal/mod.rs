//! A stand-in of fal.ai's queue API.
//!
//! `POST /{owner}/{app…}` takes a request and answers its `status_url`, `response_url` and `cancel_url`; the status is
//! HTTP 202 until COMPLETED; as with the real queue, what is wrong with the input shows only in the response. Files
//! are real PNGs that show the prompt, the app and the input pictures, and are gone after [`KEPT`].
//!
//! What a test or the chat page can ask for: [`FalStandIn::fail_next`] and [`FalStandIn::fail_polls`],
//! [`FalStandIn::hold`] to keep every job unfinished, and what was accepted ([`FalStandIn::submits`]).
//!
//! Bounds: bodies up to 300 MB, all state in memory, nothing survives the process.

mod failure;
mod input;
mod job;
mod picture;
mod routes;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::Notify;

pub use failure::Failure;
pub use job::Submit;

use crate::server::{Server, url_of};
use failure::Planned;
use job::Job;

/// How long results can be fetched, as fal.ai keeps large ones.
pub const KEPT: Duration = Duration::from_secs(360);

/// The only key that the stand-in takes.
const KEY: &str = "sandbox:fal-stand-in";

/// A running stand-in; dropping it closes its listener.
#[derive(Debug)]
pub struct FalStandIn {
    world: Arc<World>,
    _server: Server,
}

impl FalStandIn {
    /// Starts serving on `listener`. Must be called inside a tokio runtime.
    pub fn start(listener: TcpListener) -> Self {
        let url = url_of(&listener);
        Self::known_as(listener, url)
    }

    /// Starts serving on `listener`, and names `url` (a scheme and who serves, without a path) in its answers: for callers
    /// who reach it by another name than the listener's address. Must be called inside a tokio runtime.
    pub fn known_as(listener: TcpListener, url: String) -> Self {
        let world =
            Arc::new(World { url, state: Mutex::new(State::default()), changed: Notify::new() });
        let server = Server::start(listener, routes::router(world.clone()));
        Self { world, _server: server }
    }

    /// The base URL, for `FAL_QUEUE_URL`.
    pub fn url(&self) -> String {
        self.world.url.clone()
    }

    /// The key that is taken, for `FAL_KEY`; any other answers 401.
    pub fn key(&self) -> SecretString {
        SecretString::from(KEY)
    }

    /// How long a job takes from its submit on; 50 ms unless told. The first third of it is IN_QUEUE.
    pub fn set_pace(&self, pace: Duration) {
        self.world.state().pace = Pace(pace);
    }

    /// The next `times` submits meet `failure`; replaces what was planned for submits before. `u32::MAX` is forever.
    pub fn fail_next(&self, failure: Failure, times: u32) {
        self.world.state().submit_failure = Some(Planned::new(failure, times));
    }

    /// The next `times` calls to a status or response URL meet `failure`, which is one of [`Failure::TooManyRequests`],
    /// [`Failure::ServerError`], [`Failure::Unavailable`], [`Failure::Hang`] and [`Failure::DropConnection`]; the others
    /// belong to a job and do nothing here.
    pub fn fail_polls(&self, failure: Failure, times: u32) {
        self.world.state().poll_failure = Some(Planned::new(failure, times));
    }

    /// Everything planned by [`Self::fail_next`] and [`Self::fail_polls`] is off.
    pub fn behave(&self) {
        let mut state = self.world.state();
        state.submit_failure = None;
        state.poll_failure = None;
    }

    /// What [`Self::fail_next`] still has in store.
    pub fn planned(&self) -> Option<Failure> {
        self.world.state().submit_failure.as_ref().map(|planned| planned.failure.clone())
    }

    /// Keeps all jobs unfinished, those to come too, until [`Self::release`].
    pub fn hold(&self) {
        self.world.state().held = true;
    }

    /// Lets held jobs finish.
    pub fn release(&self) {
        self.world.state().held = false;
    }

    /// Every submit that was accepted, oldest first: each would have been paid for.
    pub fn submits(&self) -> Vec<Submit> {
        let state = self.world.state();
        state.jobs.iter().map(|job| job.submit.clone()).collect()
    }

    /// How many accepted submits carried this prompt.
    pub fn submits_of(&self, prompt: &str) -> usize {
        let state = self.world.state();
        let with_prompt = |job: &&Job| job.submit.prompt == prompt;
        state.jobs.iter().filter(with_prompt).count()
    }

    /// How often a result's file was fetched.
    pub fn downloads(&self) -> usize {
        self.world.state().downloads
    }

    /// Returns once some job's status was asked for: whoever submitted it knows its `request_id`.
    pub async fn polled(&self) {
        loop {
            let changed = self.world.changed.notified();
            if self.world.state().polls > 0 {
                return;
            }
            changed.await;
        }
    }

    /// Returns once at least `count` submits were accepted.
    pub async fn accepted(&self, count: usize) {
        loop {
            let changed = self.world.changed.notified();
            if self.world.state().jobs.len() >= count {
                return;
            }
            changed.await;
        }
    }
}

/// What the routes share.
#[derive(Debug)]
struct World {
    url: String,
    state: Mutex<State>,
    changed: Notify,
}

impl World {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct State {
    jobs: Vec<Job>,
    submit_failure: Option<Planned>,
    poll_failure: Option<Planned>,
    held: bool,
    pace: Pace,
    downloads: usize,
    polls: usize,
}

#[derive(Debug, Clone, Copy)]
struct Pace(Duration);

impl Default for Pace {
    fn default() -> Self {
        Self(Duration::from_millis(50))
    }
}
