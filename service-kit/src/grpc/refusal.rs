//! An error with all that a program can act on.

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// A call that is refused, with `google.rpc.ErrorInfo`, and with `BadRequest` and `RetryInfo` where they apply.
///
/// Small, so that it can be the error of a `Result`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(Box<Parts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    code: Code,
    domain: &'static str,
    reason: String,
    message: String,
    metadata: HashMap<String, String>,
    bad_fields: Vec<(String, String)>,
    retry_after: Option<Duration>,
}

impl Refusal {
    /// `reason` is the value of the domain's `ErrorReason` without its prefix; `message` is for people and holds no
    /// internals.
    pub fn new(
        code: Code,
        domain: &'static str,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self(Box::new(Parts {
            code,
            domain,
            reason: reason.into(),
            message: message.into(),
            metadata: HashMap::new(),
            bad_fields: Vec::new(),
            retry_after: None,
        }))
    }

    /// Adds to `ErrorInfo.metadata`.
    #[must_use]
    pub fn metadata(mut self, key: &str, value: impl Into<String>) -> Self {
        self.0.metadata.insert(key.to_owned(), value.into());
        self
    }

    /// Names a field that can't be accepted and what it takes.
    #[must_use]
    pub fn bad_field(mut self, field: impl Into<String>, takes: impl Into<String>) -> Self {
        self.0.bad_fields.push((field.into(), takes.into()));
        self
    }

    /// The very same request may succeed after this.
    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.0.retry_after = Some(pause);
        self
    }

    /// As it goes on the wire.
    pub fn into_status(self) -> Status {
        let parts = *self.0;
        let mut details = ErrorDetails::new();
        details.set_error_info(parts.reason, parts.domain, parts.metadata);
        for (field, takes) in parts.bad_fields {
            details.add_bad_request_violation(field, takes);
        }
        if let Some(pause) = parts.retry_after {
            details.set_retry_info(Some(pause));
        }
        Status::with_error_details(parts.code, parts.message, details)
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        refusal.into_status()
    }
}
