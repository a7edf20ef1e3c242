//! Everything paid and given back lately: YooKassa's lists of payments and of refunds, one after the other, newest first.
//!
//! A sweep goes over what happened between two moments, page by page. The next one begins a little before the last one
//! did: a payment may come into the list some moments after its time.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use service_kit::time::{from_micros, to_micros};

use super::api::Api;
use super::wire::{PaymentObject, RefundObject};
use crate::ledger::Timestamp;
use crate::payments::provider::{FeedPage, Listed, ProviderError};

/// How long ago the first sweep of all begins: YooKassa repeats a notification for a day.
const FIRST: Duration = Duration::from_secs(3 * 24 * 60 * 60);
const OVERLAP: Duration = Duration::from_secs(10 * 60);
/// A refund is found by when it was made, which may be days before the payer has it.
const REFUND_OVERLAP: Duration = Duration::from_secs(3 * 24 * 60 * 60);
/// A sweep that was left for so long begins anew: YooKassa may not know its page any more.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// Where a sweep stands; kept as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Cursor {
    /// What is looked for happened since then; in microseconds.
    since: i64,
    /// When the sweep began; the next one goes on from there.
    #[serde(default)]
    until: Option<i64>,
    /// The list of refunds has its turn.
    #[serde(default)]
    refunds: bool,
    /// YooKassa's own cursor.
    #[serde(default)]
    page: Option<String>,
}

pub(super) fn since(since: Timestamp) -> String {
    text(&Cursor { since: since.micros(), until: None, refunds: false, page: None })
}

pub(super) async fn page(
    api: &Api,
    shop_id: &str,
    cursor: Option<&str>,
) -> Result<FeedPage, ProviderError> {
    let now = to_micros(SystemTime::now());
    let first = || Cursor {
        since: to_micros(SystemTime::now() - FIRST),
        until: None,
        refunds: false,
        page: None,
    };
    // A cursor of another making is no reason to stop: begin anew.
    let at: Cursor = cursor.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(first);
    let is_stale = |until| from_micros(until) + STALE < from_micros(now);
    let at = match at.until {
        Some(until) if is_stale(until) => {
            Cursor { since: at.since, until: None, refunds: false, page: None }
        }
        Some(_) | None => at,
    };
    let until = at.until.unwrap_or(now);
    let overlap = if at.refunds { REFUND_OVERLAP } else { OVERLAP };
    let since = humantime::format_rfc3339_millis(from_micros(at.since) - overlap).to_string();
    let (items, page) = if at.refunds {
        let filter = [("created_at.gte", since.as_str())];
        let list = api.list("feed_refunds", "refunds", &filter, at.page.as_deref()).await?;
        (list.items.iter().filter_map(of_refund).collect(), list.next_cursor)
    } else {
        let filter = [("status", "succeeded"), ("captured_at.gte", since.as_str())];
        let list = api.list("feed_payments", "payments", &filter, at.page.as_deref()).await?;
        let ours = list
            .items
            .into_iter()
            .filter(|payment: &PaymentObject| payment.is_paid() && payment.is_of(shop_id));
        (ours.map(of_payment).collect(), list.next_cursor)
    };
    let next = match (page, at.refunds) {
        (Some(page), refunds) => {
            Cursor { since: at.since, until: Some(until), refunds, page: Some(page) }
        }
        (None, false) => Cursor { since: at.since, until: Some(until), refunds: true, page: None },
        (None, true) => Cursor { since: until, until: None, refunds: false, page: None },
    };
    Ok(FeedPage { items, more: next.until.is_some(), cursor: text(&next) })
}

fn of_payment(payment: PaymentObject) -> Listed {
    Listed {
        payment_id: payment.payment_id(),
        paid: payment.paid(),
        refunded: payment.refunded(),
        refund: None,
        found: None,
        provider_payment_id: payment.id,
    }
}

fn of_refund(refund: &RefundObject) -> Option<Listed> {
    Some(Listed {
        provider_payment_id: refund.payment_id.clone(),
        payment_id: None,
        paid: None,
        refunded: None,
        refund: Some(refund.read()?),
        found: None,
    })
}

/// Four plain fields always have a JSON form; an empty cursor would begin anew.
fn text(cursor: &Cursor) -> String {
    serde_json::to_string(cursor).unwrap_or_default()
}
