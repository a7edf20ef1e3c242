//! Every metric of the gateway, with its unit.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

use crate::telegram::send::SendError;

/// Updates that came in, by the way in (`polling`, `webhook`) and whether they were known (`new`, `known`).
pub(crate) fn update_stored(intake: &'static str, new: bool) {
    let known = if new { "new" } else { "known" };
    counter!("gateway_updates_stored_total", "intake" => intake, "seen" => known).increment(1);
}

/// Calls of the webhook that were turned away, by HTTP status.
pub(crate) fn webhook_refused(status: u16) {
    counter!("gateway_webhook_refused_total", "status" => status.to_string()).increment(1);
}

/// Polls that failed, by reason (`conflict`, `refused`, `unavailable`, `store`).
pub(crate) fn poll_failed(reason: &'static str) {
    counter!("gateway_polls_failed_total", "reason" => reason).increment(1);
}

/// Items of the inbox that were handled, by end (`done`, `retry`, `dead`), and how long it took in seconds.
pub(crate) fn item_handled(end: &'static str, took: Duration) {
    counter!("gateway_inbox_items_total", "end" => end).increment(1);
    histogram!("gateway_inbox_handling_seconds").record(took.as_secs_f64());
}

/// Rows of the inbox, by state.
pub(crate) fn inbox_rows(state: &'static str, rows: u64) {
    gauge!("gateway_inbox_rows", "state" => state).set(rows as f64);
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
