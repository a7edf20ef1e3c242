//! What a job does next. Pure: time, chance and every answer of the outside come in as arguments.
//!
//! ```text
//! Queued ─hold kept─► Submitting ─accepted─► Submitted ─pictures stored─► Delivering ─delivered─► Completing ─► Succeeded
//!   ▲  │                   │                     │                         │  ▲
//!   │  │ over the limit    │ refused, lost       │ failed, out of time     ▼  │ tried again
//!   │  ▼                   ▼                     ▼                        Waiting ─7 days─► Refunding
//!   └──────── tries left ──┴─────────────────────┴─ none left ─► Refunding ─► Telling ─► Failed
//! ```
//!
//! The rules that hold whatever happens:
//! * `Submitting` is stored before the POST. Who *finds* a job so can't know whether it was accepted: the attempt
//!   counts as lost, is waited for, and submitted once more; the house pays.
//! * In `Submitted` nothing but that request is asked for, however often the worker dies.
//! * Pictures go out only while the money is held, and the money is spent only after they went out.
//! * The user is told of a failure only after the refund.

use std::time::Duration;

use crate::clock::Time;
use crate::fal::{Class, Failure};
use crate::jobs::{Attempt, FailReason, FalRequest, Job, Phase, Picture};
use crate::settle::Settled;

/// How long an unreachable user's pictures are kept, and how long a delivery is tried.
pub const KEEP_UNDELIVERED: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often a user who blocked the bot is tried without having come back.
pub const BLOCKED_RETRY: Duration = Duration::from_secs(6 * 3600);
/// How long it is tried to tell a user that a refund was made.
pub const KEEP_TELLING: Duration = Duration::from_secs(24 * 3600);
/// How often the gateway's word is doubted that it can't deliver.
const MAX_REFUSALS: u32 = 3;
/// The longest pause between two tries at billing, the gateway or the object store.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// What the operator may set.
#[derive(Debug, Clone)]
pub struct Policy {
    /// How often the provider is asked for one job.
    pub max_attempts: u32,
    /// The pause after the first failure; it doubles with each further one.
    pub backoff: Duration,
    /// From the moment a job was taken to the last moment at which its pictures may arrive.
    pub time_limit: Duration,
    /// How long to wait before a lost attempt is repeated.
    pub lost_attempt_wait: Duration,
}

impl Policy {
    /// The last moment at which this job's pictures may arrive.
    pub fn deadline(&self, job: &Job) -> Time {
        job.create_time.plus(self.time_limit)
    }
}

/// The one thing to do outside before the next decision.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask billing to hold the money for as long as an attempt may take.
    ExtendHold,
    /// POST the job to the provider.
    Submit,
    /// Poll, fetch and store.
    AwaitResult(FalRequest),
    /// Make sure that the money stays held, then hand the pictures over.
    Deliver,
    /// Spend the money.
    Complete,
    /// Give the money back.
    Refund(FailReason),
    /// Say that it was given back.
    Tell(FailReason),
}

/// What an effect brought.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Billing holds the money until then.
    HoldKept(Time),
    /// Somebody else settled the operation, or there is none.
    NotHeld(Settled),
    /// The provider has it.
    Accepted(FalRequest),
    /// The POST went out and its answer never came.
    AnswerLost,
    /// The attempt is over, without pictures.
    AttemptFailed(Failure),
    /// The pictures are in the object store.
    Stored(Vec<Picture>),
    /// The time limit passed first.
    OutOfTime,
    /// The user has the pictures, or the news.
    Delivered,
    /// The user blocked the bot.
    Blocked,
    /// The gateway gave the operation up and refunded it; it sent nothing.
    GivenUp,
    /// Billing did what was asked, now or before.
    Settled,
    /// The gateway can't hand it over, and says that asking again won't help.
    Refused,
    /// Billing, the gateway or the object store did not do it now; perhaps after this pause.
    Unavailable(Option<Duration>),
}

/// How the job goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// At once, with the next effect.
    Continue,
    /// Not before that instant; the lease is given back.
    At(Time),
    /// Never: it has ended.
    End,
}

/// The effect that a phase asks for; none when the job has ended.
pub fn effect(phase: &Phase) -> Option<Effect> {
    match phase {
        Phase::Queued => Some(Effect::ExtendHold),
        Phase::Submitting => Some(Effect::Submit),
        Phase::Submitted { request } => Some(Effect::AwaitResult(request.clone())),
        Phase::Delivering { .. } | Phase::Waiting { .. } => Some(Effect::Deliver),
        Phase::Completing => Some(Effect::Complete),
        Phase::Refunding { reason } => Some(Effect::Refund(*reason)),
        Phase::Telling { reason, .. } => Some(Effect::Tell(*reason)),
        Phase::Succeeded | Phase::Failed { .. } => None,
    }
}

/// A job was leased: what its phase means to one who did not put it there. `chance` is 0 to 999.
pub fn found(job: &mut Job, now: Time, policy: &Policy, chance: u32) -> Then {
    match &job.phase {
        Phase::Submitting => {
            let since = job.attempts.last().map_or(now, |attempt| attempt.at);
            lost(job, since, now, policy, chance)
        }
        Phase::Queued if now > policy.deadline(job) => fail(job, FailReason::TimedOut),
        Phase::Delivering { since } | Phase::Waiting { since }
            if now.since(*since) > KEEP_UNDELIVERED =>
        {
            fail(job, FailReason::Undeliverable)
        }
        Phase::Succeeded | Phase::Failed { .. } => Then::End,
        Phase::Queued
        | Phase::Submitted { .. }
        | Phase::Delivering { .. }
        | Phase::Waiting { .. }
        | Phase::Completing
        | Phase::Refunding { .. }
        | Phase::Telling { .. } => Then::Continue,
    }
}

/// The phase's effect brought `outcome`: moves the job on. `chance` is 0 to 999. An outcome that the phase's effect
/// can't bring changes nothing.
pub fn after(job: &mut Job, outcome: Outcome, now: Time, policy: &Policy, chance: u32) -> Then {
    if effect(&job.phase).is_none() {
        return Then::End;
    }
    if let Outcome::Unavailable(pause) = outcome {
        return stumble(job, pause, now, policy, chance);
    }
    if outcome == Outcome::Refused && job.stumbles < MAX_REFUSALS {
        return stumble(job, None, now, policy, chance);
    }
    job.stumbles = 0;
    match job.phase.clone() {
        Phase::Queued => after_hold(job, outcome, now),
        Phase::Submitting => after_submit(job, outcome, now, policy, chance),
        Phase::Submitted { .. } => after_attempt(job, outcome, now, policy, chance),
        Phase::Delivering { since } | Phase::Waiting { since } => {
            after_delivery(job, outcome, since, now)
        }
        Phase::Completing => after_complete(job, outcome),
        Phase::Refunding { reason } => after_refund(job, outcome, reason, now),
        Phase::Telling { reason, .. } => end(job, Phase::Failed { reason }),
        Phase::Succeeded | Phase::Failed { .. } => Then::End,
    }
}

fn after_hold(job: &mut Job, outcome: Outcome, now: Time) -> Then {
    match outcome {
        Outcome::HoldKept(until) => {
            job.hold_until = Some(until);
            job.attempts.push(Attempt { at: now, request_id: None, end: None });
            go(job, Phase::Submitting)
        }
        Outcome::NotHeld(settled) => not_held(job, settled, now),
        _ => Then::Continue,
    }
}

fn after_submit(job: &mut Job, outcome: Outcome, now: Time, policy: &Policy, chance: u32) -> Then {
    match outcome {
        Outcome::Accepted(request) => {
            if let Some(attempt) = job.attempts.last_mut() {
                attempt.request_id = Some(request.request_id.clone());
            }
            go(job, Phase::Submitted { request })
        }
        Outcome::AnswerLost => lost(job, now, now, policy, chance),
        Outcome::AttemptFailed(failure) => attempt_failed(job, failure, now, policy, chance),
        _ => Then::Continue,
    }
}

fn after_attempt(job: &mut Job, outcome: Outcome, now: Time, policy: &Policy, chance: u32) -> Then {
    match outcome {
        Outcome::Stored(pictures) => {
            note_end(job, "stored");
            job.pictures = pictures;
            go(job, Phase::Delivering { since: now })
        }
        Outcome::AttemptFailed(failure) => attempt_failed(job, failure, now, policy, chance),
        Outcome::OutOfTime => {
            note_end(job, "out_of_time");
            fail(job, FailReason::TimedOut)
        }
        Outcome::NotHeld(settled) => {
            note_end(job, "not_held");
            not_held(job, settled, now)
        }
        _ => Then::Continue,
    }
}

fn after_delivery(job: &mut Job, outcome: Outcome, since: Time, now: Time) -> Then {
    match outcome {
        Outcome::Delivered => go(job, Phase::Completing),
        Outcome::Blocked if now.since(since) > KEEP_UNDELIVERED => {
            fail(job, FailReason::Undeliverable)
        }
        Outcome::Blocked => {
            job.phase = Phase::Waiting { since };
            Then::At(now.plus(BLOCKED_RETRY))
        }
        // A picture that nobody can send must not keep the money for days.
        Outcome::Refused => fail(job, FailReason::JobFailed),
        // The gateway told the user when it gave up.
        Outcome::GivenUp => end(job, Phase::Failed { reason: FailReason::JobFailed }),
        Outcome::NotHeld(settled) => not_held(job, settled, now),
        _ => Then::Continue,
    }
}

fn after_complete(job: &mut Job, outcome: Outcome) -> Then {
    match outcome {
        Outcome::Settled => end(job, Phase::Succeeded),
        // An administrator was faster. The pictures are out and the money is back: nothing is left to do.
        Outcome::NotHeld(_) => end(job, Phase::Failed { reason: FailReason::JobFailed }),
        _ => Then::Continue,
    }
}

fn after_refund(job: &mut Job, outcome: Outcome, reason: FailReason, now: Time) -> Then {
    match outcome {
        Outcome::Settled => refunded(job, reason, now),
        Outcome::NotHeld(settled) => match settled {
            Settled::Refunded => refunded(job, reason, now),
            // Nothing was given back, so nothing of the kind may be said.
            Settled::Completed | Settled::Declined | Settled::Unknown => {
                end(job, Phase::Failed { reason })
            }
        },
        _ => Then::Continue,
    }
}

fn refunded(job: &mut Job, reason: FailReason, now: Time) -> Then {
    match reason {
        // Seven days of trying have shown that there is nobody to tell.
        FailReason::Undeliverable => end(job, Phase::Failed { reason }),
        FailReason::ContentRejected
        | FailReason::BadInput
        | FailReason::JobFailed
        | FailReason::TimedOut
        | FailReason::Canceled => go(job, Phase::Telling { reason, since: now }),
    }
}

/// The money is not ours to work for.
fn not_held(job: &mut Job, settled: Settled, now: Time) -> Then {
    match settled {
        // The hold ran out, or a gateway gave up: the user has the money back and hears of it. Where the gateway
        // has told them already it says so, and that is the end.
        Settled::Refunded => go(job, Phase::Telling { reason: FailReason::JobFailed, since: now }),
        Settled::Completed | Settled::Declined | Settled::Unknown => {
            end(job, Phase::Failed { reason: FailReason::JobFailed })
        }
    }
}

fn attempt_failed(
    job: &mut Job,
    failure: Failure,
    now: Time,
    policy: &Policy,
    chance: u32,
) -> Then {
    note_end(job, failure.class.name());
    match failure.class {
        Class::ContentRejected => fail(job, FailReason::ContentRejected),
        Class::BadInput => fail(job, FailReason::BadInput),
        Class::Misconfigured => fail(job, FailReason::JobFailed),
        Class::Retry => {
            let made = attempts_made(job);
            let pause = failure
                .retry_after
                .unwrap_or_else(|| doubled(policy.backoff, made.saturating_sub(1), chance));
            again(job, now.plus(pause), policy)
        }
    }
}

fn lost(job: &mut Job, since: Time, now: Time, policy: &Policy, chance: u32) -> Then {
    note_end(job, "lost");
    let wait = spread(policy.lost_attempt_wait, chance);
    again(job, since.plus(wait).max(now), policy)
}

/// One more attempt at that instant, if there may be one.
fn again(job: &mut Job, at: Time, policy: &Policy) -> Then {
    if attempts_made(job) >= policy.max_attempts {
        fail(job, FailReason::JobFailed)
    } else if at > policy.deadline(job) {
        fail(job, FailReason::TimedOut)
    } else {
        job.phase = Phase::Queued;
        Then::At(at)
    }
}

/// Whoever we need is away: the same effect again, later.
fn stumble(
    job: &mut Job,
    pause: Option<Duration>,
    now: Time,
    policy: &Policy,
    chance: u32,
) -> Then {
    if let Phase::Telling { reason, since } = job.phase
        && now.since(since) > KEEP_TELLING
    {
        return end(job, Phase::Failed { reason });
    }
    let pause = pause.unwrap_or_else(|| doubled(policy.backoff, job.stumbles, chance));
    job.stumbles = job.stumbles.saturating_add(1);
    Then::At(now.plus(pause))
}

fn fail(job: &mut Job, reason: FailReason) -> Then {
    go(job, Phase::Refunding { reason })
}

fn go(job: &mut Job, phase: Phase) -> Then {
    job.phase = phase;
    Then::Continue
}

fn end(job: &mut Job, phase: Phase) -> Then {
    job.phase = phase;
    Then::End
}

fn note_end(job: &mut Job, end: &str) {
    if let Some(attempt) = job.attempts.last_mut() {
        attempt.end = Some(end.to_owned());
    }
}

fn attempts_made(job: &Job) -> u32 {
    u32::try_from(job.attempts.len()).unwrap_or(u32::MAX)
}

/// `base`, doubled `times` times, at most [`MAX_PAUSE`], spread.
fn doubled(base: Duration, times: u32, chance: u32) -> Duration {
    let factor = 1u32.checked_shl(times.min(16)).unwrap_or(u32::MAX);
    spread(base.saturating_mul(factor).min(MAX_PAUSE), chance)
}

/// `pause` to one and a half times `pause`, so that jobs that failed together do not return together.
fn spread(pause: Duration, chance: u32) -> Duration {
    pause + pause * chance.min(999) / 2000
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
