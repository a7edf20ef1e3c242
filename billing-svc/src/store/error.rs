//! What can go wrong between us and the database, in the words of what to do about it.

use sea_orm::DbErr;

/// An infrastructure failure. The rules' own refusals are [`crate::ledger::Rejection`]s, never one of these.
///
/// The texts and sources are for the log; no caller ever sees them.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The transaction lost against another one and changed nothing: run it again from its start.
    #[error("the transaction has to be run again")]
    Retryable(#[source] DbErr),
    /// A unique key was taken, mostly by another instance a moment ago: run it again, it will see the other's row.
    #[error("a unique key is taken")]
    Conflict(#[source] DbErr),
    /// What is stored can't be read back, or contradicts itself. `billing-svc verify` tells more.
    #[error("what is stored is corrupt: {what}")]
    Corrupt {
        /// The row, by its table and key.
        what: String,
    },
    /// The database does not answer, or can't write now. Nothing was changed.
    #[error("the database is unavailable")]
    Unavailable(#[source] DbErr),
    /// The connection was lost during COMMIT: all of it was written, or nothing was.
    #[error("the outcome of a commit is unknown")]
    OutcomeUnknown(#[source] DbErr),
    /// The database refused a statement for a reason that is a defect of ours, such as a CHECK. Nothing was changed.
    #[error("the database refused a statement")]
    Refused(#[source] DbErr),
}

impl StoreError {
    /// A stored row that can't be read back.
    pub(super) fn corrupt(
        table: &str,
        key: impl std::fmt::Display,
        why: impl std::fmt::Display,
    ) -> Self {
        Self::Corrupt { what: format!("{table} {key}: {why}") }
    }
}
