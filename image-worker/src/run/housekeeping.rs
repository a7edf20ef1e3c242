//! Deletes what nobody needs any more, and ends what waited too long for its turn.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Runner;
use super::machine::Policy;
use crate::blobs::{BlobError, Blobs};
use crate::clock::Time;
use crate::jobs::{Jobs, StoreError};
use crate::metrics;

/// How long an input can be used after its last upload.
pub const KEEP_INPUT: Duration = Duration::from_secs(24 * 3600);
/// How long a delivered result can be fetched.
const KEEP_RESULT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long the record of an ended job is kept.
const KEEP_RECORD: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long it is known that a user came back: far longer than a delivery, which compares what it knew at its begin.
const KEEP_RETURN: Duration = Duration::from_secs(24 * 3600);
/// Overdue jobs that are taken up in one round, beyond the bound on running ones: each only needs a refund.
const OVERDUE_AT_ONCE: u32 = 32;
const LOOK_EVERY: Duration = Duration::from_secs(15);
const DELETE_EVERY: Duration = Duration::from_secs(600);

/// Keeps house until `stop` is called. `lease` is what an overdue job is leased for.
pub async fn housekeep(
    jobs: Jobs,
    blobs: Blobs,
    runner: Runner,
    policy: Policy,
    lease: Duration,
    stop: CancellationToken,
) {
    metrics::announce();
    let mut deleted = None;
    loop {
        let now = Time::now();
        if let Err(error) = look(&jobs, &runner, &policy, lease, now).await {
            tracing::warn!(%error, "housekeeping could not look after the jobs");
        }
        if deleted.is_none_or(|at| now.since(at) > DELETE_EVERY) {
            deleted = Some(now);
            if let Err(error) = delete(&jobs, &blobs, &policy, now).await {
                tracing::warn!(%error, "housekeeping could not delete");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// A queue that is too long must not keep money from people: who waited for the whole time limit is refunded now.
async fn look(
    jobs: &Jobs,
    runner: &Runner,
    policy: &Policy,
    lease: Duration,
    now: Time,
) -> Result<(), StoreError> {
    metrics::load(&jobs.load(now).await?, now);
    let limit = i64::try_from(policy.time_limit.as_micros()).unwrap_or(i64::MAX);
    let taken_before = Time(now.0.saturating_sub(limit));
    for id in jobs.never_started(taken_before, OVERDUE_AT_ONCE).await? {
        if let Some((leased, job)) = jobs.claim_queued(&id, lease).await? {
            runner.adopt(leased, job);
        }
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum DeleteError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Blob(#[from] BlobError),
}

async fn delete(jobs: &Jobs, blobs: &Blobs, policy: &Policy, now: Time) -> Result<(), DeleteError> {
    // A job that was taken at an input's last moment may still need it for as long as a job may take.
    let inputs = blobs.delete_inputs(before(now, KEEP_INPUT + policy.time_limit)).await?;
    let mut results = 0u64;
    for operation_id in blobs.old_results(before(now, KEEP_RESULT)).await? {
        let ended = jobs.get(&operation_id).await?.is_none_or(|row| row.ended());
        if ended {
            blobs.delete_results(&operation_id).await?;
            results += 1;
        }
    }
    let records = jobs.prune(before(now, KEEP_RECORD)).await?;
    let returns = jobs.forget_returns(before(now, KEEP_RETURN)).await?;
    if inputs + results + records + returns > 0 {
        tracing::info!(inputs, results, records, returns, "deleted");
    }
    Ok(())
}

fn before(now: Time, span: Duration) -> Time {
    Time(now.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
}
