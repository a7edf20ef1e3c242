//! The only place that makes a `tonic::Status`: which rule refused a call, in which code and words.
//!
//! A caller's text never holds internals; what they are is logged here, where the error ends.

use std::time::Duration;

use proto::billing::v1::ErrorReason;
use service_kit::grpc::Refusal as Answer;
use tonic::{Code, Status};

use super::refusal::Refusal;
use super::rules;
use super::to_wire::reason_name;
use crate::committer::SubmitError;
use crate::metrics;
use crate::reader::ReadError;
use crate::store::StoreError;

/// The domain of every `ErrorInfo`.
pub const DOMAIN: &str = "billing.kopilka";

/// How long a caller should wait before it repeats a call that met too much load or a database that did not answer.
const RETRY_DELAY: Duration = Duration::from_secs(1);

impl Refusal {
    /// As it goes on the wire; amounts are said in `currency`.
    pub fn into_status(self, currency: &str) -> Status {
        match self {
            Self::Field { field, takes } => bad_field(ErrorReason::InvalidField, field, takes),
            Self::UnknownKind => unknown_kind(),
            Self::OperationNotFound => operation_not_found(),
            Self::Forbidden { may } => forbidden(may),
            Self::Limit { limit, retry_after } => limited_rate(limit, retry_after),
            Self::Overloaded => too_many_calls(),
            Self::Draining => retryable(
                ErrorReason::StoreUnavailable,
                "this instance is shutting down: watch again, another one goes on",
            ),
            Self::ProviderNotConfigured => not_configured(),
            Self::ProviderUnavailable { retry_after } => provider_unavailable(retry_after),
            Self::Rule(rejection) => rules::in_words(rejection, currency),
            Self::Submit(error) => of_submit(error),
            Self::Look(error) => of_look(error),
            Self::Read(error) => of_read(&error),
            Self::Defect(what) => {
                tracing::error!(what, "a defect of this program");
                internal()
            }
        }
        .into_status()
    }
}

/// The committer has logged what it could not do.
fn of_submit(error: SubmitError) -> Answer {
    match error {
        SubmitError::Overloaded => too_many_calls(),
        SubmitError::DeadlinePassed => too_late(),
        SubmitError::Closed => closed(),
        SubmitError::Unavailable => store_unavailable(),
        SubmitError::OutcomeUnknown => outcome_unknown(),
        SubmitError::Internal => internal(),
    }
}

/// The reader has logged what it could not read.
fn of_look(error: ReadError) -> Answer {
    match error {
        ReadError::Overloaded => too_many_calls(),
        ReadError::DeadlinePassed => too_late(),
        ReadError::Closed => closed(),
        ReadError::Unavailable => store_unavailable(),
        ReadError::Internal => internal(),
    }
}

fn of_read(error: &StoreError) -> Answer {
    match error {
        StoreError::Corrupt { .. } | StoreError::Refused(_) => {
            tracing::error!(error = chain(error), "a read failed: run `billing-svc verify`");
            internal()
        }
        StoreError::Retryable(_)
        | StoreError::Conflict(_)
        | StoreError::Unavailable(_)
        | StoreError::OutcomeUnknown(_) => {
            tracing::warn!(error = chain(error), "the database did not answer a read");
            store_unavailable()
        }
    }
}

/// An error with its sources, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |error| error.source())
        .fold(error.to_string(), |text, source| format!("{text}: {source}"))
}

/// Too many calls at once.
pub fn overloaded() -> Status {
    too_many_calls().into_status()
}

/// Too many calls within a time.
pub fn too_often(limit: &'static str, retry_after: Duration) -> Status {
    limited_rate(limit, retry_after).into_status()
}

/// A call that panicked.
pub fn panicked() -> Status {
    internal().into_status()
}

/// A message that is not what the proto says, so that no handler ever saw it.
pub fn unreadable(field: &str, takes: &str) -> Status {
    bad_field(ErrorReason::InvalidField, field, takes).into_status()
}

fn too_many_calls() -> Answer {
    retryable(
        ErrorReason::Overloaded,
        "too many calls at once, nothing was written: repeat the same request a little later",
    )
}

fn too_late() -> Answer {
    retryable(
        ErrorReason::Overloaded,
        "the call's deadline passed before its turn came, nothing was written: repeat the same request",
    )
}

fn closed() -> Answer {
    retryable(
        ErrorReason::StoreUnavailable,
        "this instance is shutting down, nothing was written: repeat the same request",
    )
}

/// A defect of ours: no details, they are in the log.
pub(super) fn internal() -> Answer {
    let message = "a defect of this service; its log tells more";
    answer(Code::Internal, ErrorReason::Internal, message)
}

/// In whole seconds, rounded up: who waits so long never comes too early.
fn pause(retry_after: Duration) -> Duration {
    Duration::from_secs(retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0))
}

fn limited_rate(limit: &'static str, retry_after: Duration) -> Answer {
    let message = format!("too often: try again in {} s", pause(retry_after).as_secs());
    limited(limit, message, Some(retry_after))
}

/// A limit was met. Nothing was decided: the same request may be sent again, `retry_after` from now where that is known.
pub(super) fn limited(
    limit: &'static str,
    message: String,
    retry_after: Option<Duration>,
) -> Answer {
    metrics::limit_exceeded(limit);
    let answer = answer(Code::ResourceExhausted, ErrorReason::LimitExceeded, message)
        .metadata("limit", limit);
    match retry_after {
        Some(wait) => answer.retry_after(pause(wait)),
        None => answer,
    }
}

fn not_configured() -> Answer {
    let message = "this deployment has no such way to pay: ListPaymentMethods names those it has";
    answer(Code::FailedPrecondition, ErrorReason::ProviderNotConfigured, message)
}

fn provider_unavailable(retry_after: Duration) -> Answer {
    let message = "the payment provider does not answer: repeat the same request a little later";
    answer(Code::Unavailable, ErrorReason::ProviderUnavailable, message)
        .retry_after(pause(retry_after))
}

fn store_unavailable() -> Answer {
    retryable(
        ErrorReason::StoreUnavailable,
        "the database did not answer, nothing was written: repeat the same request",
    )
}

fn outcome_unknown() -> Answer {
    retryable(
        ErrorReason::OutcomeUnknown,
        "it may have been written: repeat the very same request to learn the truth",
    )
}

pub(super) fn operation_not_found() -> Answer {
    let message = "no operation has this operation_id";
    answer(Code::NotFound, ErrorReason::OperationNotFound, message)
}

pub(super) fn unknown_kind() -> Answer {
    bad_field(ErrorReason::UnknownKind, "kind", "one of the kinds that ListPrices names")
}

pub(super) fn forbidden(may: &str) -> Answer {
    let message = format!("this caller may {may}");
    answer(Code::PermissionDenied, ErrorReason::Forbidden, message)
}

pub(super) fn bad_field(reason: ErrorReason, field: &str, takes: impl AsRef<str>) -> Answer {
    let takes = takes.as_ref();
    answer(Code::InvalidArgument, reason, format!("{field} takes {takes}"))
        .metadata("field", field)
        .bad_field(field, format!("takes {takes}"))
}

fn retryable(reason: ErrorReason, message: &str) -> Answer {
    answer(Code::Unavailable, reason, message).retry_after(RETRY_DELAY)
}

pub(super) fn answer(code: Code, reason: ErrorReason, message: impl Into<String>) -> Answer {
    Answer::new(code, DOMAIN, reason_name(reason), message)
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt;

    use super::*;
    use crate::ledger::{OperationId, Rejection};

    #[test]
    fn what_may_succeed_later_says_so() {
        let unavailable = || StoreError::Unavailable(sea_orm::DbErr::Custom("secret".to_owned()));
        let table = [
            (Refusal::Submit(SubmitError::Overloaded), "OVERLOADED"),
            (Refusal::Submit(SubmitError::DeadlinePassed), "OVERLOADED"),
            (Refusal::Submit(SubmitError::Unavailable), "STORE_UNAVAILABLE"),
            (Refusal::Submit(SubmitError::Closed), "STORE_UNAVAILABLE"),
            (Refusal::Read(unavailable()), "STORE_UNAVAILABLE"),
            (Refusal::Look(ReadError::Overloaded), "OVERLOADED"),
            (Refusal::Look(ReadError::DeadlinePassed), "OVERLOADED"),
            (Refusal::Look(ReadError::Unavailable), "STORE_UNAVAILABLE"),
            (Refusal::Look(ReadError::Closed), "STORE_UNAVAILABLE"),
            (Refusal::Submit(SubmitError::OutcomeUnknown), "OUTCOME_UNKNOWN"),
        ];
        for (refusal, reason) in table {
            let status = refusal.into_status("RUB");
            assert_eq!(status.code(), Code::Unavailable, "{reason}");
            assert_eq!(status.get_details_error_info().unwrap().reason, reason);
            let delay = status.get_details_retry_info().unwrap().retry_delay.unwrap();
            assert_eq!(delay, RETRY_DELAY);
            assert!(!status.message().contains("secret"));
        }
    }

    #[test]
    fn a_defect_tells_nothing() {
        let corrupt = |what: &str| StoreError::Corrupt { what: what.to_owned() };
        let table = [
            Refusal::Submit(SubmitError::Internal),
            Refusal::Look(ReadError::Internal),
            Refusal::Read(corrupt("secret")),
            Refusal::Rule(Rejection::Corrupt { what: "secret".to_owned() }),
            Refusal::Defect("secret"),
        ];
        for refusal in table {
            let status = refusal.into_status("RUB");
            assert_eq!(status.code(), Code::Internal);
            assert_eq!(status.get_details_error_info().unwrap().reason, "INTERNAL");
            assert!(!status.message().contains("secret"));
        }
    }

    #[test]
    fn who_may_not_be_charged_is_told_why() {
        let operation_id = OperationId(uuid::Uuid::nil());
        let table = [
            (Rejection::UserBlocked { operation_id }, "USER_BLOCKED"),
            (Rejection::InDebt { operation_id }, "IN_DEBT"),
        ];
        for (rejection, reason) in table {
            let status = Refusal::Rule(rejection).into_status("RUB");
            assert_eq!(status.code(), Code::FailedPrecondition);
            assert_eq!(status.get_details_error_info().unwrap().reason, reason);
        }
    }
}
