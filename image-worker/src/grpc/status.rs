//! Why a call was refused, and what the caller reads of it.
//!
//! The caller's text never holds what a database or an object store said: that is logged, here and once.

use std::time::Duration;

use proto::images::v1::ErrorReason;
use service_kit::grpc;
use tonic::{Code, Status};

use crate::blobs::BlobError;
use crate::jobs::StoreError;

/// `ErrorInfo.domain` of every error.
pub const DOMAIN: &str = "images.kopilka";

const RETRY_AFTER: Duration = Duration::from_secs(2);

/// A call that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A field is not as it must be.
    InvalidField { field: String, takes: String },
    /// No such job.
    JobNotFound,
    /// No such input of this user.
    InputNotFound { input_id: String },
    /// No such picture.
    ResultNotFound,
    /// Too late to call the job off.
    JobStarted,
    /// The operation has a job with another content.
    OperationIdReused { field: &'static str },
    /// Too much of something at once.
    Overloaded { what: &'static str },
    /// The database or the object store is away.
    StoreUnavailable,
    /// A defect of ours.
    Internal,
}

impl Refusal {
    pub(super) fn field(field: impl Into<String>, takes: impl Into<String>) -> Self {
        Self::InvalidField { field: field.into(), takes: takes.into() }
    }

    fn reason(&self) -> ErrorReason {
        match self {
            Self::InvalidField { .. } => ErrorReason::InvalidField,
            Self::JobNotFound => ErrorReason::JobNotFound,
            Self::InputNotFound { .. } => ErrorReason::InputNotFound,
            Self::ResultNotFound => ErrorReason::ResultNotFound,
            Self::JobStarted => ErrorReason::JobStarted,
            Self::OperationIdReused { .. } => ErrorReason::OperationIdReused,
            Self::Overloaded { .. } => ErrorReason::Overloaded,
            Self::StoreUnavailable => ErrorReason::StoreUnavailable,
            Self::Internal => ErrorReason::Internal,
        }
    }

    fn code(&self) -> Code {
        match self {
            Self::InvalidField { .. } => Code::InvalidArgument,
            Self::JobNotFound | Self::ResultNotFound => Code::NotFound,
            Self::InputNotFound { .. } | Self::JobStarted => Code::FailedPrecondition,
            Self::OperationIdReused { .. } => Code::AlreadyExists,
            Self::Overloaded { .. } | Self::StoreUnavailable => Code::Unavailable,
            Self::Internal => Code::Internal,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::InvalidField { field, takes } => format!("{field}: {takes}"),
            Self::JobNotFound => "no job of this operation".to_owned(),
            Self::InputNotFound { .. } => "no such input of this user, upload it again".to_owned(),
            Self::ResultNotFound => "no such picture, or it was deleted".to_owned(),
            Self::JobStarted => "the job runs or has ended".to_owned(),
            Self::OperationIdReused { field } => {
                format!("this operation has a job with another {field}")
            }
            Self::Overloaded { what } => (*what).to_owned(),
            Self::StoreUnavailable => "the store did not answer, try again".to_owned(),
            Self::Internal => "a defect of image-worker, see its log".to_owned(),
        }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let name = refusal.reason().as_str_name();
        let reason = name.strip_prefix("ERROR_REASON_").unwrap_or(name);
        let answer = grpc::Refusal::new(refusal.code(), DOMAIN, reason, refusal.message());
        match refusal {
            Refusal::InvalidField { field, takes } => {
                answer.metadata("field", field.clone()).bad_field(field, takes)
            }
            Refusal::OperationIdReused { field } => answer.metadata("field", field),
            Refusal::InputNotFound { input_id } => answer.metadata("input_id", input_id),
            Refusal::Overloaded { .. } | Refusal::StoreUnavailable => {
                answer.retry_after(RETRY_AFTER)
            }
            Refusal::JobNotFound
            | Refusal::ResultNotFound
            | Refusal::JobStarted
            | Refusal::Internal => answer,
        }
        .into_status()
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        if let StoreError::Record(error) = &error {
            tracing::error!(%error, "a job's record can't be read");
            return Self::Internal;
        }
        tracing::warn!(error = &error as &dyn std::error::Error, "the database failed a call");
        Self::StoreUnavailable
    }
}

impl From<BlobError> for Refusal {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::NotFound => Self::ResultNotFound,
            BlobError::Unavailable(error) => {
                tracing::warn!(%error, "the object store failed a call");
                Self::StoreUnavailable
            }
        }
    }
}
