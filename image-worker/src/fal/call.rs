//! One call to fal.ai, as traces and metrics show it: which, how long, how it ended. Words of a user, the key and URLs (those of
//! results name a user's picture) are no part of either; and fal.ai, a third party, is told nothing of our traces.

use std::time::Instant;

use reqwest::Response;
use tracing::{Instrument, Span, field};

use super::client::{NotAccepted, NotYet};
use crate::metrics;

const STATUS: &str = "http.response.status_code";

/// What stands for a failure where it is counted.
pub(super) trait Named {
    /// Of a bounded set.
    fn name(&self) -> &'static str;
}

impl Named for NotAccepted {
    fn name(&self) -> &'static str {
        match self {
            Self::AnswerLost => "lost",
            Self::Failed(failure) => failure.class.name(),
        }
    }
}

impl Named for NotYet {
    fn name(&self) -> &'static str {
        match self {
            Self::AskAgain(_) => "again",
            Self::Over(failure) => failure.class.name(),
        }
    }
}

/// Makes the call, in a span of its own, and counts it.
pub(super) async fn counted<T, E: Named>(
    call: &'static str,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let (span, since) = (span(call), Instant::now());
    let answer = asked.instrument(span.clone()).await;
    let end = answer.as_ref().map_or_else(E::name, |_| "ok");
    span.record("end", end);
    if answer.is_err() {
        span.record("otel.status_code", "ERROR");
    }
    metrics::fal_call(call, end, since.elapsed());
    answer
}

/// The span of a call that is not counted.
pub(super) fn span(call: &'static str) -> Span {
    tracing::info_span!(
        "fal",
        otel.name = format!("fal {call}"),
        otel.kind = "client",
        otel.status_code = field::Empty,
        call,
        end = field::Empty,
        http.response.status_code = field::Empty
    )
}

/// Notes in the call's span what fal answered with.
pub(super) fn answered(response: &Response) {
    Span::current().record(STATUS, response.status().as_u16());
}
