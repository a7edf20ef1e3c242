//! One leased job, carried as far as it goes now.
//!
//! Two things run side by side until one ends: the steps of the job, and the heartbeat that keeps its lease. A lease that is
//! lost (another worker may have the job already) drops the steps where they stand: nothing more is done outside, and
//! no write with the stale fencing token changes anything. Each new phase is stored before its effect is begun; a
//! database that does not answer is asked again until the lease is over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use service_kit::queue::Leased;
use service_kit::telemetry;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use super::effects::World;
use super::machine::{self, Effect, Policy, Then};
use crate::clock::Time;
use crate::jobs::{Held, Job, Jobs, Phase, StoreError};
use crate::metrics;

/// The pause before a statement is tried again.
const STORE_PAUSE: Duration = Duration::from_millis(300);
/// How soon a blocked delivery is tried again if the worker dies before it has looked whether the user is back.
const LOOK_WITHIN: Duration = Duration::from_secs(60);

/// What all tasks share.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) jobs: Jobs,
    pub(super) world: World,
    pub(super) policy: Policy,
    pub(super) lease: Duration,
    /// Stop where nothing is lost.
    pub(super) stop: CancellationToken,
    /// Stop at once.
    pub(super) kill: CancellationToken,
}

/// Carries `job` until it ends, waits for later, is stopped, or its lease is lost.
pub(super) async fn carry(context: Arc<Context>, leased: Leased, job: Job) {
    let span = span(&leased, &job);
    run(context, leased, job).instrument(span).await;
}

/// In the trace that the job was submitted in, also when another process goes on with it.
fn span(leased: &Leased, job: &Job) -> Span {
    let span = tracing::info_span!(
        "run",
        otel.name = "run job",
        otel.kind = "consumer",
        job = job.operation_id,
        claim = leased.attempt
    );
    telemetry::adopt(&span, leased.trace_context.as_deref());
    span
}

async fn run(context: Arc<Context>, leased: Leased, job: Job) {
    let operation_id = job.operation_id.clone();
    tokio::select! {
        biased;
        () = context.kill.cancelled() => {
            tracing::warn!(operation_id, "dropped by shutdown; goes on when its lease is over");
        }
        () = heartbeat(&context, &leased) => {
            metrics::lease_lost();
            tracing::warn!(operation_id, "lease lost; another worker has the job");
        }
        () = steps(&context, &leased, job) => {}
    }
}

/// Keeps the lease; returns when it is lost.
async fn heartbeat(context: &Context, leased: &Leased) {
    let mut kept = Instant::now();
    loop {
        tokio::time::sleep(context.lease / 4).await;
        let asked = Instant::now();
        match context.jobs.extend(leased, context.lease).await {
            Ok(Held::Yes) => kept = asked,
            Ok(Held::Lost) => return,
            Err(error) => {
                tracing::warn!(%error, "a lease could not be extended");
                // Better too early than at the same time as the next one.
                if kept.elapsed() > context.lease * 2 / 3 {
                    return;
                }
            }
        }
    }
}

async fn steps(context: &Context, leased: &Leased, mut job: Job) {
    let found = job.phase.clone();
    let mut then = machine::found(&mut job, Time::now(), &context.policy, chance());
    let mut stored = then == Then::Continue && job.phase == found;
    let mut last_return = None;
    loop {
        if !stored {
            log_phase(&job);
            if !store(context, leased, &job, then, last_return).await {
                return;
            }
        }
        // The intent was stored just now: giving the job back here would make it look lost.
        if context.stop.is_cancelled() && job.phase != Phase::Submitting {
            return release(context, leased, &job).await;
        }
        let Some(effect) = machine::effect(&job.phase) else { return };
        if effect == Effect::Deliver {
            last_return = insist(|| context.jobs.last_return(&job.spec.user_id)).await;
        }
        let performed =
            context.world.perform(effect, &mut job, &context.policy, &context.stop).await;
        let Some(outcome) = performed else {
            return release(context, leased, &job).await;
        };
        then = machine::after(&mut job, outcome, Time::now(), &context.policy, chance());
        stored = false;
    }
}

/// Stores where the job stands; answers whether it goes on here and now. `last_return` is the note of the user's last
/// return as it was before the last delivery began.
async fn store(
    context: &Context,
    leased: &Leased,
    job: &Job,
    then: Then,
    last_return: Option<Time>,
) -> bool {
    let held = match then {
        Then::Continue => insist(|| context.jobs.save(leased, job)).await,
        Then::At(at) if matches!(job.phase, Phase::Waiting { .. }) => {
            wait_for_user(context, leased, job, at, last_return).await
        }
        Then::At(at) => insist(|| context.jobs.reschedule(leased, job, at)).await,
        Then::End => {
            clean_up(context, job).await;
            insist(|| context.jobs.finish(leased, job)).await
        }
    };
    if held == Held::Lost {
        tracing::warn!(operation_id = job.operation_id, "stale lease: nothing was stored");
        return false;
    }
    if then == Then::End {
        metrics::job_ended(job, Time::now());
    }
    then == Then::Continue
}

/// Gives the job back until its user returns, until `at` at the latest. Whoever returned while the delivery met their
/// block found nothing to wake: the job is put off only once it can be woken and no return was noted meanwhile.
async fn wait_for_user(
    context: &Context,
    leased: &Leased,
    job: &Job,
    at: Time,
    last_return: Option<Time>,
) -> Held {
    let jobs = &context.jobs;
    insist(|| jobs.note_waiting(job)).await;
    let soon = at.min(Time::now().plus(LOOK_WITHIN));
    let held = insist(|| jobs.reschedule(leased, job, soon)).await;
    if held == Held::Lost {
        return held;
    }
    if insist(|| jobs.last_return(&job.spec.user_id)).await == last_return {
        insist(|| jobs.put_off(leased, soon, at)).await;
    } else {
        let woken = insist(|| jobs.wake(&job.operation_id)).await;
        tracing::info!(operation_id = job.operation_id, woken, "the user is back already");
    }
    held
}

/// What an ended job leaves: no note that it waits, and pictures only if they were delivered.
async fn clean_up(context: &Context, job: &Job) {
    insist(|| context.jobs.forget_waiting(&job.operation_id)).await;
    if !job.pictures.is_empty() && job.phase != Phase::Succeeded {
        // Housekeeping finds what can't be deleted now.
        if let Err(error) = context.world.blobs.delete_results(&job.operation_id).await {
            tracing::warn!(operation_id = job.operation_id, %error, "a result was not deleted");
        }
    }
}

/// Gives the job back as it is, to be taken up at once by whoever claims next.
async fn release(context: &Context, leased: &Leased, job: &Job) {
    let held = insist(|| context.jobs.reschedule(leased, job, Time::now())).await;
    tracing::info!(operation_id = job.operation_id, phase = job.phase.name(), ?held, "given back");
}

/// Repeats a statement until the database answers; the heartbeat bounds how long.
async fn insist<T, F>(statement: impl Fn() -> F) -> T
where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        match statement().await {
            Ok(done) => return done,
            Err(error) => {
                tracing::warn!(%error, "the database did not answer, asking again");
                tokio::time::sleep(STORE_PAUSE).await;
            }
        }
    }
}

fn log_phase(job: &Job) {
    tracing::info!(
        operation_id = job.operation_id,
        kind = job.spec.kind.name(),
        phase = job.phase.name(),
        attempts = job.attempts.len(),
        stumbles = job.stumbles,
        "job"
    );
}

fn chance() -> u32 {
    rand::random_range(0..1000)
}
