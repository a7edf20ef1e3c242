//! A job's record, as callers see it.

use proto::gateway::v1::FailureReason;
use proto::images::v1::{Job, JobState};

use crate::deliver::failure_reason;
use crate::jobs::{FailReason, JobRow, Phase};

/// The job on the wire.
pub(super) fn job(row: &JobRow) -> Job {
    let record = &row.job;
    let (state, reason) = state(row);
    let count = |length: usize| i32::try_from(length).unwrap_or(i32::MAX);
    Job {
        operation_id: record.operation_id.clone(),
        user_id: record.spec.user_id.clone(),
        kind: record.spec.kind.name().to_owned(),
        state: state.into(),
        attempts: count(record.attempts.len()),
        failure_reason: reason.unwrap_or(FailureReason::Unspecified).into(),
        result_count: count(record.pictures.len()),
        create_time: Some(record.create_time.to_proto()),
        update_time: Some(row.update_time.to_proto()),
    }
}

/// Whether nothing more happens to the operation: it is completed or refunded.
pub(super) fn settled(row: &JobRow) -> bool {
    match state(row).0 {
        JobState::Succeeded | JobState::Failed | JobState::Canceled => true,
        JobState::Unspecified
        | JobState::Queued
        | JobState::Running
        | JobState::Delivering
        | JobState::Waiting => false,
    }
}

fn state(row: &JobRow) -> (JobState, Option<FailureReason>) {
    match row.job.phase {
        Phase::Queued if row.not_started() => (JobState::Queued, None),
        // What is not refunded yet has not ended.
        Phase::Queued | Phase::Submitting | Phase::Submitted { .. } | Phase::Refunding { .. } => {
            (JobState::Running, None)
        }
        Phase::Delivering { .. } | Phase::Completing => (JobState::Delivering, None),
        Phase::Waiting { .. } => (JobState::Waiting, None),
        Phase::Succeeded => (JobState::Succeeded, None),
        Phase::Telling { reason, .. } | Phase::Failed { reason } => {
            let state = match reason {
                FailReason::Canceled => JobState::Canceled,
                FailReason::ContentRejected
                | FailReason::BadInput
                | FailReason::JobFailed
                | FailReason::TimedOut
                | FailReason::Undeliverable => JobState::Failed,
            };
            (state, Some(failure_reason(reason)))
        }
    }
}
