//! What a refusal says, in a form that tests can compare.

use std::collections::HashMap;
use std::fmt::Debug;

use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

/// All that a program can act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    pub code: Code,
    pub reason: String,
    pub metadata: HashMap<String, String>,
    /// Of BadRequest.
    pub fields: Vec<String>,
    /// Is there a RetryInfo?
    pub retry: bool,
}

/// Why it was refused; the domain is checked here for all.
pub fn why<T: Debug>(answer: Result<Response<T>, Status>) -> Why {
    let status = answer.expect_err("this should have been refused");
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.domain, "billing.kopilka");
    assert!(!status.message().is_empty());
    let fields = details.bad_request().map_or_else(Vec::new, |bad| {
        bad.field_violations.iter().map(|violation| violation.field.clone()).collect()
    });
    Why {
        code: status.code(),
        reason: info.reason.clone(),
        metadata: info.metadata.clone(),
        fields,
        retry: details.retry_info().is_some(),
    }
}

/// A refusal by a rule, with this metadata.
pub fn because(code: Code, reason: &str, metadata: &[(&str, &str)]) -> Why {
    Why {
        code,
        reason: reason.to_owned(),
        metadata: metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        fields: Vec::new(),
        retry: false,
    }
}

/// A refusal because of a field.
pub fn bad(field: &str) -> Why {
    let metadata = [("field", field)];
    Why {
        fields: vec![field.to_owned()],
        ..because(Code::InvalidArgument, "INVALID_FIELD", &metadata)
    }
}
