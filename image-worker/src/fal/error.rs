//! What fal.ai's failures mean for a job.
//!
//! | seen | class |
//! |---|---|
//! | type `content_policy_violation`, or a result with `has_nsfw_concepts` | the user's content: no retry |
//! | 400, 413, 422 and other 4xx | the user's input: no retry |
//! | 408, 429, 499, 5xx, a lost connection, a time-out; whatever says `X-Fal-Retryable: true` | try again |
//! | 401, 402, 403; 404 of the app | ours: no retry, and the operator must act |

use std::time::Duration;

use serde_json::Value;

/// Longer pauses than this are not honoured.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);

/// What is to be done about a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Refund; the content was refused.
    ContentRejected,
    /// Refund; prompt or picture can't be used.
    BadInput,
    /// One more attempt may succeed.
    Retry,
    /// Refund; key, account or app are not right.
    Misconfigured,
}

impl Class {
    /// For logs, metrics and the job's record.
    pub fn name(self) -> &'static str {
        match self {
            Self::ContentRejected => "content_rejected",
            Self::BadInput => "bad_input",
            Self::Retry => "retry",
            Self::Misconfigured => "misconfigured",
        }
    }
}

/// A failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// What is to be done.
    pub class: Class,
    /// How long the provider asked us to stay away.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure with nothing more to say.
    pub fn new(class: Class) -> Self {
        Self { class, retry_after: None }
    }
}

/// What fal answered when it was not what we hoped for.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// Of `X-Fal-Error-Type`.
    pub error_type: Option<&'a str>,
    /// Of `X-Fal-Retryable`.
    pub retryable: Option<&'a str>,
    /// Of `Retry-After`.
    pub retry_after: Option<&'a str>,
    /// The body, if it was JSON.
    pub body: Option<&'a Value>,
}

impl Answer<'_> {
    /// The machine-readable types of what went wrong; safe to log.
    pub fn types(&self) -> Vec<&str> {
        let details = self.body.and_then(|body| body.get("detail")).and_then(Value::as_array);
        let listed = details.into_iter().flatten().filter_map(|detail| detail.get("type"));
        let flat = self.body.and_then(|body| body.get("error_type"));
        listed
            .chain(flat)
            .filter_map(Value::as_str)
            .chain(self.error_type)
            .filter(|name| is_type(name))
            .collect()
    }
}

/// Sorts an answer. `of_app` is whether a 404 speaks about the app (a submit) and not about one request.
pub fn classify(answer: &Answer<'_>, of_app: bool) -> Failure {
    let types = answer.types();
    let says = |name: &str| types.contains(&name);
    let class = if says("content_policy_violation") {
        Class::ContentRejected
    } else if answer.retryable == Some("true") || says("downstream_service_error") {
        Class::Retry
    } else {
        match answer.status {
            401..=403 => Class::Misconfigured,
            404 if of_app => Class::Misconfigured,
            // 404 of a request: forgotten. 499: somebody canceled it at fal.
            404 | 408 | 429 | 499 => Class::Retry,
            400..=498 => Class::BadInput,
            _ => Class::Retry,
        }
    };
    Failure { class, retry_after: answer.retry_after.and_then(parse_retry_after) }
}

/// `Retry-After` in whole seconds; fal sends no dates.
fn parse_retry_after(value: &str) -> Option<Duration> {
    let seconds = value.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

/// A provider's word is logged only if it looks like a name.
fn is_type(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'.')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_failure_has_its_class() {
        let refused = json!({"detail": [{"loc": ["body", "prompt"], "msg": "…", "type": "content_policy_violation"}]});
        let invalid = json!({"detail": [{"loc": ["body"], "msg": "a cat", "type": "value_error"}]});
        let words = json!({"detail": "User is locked"});
        let runner = json!({"detail": "…", "error_type": "runner_disconnected"});
        let downstream = json!({"detail": [{"type": "downstream_service_error"}]});
        let table = [
            (422, Some(&refused), false, Class::ContentRejected),
            (400, Some(&refused), true, Class::ContentRejected),
            (422, Some(&invalid), false, Class::BadInput),
            (400, None, true, Class::BadInput),
            (413, None, true, Class::BadInput),
            (400, Some(&downstream), false, Class::Retry),
            (401, None, true, Class::Misconfigured),
            (402, None, true, Class::Misconfigured),
            (403, Some(&words), true, Class::Misconfigured),
            (404, None, true, Class::Misconfigured),
            (404, None, false, Class::Retry),
            (408, None, false, Class::Retry),
            (429, None, true, Class::Retry),
            (499, None, false, Class::Retry),
            (500, None, false, Class::Retry),
            (503, Some(&runner), false, Class::Retry),
            (504, None, true, Class::Retry),
            (302, None, true, Class::Retry),
        ];
        for (status, body, of_app, expected) in table {
            let answer =
                Answer { status, error_type: None, retryable: None, retry_after: None, body };
            assert_eq!(classify(&answer, of_app).class, expected, "{status} {body:?} {of_app}");
        }
    }

    #[test]
    fn headers_decide_too() {
        let plain = Answer {
            status: 422,
            error_type: None,
            retryable: None,
            retry_after: None,
            body: None,
        };
        let retryable = Answer { retryable: Some("true"), ..plain };
        assert_eq!(classify(&retryable, false).class, Class::Retry);
        let refused = Answer { error_type: Some("content_policy_violation"), ..plain };
        assert_eq!(classify(&refused, false).class, Class::ContentRejected);
    }

    #[test]
    fn retry_after_is_honoured_up_to_ten_minutes() {
        for (given, expected) in
            [("7", Some(7)), (" 30 ", Some(30)), ("86400", Some(600)), ("soon", None)]
        {
            let answer = Answer {
                status: 429,
                error_type: None,
                retryable: None,
                retry_after: Some(given),
                body: None,
            };
            let seconds = classify(&answer, true).retry_after.map(|pause| pause.as_secs());
            assert_eq!(seconds, expected, "{given}");
        }
    }

    #[test]
    fn only_names_are_logged() {
        let body = json!({"detail": [{"type": "value_error"}, {"type": "A cat, says the user"}]});
        let answer = Answer {
            status: 422,
            error_type: None,
            retryable: None,
            retry_after: None,
            body: Some(&body),
        };
        assert_eq!(answer.types(), ["value_error"]);
    }
}
