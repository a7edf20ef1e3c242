//! Makes a payment and shows how to pay it: a link, or an invoice in Stars.

use std::time::{Duration, SystemTime};

use proto::{
    billing::v1::{CreatePaymentRequest, Invoice, ListPaymentsRequest, Payment, PaymentState},
    client::CallError,
};
use teloxide::{
    prelude::Requester,
    types::{ChatId, LabeledPrice},
};
use url::Url;

use super::{
    check, keyboards,
    offers::{Provider, price_words},
};
use crate::{
    bot::{
        BotError, conversation,
        money::Amount,
        session::{Session, Told},
        text::text,
    },
    telegram::send::{self, SendError},
};

/// A payment that waits, of the same user, amount and way, and no older than this, is what a second press means.
const DOUBLE_PRESS: Duration = Duration::from_secs(60);
/// How many of a user's open payments are looked at for that.
const RECENT: i32 = 20;

/// Makes the payment of this update, or finds it made, and shows how to pay it; in place of `spot` where there is one.
pub async fn pay(
    session: &Session,
    provider: Provider,
    amount: Amount,
    spot: Option<i32>,
) -> Result<(), BotError> {
    match create(session, provider, &amount).await {
        Ok(payment) => show(session, &payment, provider, spot).await,
        Err(error) => refuse(session, provider, &amount, spot, error).await,
    }
}

async fn create(
    session: &Session,
    provider: Provider,
    amount: &Amount,
) -> Result<Payment, CallError> {
    let request = CreatePaymentRequest {
        request_id: request_id(session, provider, amount).await?,
        user_id: session.user_id.clone(),
        provider: provider.to_proto().into(),
        amount: Some(amount.to_money()),
        // Both as the deployment has them configured.
        return_url: String::new(),
        receipt_email: String::new(),
    };
    Ok(session.services.payments.create_payment(request).await?.payment.unwrap_or_default())
}

/// This update's own, or that of the press which this one repeats.
async fn request_id(
    session: &Session,
    provider: Provider,
    amount: &Amount,
) -> Result<String, CallError> {
    let request = ListPaymentsRequest {
        user_id: session.user_id.clone(),
        page_size: RECENT,
        page_token: String::new(),
        states: vec![PaymentState::Created.into(), PaymentState::Pending.into()],
    };
    let open = session.services.payments.list_payments(request).await?.payments;
    let mine = session.origin.request_id();
    if open.iter().any(|payment| payment.request_id == mine) {
        return Ok(mine);
    }
    let now = SystemTime::now();
    let of_this_bot = format!("tg-{}-", session.services.bot_id);
    let first = open.into_iter().find(|payment| {
        payment.request_id.starts_with(&of_this_bot)
            && payment.provider() == provider.to_proto()
            && payment.amount.as_ref() == Some(&amount.to_money())
            && payment.create_time.is_some_and(|made| is_recent(made, now))
    });
    Ok(first.map_or(mine, |payment| payment.request_id))
}

fn is_recent(made: prost_types::Timestamp, now: SystemTime) -> bool {
    // Made after our own "now" is the other machine's clock: recent.
    SystemTime::try_from(made)
        .is_ok_and(|made| now.duration_since(made).unwrap_or_default() < DOUBLE_PRESS)
}

/// Shows a payment in its own message, where it has one.
async fn show(
    session: &Session,
    payment: &Payment,
    provider: Provider,
    spot: Option<i32>,
) -> Result<(), BotError> {
    let messages = session.services.store.payment_messages();
    let known = messages.find(&payment.payment_id).await?;
    let known = known.filter(|known| known.chat_id == session.chat_id);
    let spot = spot.or(known.map(|known| known.message_id));
    let waits = matches!(payment.state(), PaymentState::Created | PaymentState::Pending);
    let told = match (&payment.invoice, payment.confirmation_url.as_str()) {
        (Some(invoice), _) if waits => {
            // Shown by an earlier try or press: the invoice is in the chat.
            if known.is_none() && !send_invoice(session, payment, invoice).await? {
                return Ok(());
            }
            say_invoiced(session, payment, spot).await?
        }
        (None, link) if waits && !link.is_empty() => {
            say_link(session, payment, provider, link, spot).await?
        }
        _ => {
            let words = check::words(payment, session.locale)?;
            let keyboard = keyboards::payment(&payment.payment_id, None, session.locale);
            session.say_at(spot, words, Some(keyboard)).await?
        }
    };
    if let Told::Message(message_id) = told {
        messages.remember(&payment.payment_id, session.chat_id, message_id).await?;
    }
    Ok(())
}

async fn say_link(
    session: &Session,
    payment: &Payment,
    provider: Provider,
    link: &str,
    spot: Option<i32>,
) -> Result<Told, BotError> {
    let locale = session.locale;
    let amount = Amount::of(payment.amount.as_ref())?.asked(locale);
    let price = price_words(payment.price.as_ref(), locale)?;
    let text = text!(locale, "payment-link", amount = amount, method = provider.title(locale));
    let id = &payment.payment_id;
    if let Ok(url) = Url::parse(link) {
        let label = text!(locale, "payment-pay", price = price);
        let keyboard = keyboards::payment(id, Some((label, url)), locale);
        match session.say_at(spot, text.clone(), Some(keyboard)).await {
            // Telegram takes no button to some addresses, e.g. of the machine itself: such a link is written out.
            Err(error) if !error.retryable => {
                tracing::warn!(%error, "a link to pay is written out");
            }
            told => return told,
        }
    }
    let keyboard = keyboards::payment(id, None, locale);
    session.say_at(spot, format!("{text}\n\n{link}"), Some(keyboard)).await
}

/// Sends the invoice; `false`: nobody could be told.
async fn send_invoice(
    session: &Session,
    payment: &Payment,
    invoice: &Invoice,
) -> Result<bool, BotError> {
    let locale = session.locale;
    let amount = Amount::of(payment.amount.as_ref())?.asked(locale);
    let stars = u32::try_from(invoice.stars)
        .map_err(|_| BotError::defect("billing-svc answered a price in Stars that is none"))?;
    let title = text!(locale, "invoice-title");
    let request = session.services.bot.send_invoice(
        ChatId(session.chat_id),
        title.clone(),
        text!(locale, "invoice-description", amount = amount),
        invoice.payload.clone(),
        invoice.currency.clone(),
        [LabeledPrice::new(title, stars)],
    );
    match send::send(request).await {
        Ok(_) => Ok(true),
        Err(SendError::Blocked) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn say_invoiced(
    session: &Session,
    payment: &Payment,
    spot: Option<i32>,
) -> Result<Told, BotError> {
    let locale = session.locale;
    let amount = Amount::of(payment.amount.as_ref())?.asked(locale);
    let price = price_words(payment.price.as_ref(), locale)?;
    let text = text!(locale, "payment-invoiced", amount = amount, price = price);
    let keyboard = keyboards::payment(&payment.payment_id, None, locale);
    session.say_at(spot, text, Some(keyboard)).await
}

/// Why there is no payment, and what would help.
async fn refuse(
    session: &Session,
    provider: Provider,
    amount: &Amount,
    spot: Option<i32>,
    error: CallError,
) -> Result<(), BotError> {
    let locale = session.locale;
    let (text, keyboard) = match error.reason.as_str() {
        "USER_BLOCKED" => (text!(locale, "standing-blocked"), keyboards::ended(None, locale)),
        "PROVIDER_NOT_CONFIGURED" => (text!(locale, "payment-no-method"), keyboards::back(locale)),
        "PROVIDER_UNAVAILABLE" => {
            (text!(locale, "payment-provider-down"), keyboards::again(provider, amount, locale))
        }
        "LIMIT_EXCEEDED" if !error.is_retryable() => {
            (text!(locale, "payment-too-many"), keyboards::back(locale))
        }
        "INVALID_FIELD" => {
            let text = text!(locale, "topup-not-sold", amount = amount.asked(locale));
            (text, keyboards::back(locale))
        }
        _ if error.is_retryable() => {
            let (text, _) = conversation::later(session, error.into())?;
            (text, keyboards::again(provider, amount, locale))
        }
        reason => {
            tracing::error!(code = %error.code, reason, "a payment was refused in a way that should not occur");
            (text!(locale, "payment-defect"), keyboards::back(locale))
        }
    };
    session.say_at(spot, text, Some(keyboard)).await?;
    Ok(())
}
