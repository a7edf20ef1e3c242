//! What becomes of the money, asked of billing.
//!
//! Every call may be repeated: billing answers what was done the first time. Answers are sorted into three: done, not
//! ours to do any more ([`Settled`]), and not now.

use std::time::{Duration, UNIX_EPOCH};

use proto::billing::v1::{
    CompleteRequest, ExtendHoldRequest, ExtendHoldResponse, OperationState, RefundReason,
    RefundRequest,
};
use proto::client::{BillingClient, CallError, Refusal};

use crate::clock::Time;
use crate::jobs::FailReason;

/// How an operation stands that is not held any more, or never was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The money is spent.
    Completed,
    /// The user has it back.
    Refunded,
    /// It was never taken.
    Declined,
    /// Billing knows of no such operation.
    Unknown,
}

/// What billing answered when it did not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotDone {
    /// And never will.
    Settled(Settled),
    /// It may later, perhaps after this pause.
    Later(Option<Duration>),
}

/// Billing, for one who settles operations. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Settlement(BillingClient);

impl Settlement {
    /// Asks through this client.
    pub fn new(client: BillingClient) -> Self {
        Self(client)
    }

    /// Holds the money for `hold` from now, 1 minute to 7 days; answers until when it is held.
    pub async fn extend_hold(&self, operation_id: &str, hold: Duration) -> Result<Time, NotDone> {
        let request = ExtendHoldRequest {
            operation_id: operation_id.to_owned(),
            hold: prost_types::Duration::try_from(hold).ok(),
        };
        let response = self.0.extend_hold(request).await.map_err(|error| sort(&error))?;
        Ok(held_until(&response).unwrap_or_else(|| Time::now().plus(hold)))
    }

    /// Spends the money.
    pub async fn complete(&self, operation_id: &str) -> Result<(), NotDone> {
        let request = CompleteRequest { operation_id: operation_id.to_owned() };
        self.0.complete(request).await.map(drop).map_err(|error| sort(&error))
    }

    /// Gives the money back to where it came from.
    pub async fn refund(&self, operation_id: &str, reason: FailReason) -> Result<(), NotDone> {
        let request = RefundRequest {
            operation_id: operation_id.to_owned(),
            reason: refund_reason(reason).into(),
            comment: format!("image-worker: {}", reason.name()),
            amount: None,
        };
        self.0.refund(request).await.map(drop).map_err(|error| sort(&error))
    }
}

fn held_until(response: &ExtendHoldResponse) -> Option<Time> {
    let until = response.operation.as_ref()?.expire_time.as_ref()?;
    let seconds = u64::try_from(until.seconds).ok()?;
    let nanos = u32::try_from(until.nanos).ok()?;
    Some(Time::from(UNIX_EPOCH + Duration::new(seconds, nanos)))
}

fn refund_reason(reason: FailReason) -> RefundReason {
    match reason {
        FailReason::ContentRejected => RefundReason::ContentRejected,
        FailReason::BadInput | FailReason::JobFailed | FailReason::TimedOut => {
            RefundReason::JobFailed
        }
        FailReason::Canceled => RefundReason::CustomerRequest,
        FailReason::Undeliverable => RefundReason::Undeliverable,
    }
}

fn sort(error: &CallError) -> NotDone {
    let settled = match error.refusal() {
        Some(Refusal::OperationSettled { state: OperationState::Completed, .. }) => {
            Settled::Completed
        }
        Some(Refusal::OperationSettled { state: OperationState::Refunded, .. }) => {
            Settled::Refunded
        }
        Some(Refusal::OperationSettled { .. }) => Settled::Declined,
        Some(Refusal::OperationNotFound) => Settled::Unknown,
        _ => {
            let reason = &error.reason;
            if error.is_retryable() {
                tracing::warn!(code = ?error.code, reason, "billing did not do it now");
            } else {
                tracing::error!(code = ?error.code, reason, "billing refuses us: check BILLING_TOKEN and its role");
            }
            return NotDone::Later(error.retry_after);
        }
    };
    tracing::warn!(?settled, "the operation is not ours to settle any more");
    NotDone::Settled(settled)
}
