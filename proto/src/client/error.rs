//! What a failed call says, apart from tonic.

use std::{collections::HashMap, error::Error, fmt, time::Duration};

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A call that failed, after all its tries.
#[derive(Debug, Clone)]
pub struct CallError {
    /// The status code. A broken connection is `Unavailable`, a passed deadline `DeadlineExceeded`, whichever side saw it.
    pub code: Code,
    /// `ErrorInfo.reason`, or empty: the server did not answer, or is none of ours.
    pub reason: String,
    /// `ErrorInfo.metadata`.
    pub metadata: HashMap<String, String>,
    /// For people.
    pub message: String,
    /// How long the server asked to wait.
    pub retry_after: Option<Duration>,
}

impl CallError {
    /// May the very same request succeed later? The clients have done so for a while already: what is left to the caller is to
    /// try much later, or to give up.
    pub fn is_retryable(&self) -> bool {
        match self.code {
            Code::Unavailable | Code::DeadlineExceeded => true,
            // With `limit` it is a rule of the domain, which a pause of seconds doesn't change.
            Code::ResourceExhausted => !self.metadata.contains_key("limit"),
            _ => false,
        }
    }

    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            reason: String::new(),
            metadata: HashMap::new(),
            message: message.into(),
            retry_after: None,
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.code)?;
        if !self.reason.is_empty() {
            write!(f, " {}", self.reason)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl Error for CallError {}

impl From<Status> for CallError {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info();
        Self {
            code: code_of(&status, info.is_some()),
            reason: info.map(|info| info.reason.clone()).unwrap_or_default(),
            metadata: info.map(|info| info.metadata.clone()).unwrap_or_default(),
            message: status.message().to_owned(),
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
        }
    }
}

/// tonic reports what happened on the connection in several codes; a caller needs two.
fn code_of(status: &Status, from_our_server: bool) -> Code {
    match status.code() {
        _ if from_our_server => status.code(),
        // How tonic says, on both sides, that the time of `grpc-timeout` was over.
        Code::Cancelled => Code::DeadlineExceeded,
        // Made here, not by the server: the connection broke.
        Code::Unknown | Code::Internal if status.source().is_some() => Code::Unavailable,
        // The peer died within an answer: a reset stream reaches us with no source.
        Code::Unknown | Code::Internal if status.message().starts_with("h2 protocol error") => {
            Code::Unavailable
        }
        code => code,
    }
}
