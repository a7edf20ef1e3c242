//! What was written, in words of the business.
//!
//! Counted from what a transaction wrote, after its COMMIT: a repeated request writes nothing, so nothing is counted twice, and
//! each change is counted by the one instance that wrote it. Where the outcome of a COMMIT stays unknown nothing is counted:
//! these counters may say less than the books, never more. Money is in micros of `BILLING_CURRENCY`.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::{
    Account, Changes, Decline, Entry, Operation, OperationId, OperationState, Reference,
    RefundReason, Source, Unit,
};

/// Own money, in the label `funding`.
const BALANCE: &str = "balance";
/// Money that the house gave, likewise.
const PROMOTIONAL: &str = "promotional";

/// Counts what was committed:
///
/// - `billing_charges_total{kind}`: operations that were charged.
/// - `billing_declines_total{reason}`: charges that were refused and are kept so.
/// - `billing_refunds_total{reason}`: operations that were given back, EXPIRED ones too.
/// - `billing_revenue_micros_total{kind, funding}`: money of operations that were completed, and
///   `billing_revenue_returned_micros_total{kind, funding}`: what of it was given back later; `funding` is `balance` or
///   `promotional`.
/// - `billing_free_operations_used_total`: free operations of completed operations.
/// - `billing_topups_micros_total{provider}`: money that came in through a provider, and
///   `billing_topups_returned_micros_total{provider}`: money that went back through it.
pub fn committed(changes: &Changes) {
    for operation in &changes.new_operations {
        charged(operation);
    }
    let operations: BTreeMap<OperationId, &Operation> = changes
        .new_operations
        .iter()
        .chain(&changes.operations)
        .map(|operation| (operation.operation_id, operation))
        .collect();
    for operation in operations.values() {
        // An operation is written as refunded once: nothing changes it afterwards.
        if let (OperationState::Refunded, Some(reason)) = (operation.state, operation.refund_reason)
        {
            metrics::counter!("billing_refunds_total", "reason" => refund_name(reason))
                .increment(1);
        }
    }
    let mut earned = BTreeSet::new();
    for entry in &changes.entries {
        let operation = match entry.reference {
            Reference::Operation(id) => operations.get(&id).copied(),
            Reference::Request(_) | Reference::Payment(_) | Reference::Rule => None,
        };
        match (operation, &entry.from, &entry.to) {
            (Some(operation), Account::Held, Account::Revenue) => {
                earned.insert(operation.operation_id);
            }
            (Some(operation), Account::Revenue, _) => returned(operation, entry),
            (_, Account::Topups(provider), _) => {
                metrics::counter!("billing_topups_micros_total", "provider" => provider.name())
                    .increment(above_zero(entry.amount));
            }
            (_, _, Account::Topups(provider)) => {
                metrics::counter!("billing_topups_returned_micros_total", "provider" => provider.name())
                    .increment(above_zero(entry.amount));
            }
            (_, _, _) => {} // within a user, or with another account of the house
        }
    }
    for id in earned {
        operations.get(&id).into_iter().for_each(|operation| earn(operation));
    }
}

/// Shows every series whose labels are known beforehand, at 0: an alert can only see the first of something as a rise
/// if there was a 0 before it.
pub(super) fn announce() {
    for reason in DECLINES {
        metrics::counter!("billing_declines_total", "reason" => reason).increment(0);
    }
    for reason in REFUNDS {
        metrics::counter!("billing_refunds_total", "reason" => refund_name(reason)).increment(0);
    }
    metrics::counter!("billing_free_operations_used_total").increment(0);
}

const INSUFFICIENT_FUNDS: &str = "INSUFFICIENT_FUNDS";
const PRICE_CHANGED: &str = "PRICE_CHANGED";
const USER_BLOCKED: &str = "USER_BLOCKED";
const IN_DEBT: &str = "IN_DEBT";
const DECLINES: [&str; 4] = [INSUFFICIENT_FUNDS, PRICE_CHANGED, USER_BLOCKED, IN_DEBT];
const REFUNDS: [RefundReason; 6] = [
    RefundReason::JobFailed,
    RefundReason::ContentRejected,
    RefundReason::Undeliverable,
    RefundReason::CustomerRequest,
    RefundReason::Other,
    RefundReason::Expired,
];

fn charged(operation: &Operation) {
    match &operation.decline {
        None => {
            metrics::counter!("billing_charges_total", "kind" => kind(operation)).increment(1);
        }
        Some(decline) => {
            let reason = match decline {
                Decline::InsufficientFunds { .. } => INSUFFICIENT_FUNDS,
                Decline::PriceChanged => PRICE_CHANGED,
                Decline::UserBlocked => USER_BLOCKED,
                Decline::InDebt => IN_DEBT,
            };
            metrics::counter!("billing_declines_total", "reason" => reason).increment(1);
        }
    }
}

fn earn(operation: &Operation) {
    for slice in &operation.funding {
        let funding = match slice.source {
            Source::FreeOperations(_) => {
                metrics::counter!("billing_free_operations_used_total")
                    .increment(above_zero(slice.amount));
                continue;
            }
            Source::Promotional(_) => PROMOTIONAL,
            Source::Balance => BALANCE,
        };
        metrics::counter!("billing_revenue_micros_total", "kind" => kind(operation), "funding" => funding)
            .increment(above_zero(slice.amount));
    }
}

fn returned(operation: &Operation, entry: &Entry) {
    if entry.unit == Unit::Operation {
        return;
    }
    let funding = if entry.to == Account::Available { BALANCE } else { PROMOTIONAL };
    metrics::counter!("billing_revenue_returned_micros_total", "kind" => kind(operation), "funding" => funding)
        .increment(above_zero(entry.amount));
}

/// Of the price list, so a bounded set.
fn kind(operation: &Operation) -> String {
    operation.kind.as_str().to_owned()
}

/// As in the contract's `RefundReason`.
fn refund_name(reason: RefundReason) -> &'static str {
    match reason {
        RefundReason::JobFailed => "JOB_FAILED",
        RefundReason::ContentRejected => "CONTENT_REJECTED",
        RefundReason::Undeliverable => "UNDELIVERABLE",
        RefundReason::CustomerRequest => "CUSTOMER_REQUEST",
        RefundReason::Other => "OTHER",
        RefundReason::Expired => "EXPIRED",
    }
}

/// Entries and slices move more than zero.
fn above_zero(amount: i64) -> u64 {
    u64::try_from(amount).unwrap_or(0)
}
