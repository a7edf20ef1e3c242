//! Every metric of billing-svc, with its unit. Labels are names from code, never ids.

mod business;
mod gauges;
mod limits;

use std::time::Duration;

use crate::ledger::{PaymentState, Provider, RefundAnswer};

pub use business::committed;
pub use gauges::{
    Age, audit_interval, audited, holds, holds_overdue, imbalance, payments_open, queue,
};
pub use limits::limit_exceeded;

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionEnd {
    /// Written.
    Committed,
    /// There was nothing to write.
    Unchanged,
    /// The database failed or refused.
    Failed,
    /// The connection was lost during COMMIT.
    Unknown,
}

impl TransactionEnd {
    const ALL: [Self; 4] = [Self::Committed, Self::Unchanged, Self::Failed, Self::Unknown];

    fn name(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// The transaction of the committer.
pub const BATCH: &str = "batch";
/// Why an attempt was repeated: another transaction was faster, or had the same new key; or the attempt was one without locks,
/// and what it had read was changed meanwhile, or its connection was dead.
pub const LOST_RACE: &str = "lost_race";
/// See [`LOST_RACE`].
pub const UNIQUE_KEY: &str = "unique_key";
/// See [`LOST_RACE`].
pub const CHANGED: &str = "changed";
/// See [`LOST_RACE`].
pub const CONNECTION: &str = "connection";

/// Shows every counter that an alert looks at and whose labels are known beforehand, at 0: the first of something can only be
/// seen as a rise if there was a 0 before it. Once, at the start.
pub fn announce() {
    for end in TransactionEnd::ALL {
        metrics::counter!("billing_transactions_total", "transaction" => BATCH, "end" => end.name())
            .increment(0);
    }
    for cause in [LOST_RACE, UNIQUE_KEY, CHANGED, CONNECTION] {
        metrics::counter!("billing_transaction_retries_total", "transaction" => BATCH, "cause" => cause)
            .increment(0);
    }
    for what in ["hold", "grant", "announcement"] {
        swept(what, 0);
        sweep_failed(what, 0);
    }
    for provider in Provider::ALL.map(Provider::name) {
        for name in [
            "billing_payments_stuck_total",
            "billing_unmatched_payments_total",
            "billing_topups_micros_total",
            "billing_topups_returned_micros_total",
        ] {
            metrics::counter!(name, "provider" => provider).increment(0);
        }
    }
    metrics::counter!("billing_waiting_for_capture_total").increment(0);
    business::announce();
}

/// `billing_transactions_total{transaction, end}` and `billing_transaction_seconds{transaction}`: from the taking of a
/// connection to the end, without waiting in a queue and without pauses between attempts.
pub fn transaction(name: &'static str, end: TransactionEnd, took: Duration) {
    metrics::counter!("billing_transactions_total", "transaction" => name, "end" => end.name())
        .increment(1);
    metrics::histogram!("billing_transaction_seconds", "transaction" => name)
        .record(took.as_secs_f64());
}

/// `billing_transaction_retries_total{transaction, cause}`: attempts that had to be repeated; `cause` is `lost_race`,
/// `unique_key`, `changed` or `connection`.
pub fn transaction_retried(name: &'static str, cause: &'static str) {
    metrics::counter!("billing_transaction_retries_total", "transaction" => name, "cause" => cause)
        .increment(1);
}

/// `billing_batch_commands`: how many commands shared one transaction.
pub fn batch(commands: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a batch has thousands at most")]
    metrics::histogram!("billing_batch_commands").record(commands as f64);
}

/// `billing_commit_seconds`: the COMMIT alone.
pub fn commit(took: Duration) {
    metrics::histogram!("billing_commit_seconds").record(took.as_secs_f64());
}

/// `billing_queue_wait_seconds`: from a command's arrival to its batch.
pub fn queue_wait(waited: Duration) {
    metrics::histogram!("billing_queue_wait_seconds").record(waited.as_secs_f64());
}

/// `billing_commands_total{command, end}`: `end` is `done`, `refused` (by a rule) or why there is no outcome.
pub fn command(name: &'static str, end: &'static str) {
    metrics::counter!("billing_commands_total", "command" => name, "end" => end).increment(1);
}

/// `billing_read_calls{read}`: how many calls shared one statement, and `billing_read_seconds{read}`: what it took, with the taking
/// of a connection. `read` is `user` or `owner`.
pub fn read(name: &'static str, calls: usize, took: Duration) {
    #[expect(clippy::cast_precision_loss, reason = "a statement serves hundreds at most")]
    metrics::histogram!("billing_read_calls", "read" => name).record(calls as f64);
    metrics::histogram!("billing_read_seconds", "read" => name).record(took.as_secs_f64());
}

/// `billing_swept_total{what}`: `hold`s given back, `grant`s that expired and `announcement`s of grants that will, by this
/// instance.
pub fn swept(what: &'static str, count: u64) {
    metrics::counter!("billing_swept_total", "what" => what).increment(count);
}

/// `billing_sweep_failures_total{what}`: what was due and could not be swept this time.
pub fn sweep_failed(what: &'static str, count: u64) {
    metrics::counter!("billing_sweep_failures_total", "what" => what).increment(count);
}

/// `billing_archived_operations_total`: operations that this instance has moved to the archive.
pub fn archived(count: u64) {
    metrics::counter!("billing_archived_operations_total").increment(count);
}

/// `billing_payments_total{provider, state}`: payments that came to stand in a state, by this instance.
pub fn payment(provider: Provider, state: PaymentState) {
    metrics::counter!("billing_payments_total", "provider" => provider.name(), "state" => state_name(state))
        .increment(1);
}

fn state_name(state: PaymentState) -> &'static str {
    match state {
        PaymentState::Created => "created",
        PaymentState::Pending => "pending",
        PaymentState::Paid => "paid",
        PaymentState::Credited => "credited",
        PaymentState::Canceled => "canceled",
        PaymentState::Expired => "expired",
        PaymentState::Refunded => "refunded",
        PaymentState::Disputed => "disputed",
    }
}

/// `billing_payments_parked`: paid payments that wait for a person. Above 0 somebody has to look.
pub fn parked_payments(count: i64) {
    #[expect(clippy::cast_precision_loss, reason = "nobody has that many")]
    metrics::gauge!("billing_payments_parked").set(count as f64);
}

/// `billing_payments_given_up_total{provider}`: payments that nobody has paid for as long as was planned.
pub fn payment_given_up(provider: Provider) {
    metrics::counter!("billing_payments_given_up_total", "provider" => provider.name())
        .increment(1);
}

/// `billing_payments_stuck_total{provider}`: what a provider says and the ledger refuses. A defect: the log tells more.
pub fn payment_stuck(provider: Provider) {
    metrics::counter!("billing_payments_stuck_total", "provider" => provider.name()).increment(1);
}

/// `billing_unmatched_payments_total{provider}`: payments at a provider's that are none of ours, or hints at such.
pub fn unmatched_payment(provider: Provider) {
    metrics::counter!("billing_unmatched_payments_total", "provider" => provider.name())
        .increment(1);
}

/// `billing_waiting_for_capture_total`: payments at YooKassa that wait for a capture, which we never ask for.
pub fn waiting_for_capture() {
    metrics::counter!("billing_waiting_for_capture_total").increment(1);
}

/// `billing_payment_refunds_total{provider, answer}`: what a provider answered to a refund: `succeeded`, `accepted`, `refused`,
/// `unanswered`.
pub fn refund_answer(provider: Provider, answer: &RefundAnswer) {
    let answer = match answer {
        RefundAnswer::Succeeded { .. } => "succeeded",
        RefundAnswer::Accepted { .. } => "accepted",
        RefundAnswer::Refused { .. } => "refused",
        RefundAnswer::Unanswered { .. } => "unanswered",
    };
    metrics::counter!("billing_payment_refunds_total", "provider" => provider.name(), "answer" => answer)
        .increment(1);
}

/// `billing_notifications_total{provider, outcome}`: on arrival `stored`, `ignored` (about no payment), `unreadable`,
/// `forbidden`, `overloaded`; afterwards `followed`, `answered` (an earlier one's question served it), `unmatched`, `retry`, `dead`
/// (given up).
pub fn notification(provider: Provider, outcome: &'static str) {
    metrics::counter!("billing_notifications_total", "provider" => provider.name(), "outcome" => outcome)
        .increment(1);
}

/// `billing_notifications_waiting` and `billing_notifications_dead`: rows of the inbox that are to be followed, and that were given
/// up.
pub fn notifications_waiting(waiting: u64, dead: u64) {
    #[expect(clippy::cast_precision_loss, reason = "the inbox is bounded")]
    metrics::gauge!("billing_notifications_waiting").set(waiting as f64);
    #[expect(clippy::cast_precision_loss, reason = "likewise")]
    metrics::gauge!("billing_notifications_dead").set(dead as f64);
}

/// `billing_provider_requests_total{provider, call, result}` and `billing_provider_seconds{provider, call}`: calls to a provider;
/// `result` is `ok`, `refused`, `unavailable` or `misconfigured` (it does not take our credentials: somebody has to look).
pub fn provider_request(
    provider: Provider,
    call: &'static str,
    result: &'static str,
    took: Duration,
) {
    let provider = provider.name();
    metrics::counter!("billing_provider_requests_total", "provider" => provider, "call" => call, "result" => result)
        .increment(1);
    metrics::histogram!("billing_provider_seconds", "provider" => provider, "call" => call)
        .record(took.as_secs_f64());
}
