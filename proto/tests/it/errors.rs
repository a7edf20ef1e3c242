//! What a caller can read from a failed call.

use std::{collections::HashMap, time::Duration};

use proto::client::CallError;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

#[test]
fn a_refusal_is_read_whole() {
    let metadata = HashMap::from([("missing".to_owned(), "2.50".to_owned())]);
    let mut details =
        ErrorDetails::with_error_info("INSUFFICIENT_FUNDS", "billing.kopilka", metadata.clone());
    details.set_retry_info(Some(Duration::from_secs(3)));
    let status =
        Status::with_error_details(Code::FailedPrecondition, "2.50 RUB is missing", details);
    let error = CallError::from(status);
    assert_eq!(error.code, Code::FailedPrecondition);
    assert_eq!(error.reason, "INSUFFICIENT_FUNDS");
    assert_eq!(error.metadata, metadata);
    assert_eq!(error.retry_after, Some(Duration::from_secs(3)));
    assert_eq!(error.to_string(), "FailedPrecondition INSUFFICIENT_FUNDS: 2.50 RUB is missing");
}

#[test]
fn what_is_not_ours_has_no_reason() {
    let error = CallError::from(Status::internal("oops"));
    assert_eq!((error.code, error.reason.as_str()), (Code::Internal, ""));
    assert_eq!(error.to_string(), "Internal: oops");
}

#[test]
fn a_passed_deadline_is_that_however_tonic_says_it() {
    let error = CallError::from(Status::cancelled("Timeout expired"));
    assert_eq!(error.code, Code::DeadlineExceeded);
    assert!(error.is_retryable());
}
