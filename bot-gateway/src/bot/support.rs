//! /terms and /paysupport, which Telegram asks of bots that take Stars.

use super::{
    BotError, conversation, keyboard,
    session::Session,
    text::text,
    topup::{check, keyboards},
};

/// /terms: what the user agrees to.
pub async fn terms(session: &Session) -> Result<(), BotError> {
    let locale = session.locale;
    let mut text = text!(locale, "terms");
    if let Some(url) = &session.services.settings.terms_url {
        text = format!("{text}\n\n{}", text!(locale, "terms-link", url = url.as_str()));
    }
    session.say(text, Some(keyboard::to_menu(locale))).await?;
    Ok(())
}

/// /paysupport: what to do about a payment, and the payments that it may be about.
pub async fn payments(session: &Session) -> Result<(), BotError> {
    let locale = session.locale;
    let contact = match &session.services.settings.support_contact {
        Some(contact) => text!(locale, "paysupport-contact", contact = contact.as_str()),
        None => text!(locale, "paysupport-no-contact"),
    };
    let help = format!("{}\n\n{contact}", text!(locale, "paysupport"));
    let payments = match check::unsettled(session).await {
        Ok(payments) => payments,
        Err(error) => {
            // The contact is worth saying all the same.
            let (later, _) = conversation::later(session, error.into())?;
            let keyboard = keyboard::to_menu(locale);
            session.say(format!("{help}\n\n{later}"), Some(keyboard)).await?;
            return Ok(());
        }
    };
    let text = if payments.is_empty() {
        help
    } else {
        format!("{help}\n\n{}", check::listed(&text!(locale, "where-title"), &payments, locale)?)
    };
    let buttons = check::buttons(&payments, locale)?;
    session.say(text, Some(keyboards::checks(&buttons, locale))).await?;
    Ok(())
}
