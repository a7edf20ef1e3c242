//! Every metric of the gateway, with its unit. Labels are names from code, never ids.
//!
//! Queues stand in the database: gateways that share one report the same numbers of rows and ages.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

use crate::{inbox, notices, payments::checkout, telegram::send::SendError};

/// Shows the counters that alerts look at and whose labels are known beforehand, at 0: the first of something can only be
/// seen as a rise if there was a 0 before it. Once, at the start.
pub(crate) fn announce() {
    for reason in ["conflict", "refused", "unavailable", "store"] {
        counter!("gateway_polls_failed_total", "reason" => reason).increment(0);
    }
    for queue in [inbox::TABLE, checkout::TABLE, notices::TABLE] {
        counter!("gateway_queue_items_total", "queue" => queue, "end" => "dead").increment(0);
    }
    for end in ["delivered", "retry", "refused"] {
        counter!("gateway_deliveries_total", "end" => end).increment(0);
    }
    counter!("gateway_telegram_throttled_total").increment(0);
}

/// Updates that came in, by the way in (`polling`, `webhook`) and whether they were known (`new`, `known`).
pub(crate) fn update_stored(intake: &'static str, new: bool) {
    let known = if new { "new" } else { "known" };
    counter!("gateway_updates_stored_total", "intake" => intake, "seen" => known).increment(1);
}

/// Calls of the webhook that were turned away, by HTTP status.
pub(crate) fn webhook_refused(status: u16) {
    counter!("gateway_webhook_refused_total", "status" => status.to_string()).increment(1);
}

/// Polls that failed, by reason (`conflict`, `refused`, `throttled`, `unavailable`, `store`).
pub(crate) fn poll_failed(reason: &'static str) {
    counter!("gateway_polls_failed_total", "reason" => reason).increment(1);
}

/// Rows of a queue (`inbox`, `checkouts`, `notices`) that were handled, by end (`done`, `retry`, `dead`), and how long it
/// took in seconds.
pub(crate) fn item_handled(queue: &'static str, end: &'static str, took: Duration) {
    counter!("gateway_queue_items_total", "queue" => queue, "end" => end).increment(1);
    histogram!("gateway_queue_handling_seconds", "queue" => queue).record(took.as_secs_f64());
}

/// Rows of a queue, by state.
pub(crate) fn queue_rows(queue: &'static str, state: &'static str, rows: u64) {
    gauge!("gateway_queue_rows", "queue" => queue, "state" => state).set(rows as f64);
}

/// Seconds for which the oldest row of a queue that is neither done nor dead has been waiting or worked on; 0 where there is none.
pub(crate) fn queue_oldest(queue: &'static str, age: Duration) {
    gauge!("gateway_queue_oldest_seconds", "queue" => queue).set(age.as_secs_f64());
}

/// Notifications of payment providers, by what became of them: `stored`, `forbidden`, `not_a_notification`,
/// `not_configured`, `unreadable` (too large or broken off), `unavailable`, `overloaded`.
pub(crate) fn payment_notification(outcome: &'static str) {
    counter!("gateway_payment_notifications_total", "outcome" => outcome).increment(1);
}

/// Telegram's questions before a payment, by answer: `approved`, `refused`, `unknown` (billing did not say),
/// `unanswered` (Telegram did not take it), `late`.
pub(crate) fn checkout(answer: &'static str) {
    counter!("gateway_checkouts_total", "answer" => answer).increment(1);
}

/// What Telegram says about Stars (`paid`, `refunded`), by what became of it: `handed_on`, `later`, `refused`, `given_up`,
/// `unreadable`.
pub(crate) fn stars_update(kind: &'static str, outcome: &'static str) {
    counter!("gateway_stars_updates_total", "kind" => kind, "outcome" => outcome).increment(1);
}

/// Is billing's stream of events open?
pub(crate) fn events_watched(open: bool) {
    gauge!("gateway_events_watched").set(if open { 1.0 } else { 0.0 });
}

/// Events that came, by whether they hold something to tell that was not known (`new`, `known`, `nothing`).
pub(crate) fn event(seen: &'static str) {
    counter!("gateway_events_total", "seen" => seen).increment(1);
}

/// What users were told unasked, by end: `told`, `edited` (the payment's message alone says it), `blocked`,
/// `interrupted` (sent perhaps, perhaps not), `nobody` (no user of Telegram), `refused`.
pub(crate) fn notice(end: &'static str) {
    counter!("gateway_notices_total", "end" => end).increment(1);
}

/// Answers of Telegram to what was sent, by outcome.
pub(crate) fn telegram_answer(error: Option<&SendError>) {
    let outcome = match error {
        None => "ok",
        Some(SendError::Blocked) => "blocked",
        Some(SendError::Busy { .. }) => "throttled",
        Some(SendError::Refused(_)) => "refused",
        Some(SendError::Unreachable) => "unreachable",
        Some(SendError::Unclear) => "unclear",
    };
    counter!("gateway_telegram_requests_total", "outcome" => outcome).increment(1);
}

/// 429s that were waited out.
pub(crate) fn telegram_throttled() {
    counter!("gateway_telegram_throttled_total").increment(1);
}

/// Ends of jobs, by what became of them (`delivered`, `failed_told`, `interrupted`, `blocked`, `retry`, `refused`),
/// and how long it took in seconds.
pub(crate) fn delivery(end: &'static str, took: Duration) {
    counter!("gateway_deliveries_total", "end" => end).increment(1);
    histogram!("gateway_delivery_seconds").record(took.as_secs_f64());
}

/// Edits of «Генерирую…» messages.
pub(crate) fn progress_edit() {
    counter!("gateway_progress_edits_total").increment(1);
}
