//! «Проверить оплату» and «Я оплатил, но денег нет»: asks the provider now, and says in words where a payment stands.

use std::time::Duration;

use proto::{
    billing::v1::{
        GetPaymentRequest, ListPaymentsRequest, ParkReason, Payment, PaymentState,
        RefreshPaymentRequest,
    },
    client::CallError,
    money::MoneyError,
};

use super::{
    keyboards,
    offers::{Provider, price_words},
};
use crate::bot::{
    BotError, charge, conversation, history,
    money::Amount,
    presses::Pressed,
    session::Session,
    text::{Locale, text},
};

/// The newest payments that a user may ask about.
const UNSETTLED: i32 = 5;
/// Waiting for less than this is said in seconds.
const SECONDS_UP_TO: u64 = 90;

/// Asks the provider about a payment, and tells.
pub async fn check(session: &Session, pressed: &Pressed, payment_id: &str) -> Result<(), BotError> {
    match refreshed(session, payment_id).await {
        Ok(payment) => tell(session, pressed, &payment).await,
        Err(error) => {
            let words = refusal(session.locale, error)?;
            pressed.toast_or_say(session, words).await
        }
    }
}

/// «Я оплатил, но денег нет»: asks at once where there is one payment that it can be about, else lets choose.
pub async fn where_paid(session: &Session, pressed: &Pressed) -> Result<(), BotError> {
    let payments = match unsettled(session).await {
        Ok(payments) => payments,
        Err(error) => {
            pressed.answer(session).await;
            let (text, keyboard) = conversation::later(session, error.into())?;
            session.say(text, keyboard).await?;
            return Ok(());
        }
    };
    if let [payment] = payments.as_slice() {
        return check(session, pressed, &payment.payment_id).await;
    }
    pressed.answer(session).await;
    let locale = session.locale;
    let text = if payments.is_empty() {
        text!(locale, "where-nothing")
    } else {
        listed(&text!(locale, "where-title"), &payments, locale)?
    };
    session.say(text, Some(keyboards::checks(&buttons(&payments, locale)?, locale))).await?;
    Ok(())
}

/// A user's newest payments that were not credited, newest first.
pub async fn unsettled(session: &Session) -> Result<Vec<Payment>, CallError> {
    let states = [
        PaymentState::Created,
        PaymentState::Pending,
        PaymentState::Paid,
        // Money that comes after all is credited all the same.
        PaymentState::Canceled,
        PaymentState::Expired,
    ];
    let request = ListPaymentsRequest {
        user_id: session.user_id.clone(),
        page_size: UNSETTLED,
        page_token: String::new(),
        states: states.map(i32::from).to_vec(),
    };
    Ok(session.services.payments.list_payments(request).await?.payments)
}

/// A title and a line for each payment.
pub fn listed(title: &str, payments: &[Payment], locale: Locale) -> Result<String, MoneyError> {
    let mut lines = vec![title.to_owned()];
    for payment in payments {
        lines.push(history::payment_row(payment, locale)?);
    }
    Ok(lines.join("\n"))
}

/// For [`keyboards::checks`].
pub fn buttons(payments: &[Payment], locale: Locale) -> Result<Vec<(String, String)>, MoneyError> {
    let button = |payment: &Payment| {
        let amount = Amount::of(payment.amount.as_ref())?.asked(locale);
        let time = history::time(payment.create_time, locale);
        let label = text!(locale, "payment-check-one", amount = amount, time = time);
        Ok((payment.payment_id.clone(), label))
    };
    payments.iter().map(button).collect()
}

/// Where a payment stands, in a sentence or two.
pub fn words(payment: &Payment, locale: Locale) -> Result<String, MoneyError> {
    let amount = Amount::of(payment.amount.as_ref())?.asked(locale);
    Ok(match payment.state() {
        PaymentState::Created | PaymentState::Pending => {
            text!(locale, "payment-waiting", amount = amount)
        }
        PaymentState::Paid => match payment.park_reason() {
            ParkReason::Unspecified => text!(locale, "payment-paid", amount = amount),
            ParkReason::AmountMismatch | ParkReason::CurrencyMismatch => {
                let received = price_words(payment.received.as_ref(), locale)?;
                text!(locale, "payment-parked-mismatch", received = received, amount = amount)
            }
            ParkReason::BalanceLimit => text!(locale, "payment-parked-limit", amount = amount),
        },
        PaymentState::Credited => {
            let credited = Amount::of(payment.credited.as_ref())?.there(locale);
            text!(locale, "payment-credited", amount = credited)
        }
        PaymentState::Canceled => text!(locale, "payment-canceled", amount = amount),
        PaymentState::Expired => text!(locale, "payment-expired", amount = amount),
        PaymentState::Refunded => {
            let refunded = Amount::of(payment.refunded.as_ref())?.there(locale);
            text!(locale, "payment-refunded", refunded = refunded, amount = amount)
        }
        PaymentState::Disputed => text!(locale, "payment-disputed", amount = amount),
        PaymentState::Unspecified => text!(locale, "payment-unknown", amount = amount),
    })
}

/// The payment, if it is this user's, as the provider has it now.
async fn refreshed(session: &Session, payment_id: &str) -> Result<Payment, CallError> {
    let payments = &session.services.payments;
    let known = payments.get_payment(GetPaymentRequest { payment_id: payment_id.to_owned() });
    let known = known.await?.payment.unwrap_or_default();
    if known.user_id != session.user_id {
        return Ok(Payment::default());
    }
    match known.state() {
        PaymentState::Credited | PaymentState::Refunded | PaymentState::Disputed => Ok(known),
        PaymentState::Created
        | PaymentState::Pending
        | PaymentState::Paid
        | PaymentState::Canceled
        | PaymentState::Expired
        | PaymentState::Unspecified => {
            let request = RefreshPaymentRequest { payment_id: payment_id.to_owned() };
            Ok(payments.refresh_payment(request).await?.payment.unwrap_or_default())
        }
    }
}

async fn tell(session: &Session, pressed: &Pressed, payment: &Payment) -> Result<(), BotError> {
    let locale = session.locale;
    if payment.payment_id.is_empty() {
        return pressed.toast_or_say(session, text!(locale, "payment-not-found")).await;
    }
    let words = words(payment, locale)?;
    if matches!(payment.state(), PaymentState::Created | PaymentState::Pending) {
        return pressed.toast_or_say(session, words).await;
    }
    pressed.answer(session).await;
    // In the payment's own message; a list of several stays as it is.
    let own = session.services.store.payment_messages().find(&payment.payment_id).await?;
    let spot = own.map(|own| own.message_id).filter(|own| Some(*own) == pressed.message_id);
    let retry = match payment.state() {
        PaymentState::Credited => {
            charge::retry_button(&session.services, session.chat_id, locale).await?
        }
        PaymentState::Created
        | PaymentState::Pending
        | PaymentState::Paid
        | PaymentState::Canceled
        | PaymentState::Expired
        | PaymentState::Refunded
        | PaymentState::Disputed
        | PaymentState::Unspecified => None,
    };
    session.say_at(spot, words, Some(keyboards::ended(retry, locale))).await?;
    Ok(())
}

fn refusal(locale: Locale, error: CallError) -> Result<String, BotError> {
    Ok(match error.reason.as_str() {
        "LIMIT_EXCEEDED" if !error.is_retryable() => {
            let wait = in_words(error.retry_after.unwrap_or(Duration::from_secs(60)), locale);
            text!(locale, "payment-check-limit", wait = wait)
        }
        "PROVIDER_UNAVAILABLE" => text!(locale, "payment-check-down"),
        "PAYMENT_NOT_FOUND" | "INVALID_FIELD" => text!(locale, "payment-not-found"),
        "PROVIDER_NOT_CONFIGURED" => text!(locale, "payment-check-off"),
        _ if error.is_retryable() => text!(locale, "try-later"),
        _ => return Err(error.into()),
    })
}

/// A wait, rounded up.
fn in_words(wait: Duration, locale: Locale) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    if seconds < SECONDS_UP_TO {
        text!(locale, "wait-seconds", count = seconds.max(1))
    } else {
        text!(locale, "wait-minutes", count = seconds.div_ceil(60))
    }
}

/// The way a payment was made, as users know it.
pub fn method(payment: &Payment, locale: Locale) -> String {
    Provider::of(payment.provider()).map(|provider| provider.title(locale)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proto::money::from_micros;

    use super::*;

    const RUBLE: i64 = 1_000_000;

    fn payment(state: PaymentState) -> Payment {
        let mut payment = Payment {
            amount: Some(from_micros(300 * RUBLE, "RUB")),
            credited: Some(from_micros(300 * RUBLE, "RUB")),
            refunded: Some(from_micros(100 * RUBLE, "RUB")),
            received: Some(from_micros(299 * RUBLE, "RUB")),
            ..Payment::default()
        };
        payment.set_state(state);
        payment
    }

    #[test]
    fn each_state_has_words_of_its_own_that_name_the_amount() {
        let states = [
            PaymentState::Pending,
            PaymentState::Paid,
            PaymentState::Credited,
            PaymentState::Canceled,
            PaymentState::Expired,
            PaymentState::Refunded,
            PaymentState::Disputed,
            PaymentState::Unspecified,
        ];
        for (locale, amount) in [(Locale::Ru, "300,00\u{a0}₽"), (Locale::En, "300.00\u{a0}₽")] {
            let mut said = std::collections::BTreeSet::new();
            for state in states {
                let words = words(&payment(state), locale).unwrap();
                assert!(words.contains(amount), "{words}");
                assert!(said.insert(words));
            }
        }
        let partly = words(&payment(PaymentState::Refunded), Locale::Ru).unwrap();
        assert!(partly.contains("100,00\u{a0}₽"), "{partly}");
    }

    #[test]
    fn a_parked_payment_says_why() {
        let mut paid = payment(PaymentState::Paid);
        paid.set_park_reason(ParkReason::AmountMismatch);
        let words_of = |paid: &Payment| words(paid, Locale::Ru).unwrap();
        assert!(words_of(&paid).contains("299,00\u{a0}₽"), "{}", words_of(&paid));
        paid.set_park_reason(ParkReason::BalanceLimit);
        assert!(words_of(&paid).contains("предел"), "{}", words_of(&paid));
    }

    #[test]
    fn what_is_said_over_the_chat_fits_there() {
        // Telegram shows 200 characters.
        for locale in Locale::ALL {
            let waiting = words(&payment(PaymentState::Pending), locale).unwrap();
            for key in ["payment-check-down", "payment-not-found", "payment-check-off", "try-later"]
            {
                assert!(crate::bot::text::say(locale, key, &[]).chars().count() <= 200, "{key}");
            }
            let limit = text!(locale, "payment-check-limit", wait = "600 секунд");
            assert!(waiting.chars().count() <= 200 && limit.chars().count() <= 200);
        }
    }

    #[test]
    fn a_wait_is_said_in_the_right_plural() {
        for (seconds, words) in [
            (0, "1 секунду"),
            (1, "1 секунду"),
            (22, "22 секунды"),
            (60, "60 секунд"),
            (91, "2 минуты"),
            (300, "5 минут"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds), Locale::Ru), words);
        }
        assert_eq!(in_words(Duration::from_millis(1_500), Locale::En), "2 seconds");
    }
}
