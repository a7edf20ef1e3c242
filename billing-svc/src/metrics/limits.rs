//! What limits refuse.

/// `billing_limits_exceeded_total{limit}`: calls that were refused because of a limit: `message_bytes`, `calls` (under way at
/// once), `caller_rate`, `user_rate`, `open_holds`, `daily_spend`, `payment_refresh`, `promo_attempts`.
pub fn limit_exceeded(limit: &'static str) {
    metrics::counter!("billing_limits_exceeded_total", "limit" => limit).increment(1);
}
