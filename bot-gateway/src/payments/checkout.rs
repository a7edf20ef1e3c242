//! `pre_checkout_query`: Telegram asks whether it may take a payment in Stars, and waits ten seconds for the answer.
//!
//! The question is as durable as any update, in a queue of its own: behind no other work of its chat and no crowd of other
//! chats. Its yes or no is billing-svc's. Where billing-svc does not answer in time the answer is no, in polite words:
//! nothing was paid, and the user tries again. After ten seconds an answer is of no use and none is given.

use std::time::{Duration, Instant, SystemTime};

use proto::{
    billing::v1::{ApprovePreCheckoutRequest, PreCheckoutRefusal},
    client::PaymentClient,
};
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::queue::{Leased, Queue};
use tokio::time::{sleep, timeout};

use crate::{
    bot::text::{Locale, text},
    lane::{Handler, Lane, Verdict},
    metrics,
    store::Store,
    telegram::{Api, ApiError},
};

/// The queue's table.
pub const TABLE: &str = "checkouts";

/// Telegram waits 10 s from when it sent the question, which is before we stored it.
const USEFUL: Duration = Duration::from_secs(9);
/// How long billing-svc may take; what is left is for the answer.
const ASK: Duration = Duration::from_secs(6);
/// For one attempt at asking billing-svc: a connection that hangs must not take all the time.
pub const ASK_ONCE: Duration = Duration::from_secs(2);
/// For one attempt at answering Telegram.
const ANSWER: Duration = Duration::from_secs(2);
const ANSWER_AGAIN: Duration = Duration::from_millis(200);
/// Questions at once.
const CONCURRENCY: usize = 64;
/// Short: another gateway must come in time.
const LEASE: Duration = Duration::from_secs(4);

/// What answers Telegram's questions.
#[derive(Clone)]
pub struct Checkouts {
    /// With a deadline of [`ASK_ONCE`].
    pub payments: PaymentClient,
    /// For the answer.
    pub api: Api,
    /// For the user's language.
    pub store: Store,
}

#[derive(Deserialize)]
struct Item {
    update: Update,
}

#[derive(Deserialize)]
struct Update {
    pre_checkout_query: PreCheckoutQuery,
}

#[derive(Deserialize)]
struct PreCheckoutQuery {
    id: String,
    from: From,
    currency: String,
    total_amount: i64,
    invoice_payload: String,
}

#[derive(Deserialize)]
struct From {
    id: u64,
    language_code: Option<String>,
}

/// What is answered.
enum Answer {
    Yes,
    No(PreCheckoutRefusal),
    /// Billing-svc did not say.
    Unknown,
}

/// The lane of the questions.
pub fn lane(queue: Queue, checkouts: Checkouts) -> Lane<Checkouts> {
    Lane { name: TABLE, queue, handler: checkouts, concurrency: CONCURRENCY, lease: LEASE }
}

impl Handler for Checkouts {
    async fn handle(&self, _queue: &Queue, item: &Leased) -> Verdict {
        let Ok(Item { update }) = serde_json::from_value::<Item>(item.payload.clone()) else {
            return Verdict::Dead("a pre_checkout_query that can't be read".to_owned());
        };
        let query = update.pre_checkout_query;
        let age = SystemTime::now().duration_since(item.create_time).unwrap_or_default();
        let Some(left) = USEFUL.checked_sub(age) else {
            metrics::checkout("late");
            tracing::warn!(item = item.id, ?age, "too late to answer a pre_checkout_query");
            return Verdict::Done;
        };
        let until = Instant::now() + left;
        let answer = self.ask(&query, left).await;
        let outcome = match self.answer(&query, &answer, until).await {
            Ok(()) => match answer {
                Answer::Yes => "approved",
                Answer::No(_) => "refused",
                Answer::Unknown => "unknown",
            },
            // Answered by whoever had it before, or too late. Trying for longer is no use.
            Err(error) => {
                tracing::warn!(item = item.id, %error, "a pre_checkout_query was not answered");
                "unanswered"
            }
        };
        metrics::checkout(outcome);
        Verdict::Done
    }
}

impl Checkouts {
    async fn ask(&self, query: &PreCheckoutQuery, left: Duration) -> Answer {
        let request = ApprovePreCheckoutRequest {
            user_id: format!("tg:{}", query.from.id),
            invoice_payload: query.invoice_payload.clone(),
            currency: query.currency.clone(),
            total_amount: query.total_amount,
        };
        let asked = self.payments.approve_pre_checkout(request);
        match timeout(ASK.min(left.saturating_sub(ANSWER)), asked).await {
            Ok(Ok(word)) if word.approved => Answer::Yes,
            Ok(Ok(word)) => Answer::No(word.refusal()),
            // It holds something that no invoice of ours has.
            Ok(Err(error)) if error.reason == "INVALID_FIELD" => {
                Answer::No(PreCheckoutRefusal::Unknown)
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "billing does not say whether a payment may be taken");
                Answer::Unknown
            }
            Err(_elapsed) => {
                tracing::warn!("billing does not say in time whether a payment may be taken");
                Answer::Unknown
            }
        }
    }

    /// Tries until the time is up. The same answer twice does no harm.
    async fn answer(
        &self,
        query: &PreCheckoutQuery,
        answer: &Answer,
        until: Instant,
    ) -> Result<(), ApiError> {
        let mut body = json!({ "pre_checkout_query_id": query.id, "ok": true });
        if let Some(key) = why_not(answer) {
            body["ok"] = json!(false);
            body["error_message"] = json!(text!(self.locale(query).await, key));
        }
        loop {
            let call = self.api.call::<Value>("answerPreCheckoutQuery", &body);
            let answered = timeout(ANSWER, call).await;
            match answered.unwrap_or_else(|_| Err(ApiError::Unavailable("no answer".to_owned()))) {
                Ok(_) => return Ok(()),
                Err(error) => {
                    let pause = match error {
                        ApiError::Refused { retry_after, .. } => retry_after,
                        ApiError::Unavailable(_) | ApiError::Client => Some(ANSWER_AGAIN),
                    };
                    match pause {
                        Some(pause) if Instant::now() + pause < until => sleep(pause).await,
                        Some(_) | None => return Err(error),
                    }
                }
            }
        }
    }

    async fn locale(&self, query: &PreCheckoutQuery) -> Locale {
        let settings = self.store.user_settings(&format!("tg:{}", query.from.id)).await;
        // A question in the wrong language beats one without an answer.
        let chosen = settings.ok().and_then(|settings| settings.locale);
        Locale::of_user(chosen.as_deref(), query.from.language_code.as_deref())
    }
}

/// The key of the words for a no.
fn why_not(answer: &Answer) -> Option<&'static str> {
    Some(match answer {
        Answer::Yes => return None,
        Answer::Unknown => "stars-try-later",
        Answer::No(refusal) => match refusal {
            PreCheckoutRefusal::Unknown | PreCheckoutRefusal::Unspecified => "stars-unknown",
            PreCheckoutRefusal::Price => "stars-price",
            PreCheckoutRefusal::Paid => "stars-paid",
            PreCheckoutRefusal::Closed => "stars-closed",
            PreCheckoutRefusal::Blocked => "stars-blocked",
        },
    })
}
