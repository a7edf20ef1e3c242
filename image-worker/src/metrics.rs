//! Every metric of this service, with its unit. Labels are names from code, never ids.
//!
//! | name | unit | labels |
//! |---|---|---|
//! | `worker_jobs` | jobs that have not ended | `state`: due, later (between attempts, or the user blocked the bot), leased |
//! | `worker_oldest_job_seconds` | seconds that the job that waits longest has been due; 0 where none is | |
//! | `worker_jobs_ended_total` | jobs | `kind`, `outcome`: succeeded or the reason of the failure |
//! | `worker_job_seconds` | seconds from taken to ended | `kind`, `outcome` |
//! | `worker_attempts_total` | requests to the provider, of jobs that ended | `kind`, `end` |
//! | `worker_generation_seconds` | seconds from asking the provider to its pictures being stored | `kind` |
//! | `worker_fal_calls_total` | HTTP calls to fal.ai | `call`: submit, status, result, download; `end`: ok, again (no answer, or a passing one), lost (the answer of a submit), content_rejected, bad_input, retry, misconfigured |
//! | `worker_fal_call_seconds` | seconds of one such call | `call` |
//! | `worker_refunds_total` | refunds that billing confirmed; once more where a crash made us ask again | `reason` |
//! | `worker_leases_lost_total` | jobs that another worker took over | |
//!
//! `worker_jobs` and `worker_oldest_job_seconds` stand in the database: workers that share one report the same numbers.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

use crate::clock::Time;
use crate::jobs::{FailReason, Job, Load, Phase};

/// Shows the counters that alerts look at and whose labels are known beforehand, at 0: the first of something can only
/// be seen as a rise if there was a 0 before it. Once, at the start.
pub fn announce() {
    for end in ["ok", "again", "lost", "content_rejected", "bad_input", "retry", "misconfigured"] {
        counter!("worker_fal_calls_total", "call" => "submit", "end" => end).increment(0);
    }
    counter!("worker_leases_lost_total").increment(0);
}

/// How many jobs are there to be done.
pub fn load(load: &Load, now: Time) {
    for (state, count) in [("due", load.due), ("later", load.later), ("leased", load.leased)] {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        gauge!("worker_jobs", "state" => state).set(count);
    }
    let waits = load.due_since.map_or(0.0, |since| now.since(since).as_secs_f64());
    gauge!("worker_oldest_job_seconds").set(waits);
}

/// A job ended.
pub fn job_ended(job: &Job, now: Time) {
    let kind = job.spec.kind.name();
    let outcome = match job.phase {
        Phase::Failed { reason } => reason.name(),
        _ => job.phase.name(),
    };
    counter!("worker_jobs_ended_total", "kind" => kind, "outcome" => outcome).increment(1);
    histogram!("worker_job_seconds", "kind" => kind, "outcome" => outcome)
        .record(now.since(job.create_time));
    for attempt in &job.attempts {
        let end = attempt.end.clone().unwrap_or_else(|| "unknown".to_owned());
        counter!("worker_attempts_total", "kind" => kind, "end" => end).increment(1);
    }
}

/// The provider's pictures are stored.
pub fn generated(job: &Job, now: Time) {
    if let Some(attempt) = job.attempts.last() {
        histogram!("worker_generation_seconds", "kind" => job.spec.kind.name())
            .record(now.since(attempt.at));
    }
}

/// One HTTP call to fal.ai.
pub fn fal_call(call: &'static str, end: &'static str, took: Duration) {
    counter!("worker_fal_calls_total", "call" => call, "end" => end).increment(1);
    histogram!("worker_fal_call_seconds", "call" => call).record(took);
}

/// Billing gave an operation back for us.
pub fn refunded(reason: FailReason) {
    counter!("worker_refunds_total", "reason" => reason.name()).increment(1);
}

/// A job was taken over by another worker.
pub fn lease_lost() {
    counter!("worker_leases_lost_total").increment(1);
}
