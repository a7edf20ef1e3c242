//! The only place that makes a `tonic::Status`: which rule refused a call, in which code and words.
//!
//! A caller's text never holds internals; what they are is logged here, where the error ends.

use std::borrow::Cow;
use std::time::Duration;

use proto::billing::v1::ErrorReason;
use service_kit::grpc::Refusal as Answer;
use tonic::{Code, Status};

use super::to_wire::{reason_name, state_name};
use crate::committer::SubmitError;
use crate::ledger::{OperationId, OperationState, Rejection};
use crate::store::StoreError;

/// The domain of every `ErrorInfo`.
pub const DOMAIN: &str = "billing.kopilka";

/// How long a caller should wait before it repeats a call that met too much load or a database that did not answer.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Why a call was refused, before it has a code.
#[derive(Debug)]
pub enum Refusal {
    /// A field breaks a rule that needs no database.
    Field {
        /// By its name in the proto.
        field: &'static str,
        /// What it takes.
        takes: Cow<'static, str>,
    },
    /// A kind that can stand in no price list.
    UnknownKind,
    /// No such operation.
    OperationNotFound,
    /// The caller's role may call this, but not so.
    Forbidden {
        /// What it may.
        may: &'static str,
    },
    /// A rule of the ledger.
    Rule(Rejection),
    /// The committer did not do it.
    Submit(SubmitError),
    /// A read failed.
    Read(StoreError),
    /// A defect of ours.
    Defect(&'static str),
}

impl Refusal {
    /// A field and what it takes.
    pub fn field(field: &'static str, takes: impl Into<Cow<'static, str>>) -> Self {
        Self::Field { field, takes: takes.into() }
    }

    /// As it goes on the wire; amounts are said in `currency`.
    pub fn into_status(self, currency: &str) -> Status {
        match self {
            Self::Field { field, takes } => bad_field(ErrorReason::InvalidField, field, &takes),
            Self::UnknownKind => unknown_kind(),
            Self::OperationNotFound => operation_not_found(),
            Self::Forbidden { may } => forbidden(may),
            Self::Rule(rejection) => of_rule(rejection, currency),
            Self::Submit(error) => of_submit(error),
            Self::Read(error) => of_read(&error),
            Self::Defect(what) => {
                tracing::error!(what, "a defect of this program");
                internal()
            }
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Read(error)
    }
}

fn of_rule(rejection: Rejection, currency: &str) -> Status {
    match rejection {
        Rejection::InsufficientFunds { required, available, missing, operation_id } => {
            let message = format!(
                "{required} {currency} needed, {available} there: add {missing}, then ask under a new request_id"
            );
            let mut answer = refused(ErrorReason::InsufficientFunds, message)
                .metadata("required", required.to_string())
                .metadata("available", available.to_string())
                .metadata("missing", missing.to_string())
                .metadata("currency", currency);
            if let Some(id) = operation_id {
                answer = answer.metadata("operation_id", id.to_string());
            }
            answer.into_status()
        }
        Rejection::RequestIdReused { field } => {
            let message = format!(
                "this request_id belongs to a request with another {field}: a new request takes a new request_id"
            );
            answer(Code::AlreadyExists, ErrorReason::RequestIdReused, message)
                .metadata("field", field)
                .into_status()
        }
        Rejection::PriceChanged { price, operation_id: _ } => {
            let message = format!(
                "the price is {price} {currency}, above max_price: show it, then charge under a new request_id"
            );
            refused(ErrorReason::PriceChanged, message)
                .metadata("price", price.to_string())
                .metadata("currency", currency)
                .into_status()
        }
        Rejection::UserBlocked { operation_id: _ } => {
            let message = "the user is blocked: only an administrator can change that";
            refused(ErrorReason::UserBlocked, message).into_status()
        }
        Rejection::InDebt { operation_id: _ } => {
            let message = "the user owes money: a top-up repays it first";
            refused(ErrorReason::InDebt, message).into_status()
        }
        Rejection::OperationSettled { operation_id, state } => settled(operation_id, state),
        Rejection::OperationNotFound => operation_not_found(),
        Rejection::UnknownKind => unknown_kind(),
        Rejection::InvalidField { field, takes } => {
            bad_field(ErrorReason::InvalidField, field, takes)
        }
        Rejection::Forbidden { may } => forbidden(may),
        Rejection::Corrupt { what } => {
            tracing::error!(what, "the database contradicts itself: run `billing-svc verify`");
            internal()
        }
    }
}

fn settled(operation_id: OperationId, state: OperationState) -> Status {
    let (reason, message) = match state {
        OperationState::Completed => (
            ErrorReason::OperationCompleted,
            "the operation is completed: only an admin can still give its money back",
        ),
        OperationState::Refunded => {
            (ErrorReason::OperationRefunded, "the operation was refunded: nothing is held for it")
        }
        OperationState::Declined => (
            ErrorReason::OperationDeclined,
            "the charge was declined: nothing was ever taken for it",
        ),
        OperationState::Charged => {
            tracing::error!(%operation_id, "an open operation was called settled");
            return internal();
        }
    };
    refused(reason, message)
        .metadata("operation_id", operation_id.to_string())
        .metadata("state", state_name(state))
        .into_status()
}

/// The committer has logged what it could not do.
fn of_submit(error: SubmitError) -> Status {
    match error {
        SubmitError::Overloaded => overloaded(),
        SubmitError::DeadlinePassed => retryable(
            ErrorReason::Overloaded,
            "the call's deadline passed before its turn came, nothing was written: repeat the same request",
        ),
        SubmitError::Closed => retryable(
            ErrorReason::StoreUnavailable,
            "this instance is shutting down, nothing was written: repeat the same request",
        ),
        SubmitError::Unavailable => store_unavailable(),
        SubmitError::OutcomeUnknown => outcome_unknown(),
        SubmitError::Internal => internal(),
    }
}

fn of_read(error: &StoreError) -> Status {
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
    retryable(
        ErrorReason::Overloaded,
        "too many calls at once, nothing was written: repeat the same request a little later",
    )
}

/// A defect of ours: no details, they are in the log.
pub fn internal() -> Status {
    let message = "a defect of this service; its log tells more";
    answer(Code::Internal, ErrorReason::Internal, message).into_status()
}

/// A message that is not what the proto says, so that no handler ever saw it.
pub fn unreadable(field: &str, takes: &str) -> Status {
    bad_field(ErrorReason::InvalidField, field, takes)
}

fn store_unavailable() -> Status {
    retryable(
        ErrorReason::StoreUnavailable,
        "the database did not answer, nothing was written: repeat the same request",
    )
}

fn outcome_unknown() -> Status {
    retryable(
        ErrorReason::OutcomeUnknown,
        "it may have been written: repeat the very same request to learn the truth",
    )
}

fn operation_not_found() -> Status {
    let message = "no operation has this operation_id";
    answer(Code::NotFound, ErrorReason::OperationNotFound, message).into_status()
}

fn unknown_kind() -> Status {
    bad_field(ErrorReason::UnknownKind, "kind", "one of the kinds that ListPrices names")
}

fn forbidden(may: &str) -> Status {
    let message = format!("this caller may {may}");
    answer(Code::PermissionDenied, ErrorReason::Forbidden, message).into_status()
}

fn bad_field(reason: ErrorReason, field: &str, takes: &str) -> Status {
    answer(Code::InvalidArgument, reason, format!("{field} takes {takes}"))
        .metadata("field", field)
        .bad_field(field, format!("takes {takes}"))
        .into_status()
}

fn retryable(reason: ErrorReason, message: &str) -> Status {
    answer(Code::Unavailable, reason, message).retry_after(RETRY_DELAY).into_status()
}

fn refused(reason: ErrorReason, message: impl Into<String>) -> Answer {
    answer(Code::FailedPrecondition, reason, message)
}

fn answer(code: Code, reason: ErrorReason, message: impl Into<String>) -> Answer {
    Answer::new(code, DOMAIN, reason_name(reason), message)
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt;

    use super::*;

    #[test]
    fn what_may_succeed_later_says_so() {
        let unavailable = || StoreError::Unavailable(sea_orm::DbErr::Custom("secret".to_owned()));
        let table = [
            (Refusal::Submit(SubmitError::Overloaded), "OVERLOADED"),
            (Refusal::Submit(SubmitError::DeadlinePassed), "OVERLOADED"),
            (Refusal::Submit(SubmitError::Unavailable), "STORE_UNAVAILABLE"),
            (Refusal::Submit(SubmitError::Closed), "STORE_UNAVAILABLE"),
            (Refusal::Read(unavailable()), "STORE_UNAVAILABLE"),
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
