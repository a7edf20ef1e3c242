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

impl Cursor {
    /// A sweep over what happened from then on.
    fn begin(since: i64) -> Self {
        Self { since, until: None, refunds: false, page: None }
    }

    /// Where it was left. A cursor of another making is no reason to stop: everything anew.
    fn resume(cursor: Option<&str>, now: SystemTime) -> Self {
        let first = || Self::begin(to_micros(now - FIRST));
        let at: Self =
            cursor.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(first);
        match at.until {
            Some(until) if from_micros(until) + STALE < now => Self::begin(at.since),
            Some(_) | None => at,
        }
    }

    fn looks_since(&self) -> SystemTime {
        from_micros(self.since) - if self.refunds { REFUND_OVERLAP } else { OVERLAP }
    }
}

pub(super) fn since(since: Timestamp) -> String {
    text(&Cursor::begin(since.micros()))
}

pub(super) async fn page(
    api: &Api,
    shop_id: &str,
    cursor: Option<&str>,
) -> Result<FeedPage, ProviderError> {
    let now = SystemTime::now();
    let at = Cursor::resume(cursor, now);
    let until = at.until.unwrap_or(to_micros(now));
    let since = humantime::format_rfc3339_millis(at.looks_since()).to_string();
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
        (None, true) => Cursor::begin(until),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, now: u64) -> Cursor {
        Cursor::resume(Some(text), SystemTime::UNIX_EPOCH + Duration::from_secs(now))
    }

    #[test]
    fn a_sweep_goes_on_where_it_was_left_unless_that_is_long_ago() {
        let day = 24 * 60 * 60;
        let left = text(&Cursor {
            since: 0,
            until: Some(1_000_000),
            refunds: true,
            page: Some("p".to_owned()),
        });
        let soon = at(&left, day);
        assert_eq!((soon.refunds, soon.page.as_deref()), (true, Some("p")));
        let late = at(&left, day + 2);
        assert_eq!((late.since, late.until, late.refunds, late.page), (0, None, false, None));
        let broken = at("7:20", 10 * day);
        assert_eq!((broken.since, broken.page), (7 * 86_400_000_000, None));
    }

    #[test]
    fn a_refund_that_took_days_to_reach_its_payer_is_still_looked_at() {
        let since = to_micros(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000));
        let payments = Cursor::begin(since);
        let refunds = Cursor { refunds: true, ..Cursor::begin(since) };
        let before = |cursor: &Cursor| from_micros(since).duration_since(cursor.looks_since());
        assert_eq!(before(&payments).unwrap(), OVERLAP);
        assert!(before(&refunds).unwrap() >= Duration::from_secs(3 * 24 * 60 * 60));
    }
}
