//! How much there is, and what an audit has found.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::ledger::PaymentState;

/// Of what is open: not older than this, and older than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// 10 minutes.
    TenMinutes,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// Older than a day.
    More,
}

impl Age {
    fn name(self) -> &'static str {
        match self {
            Self::TenMinutes => "10m",
            Self::Hour => "1h",
            Self::Day => "1d",
            Self::More => "more",
        }
    }
}

/// `billing_queue_depth` and `billing_queue_capacity`: commands that wait in the committer's fullest lane, and how many a lane
/// takes before the next is refused as OVERLOADED.
pub fn queue(waiting: usize, room: usize) {
    metrics::gauge!("billing_queue_depth").set(number(waiting));
    metrics::gauge!("billing_queue_capacity").set(number(room));
}

/// `billing_holds{age}`: operations that are charged and not settled, by the time since they were charged. The same at every
/// instance.
pub fn holds(age: Age, count: i64) {
    metrics::gauge!("billing_holds", "age" => age.name()).set(number(count));
}

/// `billing_holds_overdue`: those of them whose time is up. The sweeper gives them back within seconds: what stays is stuck.
pub fn holds_overdue(count: i64) {
    metrics::gauge!("billing_holds_overdue").set(number(count));
}

/// `billing_payments_open{state, age}`: payments on their way (`created`, `pending`, `paid`: not credited yet), by the time since
/// they were made or, once paid, since we learned of it. Without those that are parked. The same at every instance.
pub fn payments_open(state: PaymentState, age: Age, count: i64) {
    metrics::gauge!("billing_payments_open", "state" => super::state_name(state), "age" => age.name())
        .set(number(count));
}

/// `billing_audit_interval_seconds`: how often this instance audits; absent where it never does.
pub fn audit_interval(interval: Duration) {
    metrics::gauge!("billing_audit_interval_seconds").set(interval.as_secs_f64());
}

/// `billing_imbalance{invariant}`: rows that broke an invariant when this instance audited last. Above 0 somebody has to look.
pub fn imbalance(invariant: &'static str, rows: u64) {
    metrics::gauge!("billing_imbalance", "invariant" => invariant).set(number(rows));
}

/// `billing_audit_timestamp_seconds` and `billing_audit_seconds`: when this instance's last audit ended (Unix time), and how long
/// it took.
pub fn audited(at: SystemTime, took: Duration) {
    let at = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    metrics::gauge!("billing_audit_timestamp_seconds").set(at.as_secs_f64());
    metrics::gauge!("billing_audit_seconds").set(took.as_secs_f64());
}

/// As a gauge has it. Counts of rows are exact: nobody has 2⁵³ of them.
fn number(count: impl TryInto<u64>) -> f64 {
    let count = count.try_into().unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let number = count as f64;
    number
}
