//! The rules of `machine`, as tables: where a job stands, what happened, where it stands then.

use std::collections::BTreeMap;

use super::*;
use crate::jobs::{Kind, Prompt, ReplyTo, Spec};

const NOW: Time = Time(1_000_000_000_000);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn policy() -> Policy {
    Policy {
        max_attempts: 3,
        backoff: 2 * SECOND,
        time_limit: 900 * SECOND,
        lost_attempt_wait: 30 * SECOND,
    }
}

fn request() -> FalRequest {
    FalRequest {
        request_id: "r".to_owned(),
        status_url: "s".to_owned(),
        response_url: "u".to_owned(),
        cancel_url: "c".to_owned(),
    }
}

/// A job taken at `NOW` that was attempted so often, the last time just now.
fn job(phase: Phase, attempts: usize) -> Job {
    let spec = Spec {
        user_id: "tg:1".to_owned(),
        kind: Kind::Generate,
        prompt: Prompt("a cat".to_owned()),
        input_ids: Vec::new(),
        options: BTreeMap::new(),
        reply_to: ReplyTo { chat_id: 1, message_id: 2, locale: "ru".to_owned() },
    };
    let attempt = Attempt { at: NOW, request_id: None, end: None };
    Job { phase, attempts: vec![attempt; attempts], ..Job::new("id".to_owned(), spec, NOW) }
}

fn before(span: Duration) -> Time {
    Time(NOW.0 - span.as_micros() as i64)
}

fn submitted() -> Phase {
    Phase::Submitted { request: request() }
}

fn refunding(reason: FailReason) -> Phase {
    Phase::Refunding { reason }
}

fn telling(reason: FailReason) -> Phase {
    Phase::Telling { reason, since: NOW }
}

fn failed(reason: FailReason) -> Phase {
    Phase::Failed { reason }
}

fn failure(class: Class) -> Outcome {
    Outcome::AttemptFailed(Failure::new(class))
}

fn picture() -> Picture {
    Picture { mime_type: "image/png".to_owned(), size: 1 }
}

#[test]
fn each_outcome_leads_where_it_must() {
    use FailReason::*;
    let since = before(DAY);
    let later = |span: Duration| Then::At(NOW.plus(span));
    let delivering = || Phase::Delivering { since };
    let table = [
        // The money is looked at before the provider is asked.
        (Phase::Queued, 0, Outcome::HoldKept(NOW), Phase::Submitting, Then::Continue),
        (Phase::Queued, 0, Outcome::NotHeld(Settled::Refunded), telling(JobFailed), Then::Continue),
        (Phase::Queued, 0, Outcome::NotHeld(Settled::Unknown), failed(JobFailed), Then::End),
        (Phase::Queued, 0, Outcome::NotHeld(Settled::Declined), failed(JobFailed), Then::End),
        (Phase::Queued, 0, Outcome::NotHeld(Settled::Completed), failed(JobFailed), Then::End),
        (Phase::Queued, 0, Outcome::Unavailable(None), Phase::Queued, later(2 * SECOND)),
        // The POST.
        (Phase::Submitting, 1, Outcome::Accepted(request()), submitted(), Then::Continue),
        (Phase::Submitting, 1, Outcome::AnswerLost, Phase::Queued, later(30 * SECOND)),
        (Phase::Submitting, 3, Outcome::AnswerLost, refunding(JobFailed), Then::Continue),
        (Phase::Submitting, 1, failure(Class::Retry), Phase::Queued, later(2 * SECOND)),
        (Phase::Submitting, 2, failure(Class::Retry), Phase::Queued, later(4 * SECOND)),
        (Phase::Submitting, 3, failure(Class::Retry), refunding(JobFailed), Then::Continue),
        (Phase::Submitting, 1, failure(Class::BadInput), refunding(BadInput), Then::Continue),
        (Phase::Submitting, 1, failure(Class::Misconfigured), refunding(JobFailed), Then::Continue),
        // The request.
        (
            submitted(),
            1,
            Outcome::Stored(vec![picture()]),
            Phase::Delivering { since: NOW },
            Then::Continue,
        ),
        (
            submitted(),
            1,
            failure(Class::ContentRejected),
            refunding(ContentRejected),
            Then::Continue,
        ),
        (submitted(), 1, failure(Class::Retry), Phase::Queued, later(2 * SECOND)),
        (submitted(), 3, failure(Class::Retry), refunding(JobFailed), Then::Continue),
        (submitted(), 1, Outcome::OutOfTime, refunding(TimedOut), Then::Continue),
        (submitted(), 1, Outcome::NotHeld(Settled::Refunded), telling(JobFailed), Then::Continue),
        // The delivery.
        (delivering(), 1, Outcome::Delivered, Phase::Completing, Then::Continue),
        (delivering(), 1, Outcome::Blocked, Phase::Waiting { since }, later(BLOCKED_RETRY)),
        (delivering(), 1, Outcome::GivenUp, failed(JobFailed), Then::End),
        (delivering(), 1, Outcome::NotHeld(Settled::Refunded), telling(JobFailed), Then::Continue),
        (Phase::Waiting { since }, 1, Outcome::Delivered, Phase::Completing, Then::Continue),
        (
            Phase::Waiting { since: before(8 * DAY) },
            1,
            Outcome::Blocked,
            refunding(Undeliverable),
            Then::Continue,
        ),
        // The money.
        (Phase::Completing, 1, Outcome::Settled, Phase::Succeeded, Then::End),
        (Phase::Completing, 1, Outcome::NotHeld(Settled::Refunded), failed(JobFailed), Then::End),
        (refunding(TimedOut), 1, Outcome::Settled, telling(TimedOut), Then::Continue),
        (
            refunding(TimedOut),
            1,
            Outcome::NotHeld(Settled::Refunded),
            telling(TimedOut),
            Then::Continue,
        ),
        (refunding(TimedOut), 1, Outcome::NotHeld(Settled::Completed), failed(TimedOut), Then::End),
        (refunding(TimedOut), 1, Outcome::NotHeld(Settled::Unknown), failed(TimedOut), Then::End),
        (refunding(Undeliverable), 1, Outcome::Settled, failed(Undeliverable), Then::End),
        // The news.
        (telling(BadInput), 1, Outcome::Delivered, failed(BadInput), Then::End),
        (telling(BadInput), 1, Outcome::Blocked, failed(BadInput), Then::End),
        (telling(JobFailed), 1, Outcome::GivenUp, failed(JobFailed), Then::End),
        (
            telling(BadInput),
            1,
            Outcome::Unavailable(Some(SECOND)),
            telling(BadInput),
            later(SECOND),
        ),
    ];
    for (phase, attempts, outcome, expected, then) in table {
        let mut subject = job(phase.clone(), attempts);
        let case = format!("{phase:?}, {attempts} attempts, {outcome:?}");
        assert_eq!(after(&mut subject, outcome, NOW, &policy(), 0), then, "{case}");
        assert_eq!(subject.phase, expected, "{case}");
    }
}

#[test]
fn what_is_found_is_taken_up_where_it_stood() {
    let limit = 901 * SECOND;
    let table = [
        (Phase::Queued, Duration::ZERO, Phase::Queued, Then::Continue),
        (Phase::Queued, limit, refunding(FailReason::TimedOut), Then::Continue),
        // Nobody knows whether it was accepted: 30 s after the intent it is submitted once more.
        (Phase::Submitting, Duration::ZERO, Phase::Queued, Then::At(NOW.plus(30 * SECOND))),
        (Phase::Submitting, 20 * SECOND, Phase::Queued, Then::At(NOW.plus(30 * SECOND))),
        (Phase::Submitting, 60 * SECOND, Phase::Queued, Then::At(NOW.plus(60 * SECOND))),
        (Phase::Submitting, limit, refunding(FailReason::TimedOut), Then::Continue),
        // It may be ready, however late it is: it is asked for, never submitted again.
        (submitted(), limit, submitted(), Then::Continue),
        (Phase::Delivering { since: NOW }, DAY, Phase::Delivering { since: NOW }, Then::Continue),
        (
            Phase::Delivering { since: NOW },
            8 * DAY,
            refunding(FailReason::Undeliverable),
            Then::Continue,
        ),
        (
            Phase::Waiting { since: NOW },
            8 * DAY,
            refunding(FailReason::Undeliverable),
            Then::Continue,
        ),
        (Phase::Completing, 8 * DAY, Phase::Completing, Then::Continue),
        (refunding(FailReason::JobFailed), limit, refunding(FailReason::JobFailed), Then::Continue),
        (Phase::Succeeded, DAY, Phase::Succeeded, Then::End),
    ];
    for (phase, passed, expected, then) in table {
        let mut subject = job(phase.clone(), 1);
        let case = format!("{phase:?} after {passed:?}");
        assert_eq!(found(&mut subject, NOW.plus(passed), &policy(), 0), then, "{case}");
        assert_eq!(subject.phase, expected, "{case}");
    }
}

#[test]
fn the_provider_says_when_to_return_and_the_limit_when_to_stop() {
    let wait = |seconds| {
        Outcome::AttemptFailed(Failure { class: Class::Retry, retry_after: Some(seconds * SECOND) })
    };
    let mut subject = job(Phase::Submitting, 1);
    let then = after(&mut subject, wait(45), NOW, &policy(), 999);
    assert_eq!(then, Then::At(NOW.plus(45 * SECOND)));
    let mut subject = job(Phase::Submitting, 1);
    assert_eq!(after(&mut subject, wait(901), NOW, &policy(), 0), Then::Continue);
    assert_eq!(subject.phase, refunding(FailReason::TimedOut));
}

#[test]
fn pauses_grow_to_a_minute_and_a_half_and_end_with_success() {
    let mut subject = job(Phase::Completing, 1);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        if let Then::At(at) = after(&mut subject, Outcome::Unavailable(None), NOW, &policy(), 0) {
            pauses.push(at.since(NOW).as_secs());
        }
    }
    assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
    let then = after(&mut subject, Outcome::Unavailable(None), NOW, &policy(), 999);
    let Then::At(at) = then else { panic!("{then:?}") };
    assert!(at.since(NOW) > 89 * SECOND && at.since(NOW) < 90 * SECOND);
    assert_eq!(after(&mut subject, Outcome::Settled, NOW, &policy(), 0), Then::End);
    assert_eq!(subject.stumbles, 0);
}

#[test]
fn what_the_gateway_cannot_deliver_is_refunded_after_a_few_tries() {
    let ends = [
        (Phase::Delivering { since: NOW }, refunding(FailReason::JobFailed), Then::Continue),
        (telling(FailReason::TimedOut), failed(FailReason::TimedOut), Then::End),
    ];
    for (phase, expected, then) in ends {
        let mut subject = job(phase.clone(), 1);
        for pause in [2, 4, 8] {
            let again = after(&mut subject, Outcome::Refused, NOW, &policy(), 0);
            assert_eq!(again, Then::At(NOW.plus(pause * SECOND)));
            assert_eq!(subject.phase, phase);
        }
        assert_eq!(after(&mut subject, Outcome::Refused, NOW, &policy(), 0), then);
        assert_eq!(subject.phase, expected);
    }
}

#[test]
fn a_day_of_telling_is_enough() {
    let mut subject = job(telling(FailReason::JobFailed), 1);
    let much_later = NOW.plus(DAY + SECOND);
    let then = after(&mut subject, Outcome::Unavailable(None), much_later, &policy(), 0);
    assert_eq!((then, subject.phase), (Then::End, failed(FailReason::JobFailed)));
}

#[test]
fn each_attempt_leaves_its_trace() {
    let mut subject = job(Phase::Queued, 0);
    for outcome in [
        Outcome::HoldKept(NOW),
        Outcome::AnswerLost,
        Outcome::HoldKept(NOW),
        Outcome::Accepted(request()),
        Outcome::Stored(vec![picture()]),
    ] {
        after(&mut subject, outcome, NOW, &policy(), 0);
    }
    let ends: Vec<_> = subject.attempts.iter().map(|attempt| attempt.end.as_deref()).collect();
    assert_eq!(ends, [Some("lost"), Some("stored")]);
    assert_eq!(subject.attempts.last().unwrap().request_id.as_deref(), Some("r"));
}

/// However outcomes follow each other: a job that ended stays so, a user hears of a failure only after the refund, and
/// nothing is submitted beyond the allowed attempts.
#[test]
fn no_order_of_events_breaks_the_rules() {
    let outcomes = [
        Outcome::HoldKept(NOW),
        Outcome::NotHeld(Settled::Refunded),
        Outcome::NotHeld(Settled::Completed),
        Outcome::Accepted(request()),
        Outcome::AnswerLost,
        failure(Class::Retry),
        failure(Class::BadInput),
        Outcome::Stored(vec![picture()]),
        Outcome::OutOfTime,
        Outcome::Delivered,
        Outcome::Blocked,
        Outcome::GivenUp,
        Outcome::Settled,
        Outcome::Refused,
        Outcome::Unavailable(None),
    ];
    let mut state = 1u64;
    for _ in 0..20_000 {
        let mut subject = job(Phase::Queued, 0);
        for _ in 0..40 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let outcome = outcomes[(state >> 33) as usize % outcomes.len()].clone();
            let was = subject.phase.clone();
            let then = after(&mut subject, outcome.clone(), NOW, &policy(), 0);
            let ended = effect(&subject.phase).is_none();
            assert_eq!(then == Then::End, ended, "{was:?} {outcome:?}");
            if effect(&was).is_none() {
                assert_eq!(subject.phase, was);
            }
            if matches!(subject.phase, Phase::Telling { .. })
                && !matches!(was, Phase::Telling { .. })
            {
                assert!(matches!(outcome, Outcome::Settled | Outcome::NotHeld(Settled::Refunded)));
            }
            if matches!(subject.phase, Phase::Succeeded) && was != Phase::Succeeded {
                assert_eq!((was, outcome), (Phase::Completing, Outcome::Settled));
            }
            assert!(subject.attempts.len() <= 3);
        }
    }
}
