//! Lists: newest first, filtered, page by page.

use serde_json::{Value, json};

use super::SHOP_ID;
use super::api::{Answer, ApiError};
use super::payment::Status;
use super::state::State;

const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 100;

impl State {
    pub(super) fn list_payments(&self, query: &str, origin: &str) -> Answer {
        let asked = Asked::read(query)?;
        let own = self.payments.iter().filter(|payment| payment.account_id == SHOP_ID);
        let items = own.filter(|payment| {
            let captured = payment.captured_at.is_some_and(|time| asked.captured.has(time));
            asked.wants(payment.status)
                && asked.created.has(payment.created_at)
                && (captured || asked.captured.is_open())
        });
        asked.page(items.map(|payment| (payment.id.as_str(), || self.shown(payment, origin))))
    }

    pub(super) fn list_refunds(&self, query: &str) -> Answer {
        let asked = Asked::read(query)?;
        let items = self.refunds.iter().filter(|refund| {
            let of_payment = asked.payment_id.as_ref().is_none_or(|id| *id == refund.payment_id);
            of_payment
                && asked.wants(refund.status)
                && asked.created.has(refund.created_at)
                && self.own(&refund.payment_id).is_some()
        });
        asked.page(items.map(|refund| (refund.id.as_str(), || refund.shown())))
    }

    pub(super) fn get_refund(&self, id: &str) -> Answer {
        let refund = self.refunds.iter().find(|refund| refund.id == id);
        let own = refund.filter(|refund| self.own(&refund.payment_id).is_some());
        own.map(super::payment::Refund::shown).ok_or_else(ApiError::no_refund)
    }
}

/// A span of time in unix milliseconds; both ends belong to it.
#[derive(Debug)]
struct Span {
    from: i64,
    to: i64,
}

impl Span {
    const OPEN: Self = Self { from: i64::MIN, to: i64::MAX };

    fn has(&self, time: i64) -> bool {
        (self.from..=self.to).contains(&time)
    }

    fn is_open(&self) -> bool {
        self.from == i64::MIN && self.to == i64::MAX
    }

    fn narrow(&mut self, how: &str, time: i64) -> bool {
        match how {
            "gte" => self.from = self.from.max(time),
            "gt" => self.from = self.from.max(time + 1),
            "lte" => self.to = self.to.min(time),
            "lt" => self.to = self.to.min(time - 1),
            _ => return false,
        }
        true
    }
}

#[derive(Debug)]
struct Asked {
    created: Span,
    captured: Span,
    status: Option<String>,
    payment_id: Option<String>,
    limit: usize,
    cursor: Option<String>,
}

impl Asked {
    fn read(query: &str) -> Result<Self, ApiError> {
        let mut asked = Self {
            created: Span::OPEN,
            captured: Span::OPEN,
            status: None,
            payment_id: None,
            limit: DEFAULT_LIMIT,
            cursor: None,
        };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let wrong = || ApiError::invalid(&name, "The value is not valid");
            match name.as_ref() {
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                    asked.limit = limit.ok_or_else(wrong)?;
                }
                "cursor" => asked.cursor = Some(value.into_owned()),
                "status" => asked.status = Some(value.into_owned()),
                "payment_id" => asked.payment_id = Some(value.into_owned()),
                _ => {
                    let (field, how) = name.split_once('.').unwrap_or((&name, ""));
                    let time: jiff::Timestamp = value.parse().map_err(|_| wrong())?;
                    let span = match field {
                        "created_at" => &mut asked.created,
                        "captured_at" => &mut asked.captured,
                        _ => return Err(wrong()),
                    };
                    if !span.narrow(how, time.as_millisecond()) {
                        return Err(wrong());
                    }
                }
            }
        }
        Ok(asked)
    }

    fn wants(&self, status: Status) -> bool {
        self.status.as_ref().is_none_or(|wanted| wanted == status.name())
    }

    /// The page of `items` (oldest first, with how each is shown) that begins behind the cursor.
    fn page<'a, S: Fn() -> Value>(
        &self,
        items: impl DoubleEndedIterator<Item = (&'a str, S)>,
    ) -> Answer {
        let mut items = items.rev().peekable();
        if let Some(cursor) = &self.cursor
            && items.by_ref().all(|(id, _)| id != cursor)
        {
            return Err(ApiError::invalid("cursor", "The cursor is not valid"));
        }
        let mut page = Vec::new();
        let mut last = "";
        while page.len() < self.limit
            && let Some((id, show)) = items.next()
        {
            page.push(show());
            last = id;
        }
        let mut list = json!({"type": "list", "items": page});
        if items.peek().is_some() {
            list["next_cursor"] = json!(last);
        }
        Ok(list)
    }
}
