//! Why a call was refused, before it is said in a code and words: `status.rs` does that.

use std::borrow::Cow;
use std::time::Duration;

use crate::committer::SubmitError;
use crate::ledger::Rejection;
use crate::payments::{Limited, PaymentError};
use crate::reader::ReadError;
use crate::store::StoreError;

/// Why a call was refused.
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
    /// Too often, or too much.
    Limit {
        /// The limit that was met, by its name for programs.
        limit: &'static str,
        /// When it may be tried again.
        retry_after: Duration,
    },
    /// Too many calls, or too many of one kind.
    Overloaded,
    /// A stream that its server ends.
    Draining,
    /// The deployment has no such way to pay.
    ProviderNotConfigured,
    /// The payment provider does not answer.
    ProviderUnavailable {
        /// Not before.
        retry_after: Duration,
    },
    /// A rule of the ledger.
    Rule(Rejection),
    /// The committer did not do it.
    Submit(SubmitError),
    /// The reader did not read it.
    Look(ReadError),
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
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Read(error)
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        Self::Look(error)
    }
}

impl From<PaymentError> for Refusal {
    fn from(error: PaymentError) -> Self {
        match error {
            PaymentError::NotConfigured => Self::ProviderNotConfigured,
            PaymentError::Field { field, takes } => Self::Field { field, takes },
            PaymentError::NotFound => Self::Rule(Rejection::PaymentNotFound),
            PaymentError::Limited(Limited { limit, wait }) => {
                Self::Limit { limit, retry_after: wait }
            }
            PaymentError::Forbidden { may } => Self::Forbidden { may },
            PaymentError::Overloaded => Self::Overloaded,
            PaymentError::Unavailable { wait } => Self::ProviderUnavailable { retry_after: wait },
            PaymentError::Rule(rejection) => Self::Rule(rejection),
            PaymentError::Submit(error) => Self::Submit(error),
            PaymentError::Store(error) => Self::Read(error),
            PaymentError::Defect(what) => Self::Defect(what),
        }
    }
}
