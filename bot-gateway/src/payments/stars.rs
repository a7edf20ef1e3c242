//! Messages of Telegram that an invoice in Stars was paid, or its Stars were given back.
//!
//! They are read from the update as it came, not through the conversation's types, and handed on under a key of their own:
//! money waits for billing-svc for days, and the chat does not wait with it. What is said here is not believed by
//! billing-svc, which looks into Telegram's own list; so a message that gets lost all the same is found there.

use std::time::{Duration, SystemTime};

use proto::{
    billing::v1::{
        ConfirmTelegramPaymentRequest, PaymentProvider, SubmitProviderNotificationRequest,
    },
    client::CallError,
};
use serde::Deserialize;
use serde_json::Value;
use service_kit::queue::Leased;

use crate::{Services, lane::Verdict, metrics};

/// How long it is tried before people have to look: longer than any outage.
const GIVE_UP: Duration = Duration::from_secs(7 * 24 * 3600);
/// What billing-svc refuses may be a matter of its configuration, which takes a person.
const REFUSED_PAUSE: Duration = Duration::from_secs(300);
/// For metrics.
const PAID: &str = "paid";
const REFUNDED: &str = "refunded";

/// What Telegram says about Stars.
#[derive(Debug, PartialEq)]
pub enum Told {
    /// An invoice was paid.
    Paid(ConfirmTelegramPaymentRequest),
    /// Stars were given back: `refunded_payment`, as it came.
    Refunded(Value),
    /// One of these, but not as documented.
    Unreadable,
}

#[derive(Deserialize)]
struct SuccessfulPayment {
    currency: String,
    total_amount: i64,
    invoice_payload: String,
    telegram_payment_charge_id: String,
}

/// What an update says about Stars; `None`: it is about something else.
pub fn of_update(update: &Value) -> Option<Told> {
    let message = update.get("message")?;
    if let Some(refunded) = message.get("refunded_payment") {
        return Some(Told::Refunded(refunded.clone()));
    }
    let paid = message.get("successful_payment")?;
    // Who paid; in a private chat that is the chat as well.
    let user = message.pointer("/from/id").or_else(|| message.pointer("/chat/id"));
    let user = user.and_then(Value::as_i64);
    Some(match (user, serde_json::from_value::<SuccessfulPayment>(paid.clone())) {
        (Some(user), Ok(paid)) => Told::Paid(ConfirmTelegramPaymentRequest {
            user_id: format!("tg:{user}"),
            telegram_payment_charge_id: paid.telegram_payment_charge_id,
            invoice_payload: paid.invoice_payload,
            currency: paid.currency,
            total_amount: paid.total_amount,
        }),
        (None, _) | (_, Err(_)) => Told::Unreadable,
    })
}

/// Hands it on. An event of billing-svc tells the user.
pub async fn settle(told: Told, item: &Leased, services: &Services) -> Verdict {
    let (kind, handed_on) = match told {
        Told::Paid(paid) => {
            let confirmed = services.payments.confirm_telegram_payment(paid).await;
            (PAID, confirmed.map(|_| ()))
        }
        Told::Refunded(refunded) => {
            let notification = SubmitProviderNotificationRequest {
                provider: PaymentProvider::TelegramStars.into(),
                body: refunded.to_string().into(),
                ..SubmitProviderNotificationRequest::default()
            };
            let kept = services.payments.submit_provider_notification(notification).await;
            (REFUNDED, kept.map(|_| ()))
        }
        Told::Unreadable => {
            metrics::stars_update(PAID, "unreadable");
            return Verdict::Dead("a payment in Stars that can't be read".to_owned());
        }
    };
    match handed_on {
        Ok(()) => {
            metrics::stars_update(kind, "handed_on");
            Verdict::Done
        }
        Err(error) => later(kind, &error, item),
    }
}

fn later(kind: &'static str, error: &CallError, item: &Leased) -> Verdict {
    let age = SystemTime::now().duration_since(item.create_time).unwrap_or_default();
    if age > GIVE_UP {
        metrics::stars_update(kind, "given_up");
        return Verdict::Dead(error.to_string());
    }
    if error.is_retryable() {
        metrics::stars_update(kind, "later");
        let pause = error.retry_after.unwrap_or_default();
        return Verdict::Retry { why: error.to_string(), pause };
    }
    // Word of Stars given back only hurries billing-svc, which reads Telegram's list all the time. Word of money paid is
    // kept until somebody has looked.
    if kind == REFUNDED {
        metrics::stars_update(kind, "refused");
        tracing::warn!(item = item.id, %error, "billing does not take word of a refund in Stars");
        return Verdict::Done;
    }
    metrics::stars_update(kind, "later");
    tracing::error!(item = item.id, %error, "billing refuses a payment in Stars");
    Verdict::Retry { why: error.to_string(), pause: REFUSED_PAUSE }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_payment_is_read_whatever_else_is_in_the_message() {
        let update = json!({"update_id": 1, "message": {
            "message_id": 3, "from": {"id": 7, "telepathy": {}}, "chat": {"id": 7},
            "successful_payment": {
                "currency": "XTR", "total_amount": 225, "invoice_payload": "p", "new_field": [],
                "telegram_payment_charge_id": "c", "provider_payment_charge_id": ""
            },
        }});
        assert_eq!(
            of_update(&update),
            Some(Told::Paid(ConfirmTelegramPaymentRequest {
                user_id: "tg:7".to_owned(),
                telegram_payment_charge_id: "c".to_owned(),
                invoice_payload: "p".to_owned(),
                currency: "XTR".to_owned(),
                total_amount: 225,
            }))
        );
    }

    #[test]
    fn what_is_said_about_money_is_never_taken_for_talk() {
        let message = |fields: Value| json!({"update_id": 1, "message": fields});
        let odd = message(json!({"from": {"id": 7}, "successful_payment": {"currency": "XTR"}}));
        assert_eq!(of_update(&odd), Some(Told::Unreadable));
        let back = json!({"telegram_payment_charge_id": "c"});
        let refunded = message(json!({"chat": {"id": 7}, "refunded_payment": back}));
        assert_eq!(of_update(&refunded), Some(Told::Refunded(back)));
        assert_eq!(of_update(&message(json!({"text": "successful_payment"}))), None);
        assert_eq!(of_update(&json!({"update_id": 1, "callback_query": {}})), None);
    }
}
