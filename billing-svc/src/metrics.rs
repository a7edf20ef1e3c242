//! Every metric of billing-svc, with its unit. Labels are names from code, never ids.

use std::time::Duration;

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
    fn name(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// `billing_transactions_total{transaction, end}` and `billing_transaction_seconds{transaction}`: from the taking of a
/// connection to the end, without waiting in a queue and without pauses between attempts.
pub fn transaction(name: &'static str, end: TransactionEnd, took: Duration) {
    metrics::counter!("billing_transactions_total", "transaction" => name, "end" => end.name())
        .increment(1);
    metrics::histogram!("billing_transaction_seconds", "transaction" => name)
        .record(took.as_secs_f64());
}

/// `billing_transaction_retries_total{transaction, cause}`: attempts that had to be repeated; `cause` is `lost_race` or
/// `unique_key`.
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

/// `billing_swept_total{what}`: `hold`s given back and `grant`s that expired, by this instance.
pub fn swept(what: &'static str, count: u64) {
    metrics::counter!("billing_swept_total", "what" => what).increment(count);
}

/// `billing_sweep_failures_total{what}`: what was due and could not be swept this time.
pub fn sweep_failed(what: &'static str, count: u64) {
    metrics::counter!("billing_sweep_failures_total", "what" => what).increment(count);
}
