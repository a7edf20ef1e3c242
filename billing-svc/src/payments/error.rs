//! Why a call about payments was refused, before it has a code.

use std::borrow::Cow;
use std::time::Duration;

use super::limits::Limited;
use super::provider::ProviderError;
use crate::committer::SubmitError;
use crate::ledger::Rejection;
use crate::store::StoreError;

/// How long to stay away from a provider that did not say.
const PAUSE: Duration = Duration::from_secs(5);
/// Longer than this nobody is asked to wait, whatever the provider says.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// Why a call about payments was refused.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// This deployment has no such provider.
    #[error("the provider is not configured")]
    NotConfigured,
    /// A field breaks a rule.
    #[error("{field}: {takes}")]
    Field {
        /// By its name in the proto.
        field: &'static str,
        /// What it takes.
        takes: Cow<'static, str>,
    },
    /// No such payment.
    #[error("no such payment")]
    NotFound,
    /// Too often.
    #[error("too often: {0}")]
    Limited(#[from] Limited),
    /// The sender may not do this.
    #[error("only {may}")]
    Forbidden {
        /// Who may.
        may: &'static str,
    },
    /// Too many notifications are waiting.
    #[error("too many notifications are waiting")]
    Overloaded,
    /// The provider does not answer; the same request again may meet a better moment.
    #[error("the provider does not answer")]
    Unavailable {
        /// Not before.
        wait: Duration,
    },
    /// A rule of the ledger refused it.
    #[error("refused by a rule: {0:?}")]
    Rule(Rejection),
    /// The committer did not do it.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The database did not answer a question.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A defect of ours.
    #[error("a defect: {0}")]
    Defect(&'static str),
}

impl PaymentError {
    /// A field and what it takes.
    pub(super) fn field(field: &'static str, takes: impl Into<Cow<'static, str>>) -> Self {
        Self::Field { field, takes: takes.into() }
    }
}

impl From<ProviderError> for PaymentError {
    fn from(error: ProviderError) -> Self {
        let wait = match error {
            ProviderError::Unavailable { retry_after } => retry_after.unwrap_or(PAUSE),
            // Nobody but an operator can do something about these two.
            ProviderError::Refused { .. } | ProviderError::Misconfigured => PAUSE,
        };
        Self::Unavailable { wait: wait.min(LONGEST_PAUSE) }
    }
}
