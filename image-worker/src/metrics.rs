//! Every metric of this service, with its unit.
//!
//! | name | unit | labels |
//! |---|---|---|
//! | `worker_jobs` | jobs that have not ended | `state`: due, later (between attempts, or the user blocked the bot), leased |
//! | `worker_jobs_ended_total` | jobs | `kind`, `outcome`: succeeded or the reason of the failure |
//! | `worker_job_seconds` | seconds from taken to ended | `kind`, `outcome` |
//! | `worker_attempts_total` | requests to the provider, of jobs that ended | `kind`, `end` |
//! | `worker_leases_lost_total` | jobs that another worker took over | |

use metrics::{counter, gauge, histogram};

use crate::clock::Time;
use crate::jobs::{Job, Load, Phase};

/// How many jobs are there to be done.
pub fn load(load: &Load) {
    for (state, count) in [("due", load.due), ("later", load.later), ("leased", load.leased)] {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        gauge!("worker_jobs", "state" => state).set(count);
    }
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

/// A job was taken over by another worker.
pub fn lease_lost() {
    counter!("worker_leases_lost_total").increment(1);
}
