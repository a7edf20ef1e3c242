//! /promo: what a code gives, or why it gives nothing.

use proto::{
    billing::v1::{Grant, RedeemPromoCodeRequest, Unit},
    client::CallError,
    money::MoneyError,
};

use super::{
    BotError, conversation,
    dialogue::{Question, promo_code},
    history, keyboard,
    money::Amount,
    session::Session,
    text::{Locale, text},
};

/// /promo CODE, or /promo alone, which asks.
pub async fn command(session: &Session, words: &str) -> Result<(), BotError> {
    if words.is_empty() {
        return ask(session).await;
    }
    match promo_code(words) {
        Ok(code) => answer(session, &code).await,
        Err(_) => {
            session.say(text!(session.locale, "wrong-no-promo-code"), None).await?;
            ask(session).await
        }
    }
}

/// Asks for the code, beside the dialogue that is going on.
pub async fn ask(session: &Session) -> Result<(), BotError> {
    session.keep(&session.state().await?.asking(Question::PromoCode)).await?;
    session.say(text!(session.locale, "promo-ask"), None).await?;
    Ok(())
}

/// Redeems a code. A wrong one is asked for again: its next try must not become a prompt.
pub async fn answer(session: &Session, code: &str) -> Result<(), BotError> {
    let locale = session.locale;
    let request =
        RedeemPromoCodeRequest { user_id: session.user_id.clone(), code: code.to_owned() };
    let redeemed = match session.services.promotions.redeem_promo_code(request).await {
        Ok(redeemed) => redeemed,
        Err(error) => return refuse(session, error).await,
    };
    let given = given(&redeemed.grant.unwrap_or_default(), locale)?;
    // Also what an update says that comes again after a crash: both are true.
    let text = if redeemed.replayed {
        text!(locale, "promo-again", given = given)
    } else {
        text!(locale, "promo-done", given = given)
    };
    session.say(text, Some(keyboard::menu(locale))).await?;
    Ok(())
}

async fn refuse(session: &Session, error: CallError) -> Result<(), BotError> {
    let locale = session.locale;
    let text = match error.reason.as_str() {
        "PROMO_CODE_NOT_FOUND" | "INVALID_FIELD" => {
            session.keep(&session.state().await?.asking(Question::PromoCode)).await?;
            session.say(text!(locale, "promo-unknown"), None).await?;
            return Ok(());
        }
        "PROMO_CODE_EXPIRED" => text!(locale, "promo-expired"),
        "PROMO_CODE_USED_UP" => text!(locale, "promo-used-up"),
        "LIMIT_EXCEEDED" if !error.is_retryable() => text!(locale, "promo-too-many"),
        "USER_BLOCKED" => text!(locale, "standing-blocked"),
        _ => conversation::later(session, error.into())?.0,
    };
    session.say(text, Some(keyboard::to_menu(locale))).await?;
    Ok(())
}

/// What was given, and until when.
fn given(grant: &Grant, locale: Locale) -> Result<String, MoneyError> {
    let what = match grant.unit() {
        Unit::Operation => text!(locale, "given-operations", count = grant.operations_given),
        Unit::Money | Unit::Unspecified => {
            let amount = Amount::of(grant.amount_given.as_ref())?.there(locale);
            text!(locale, "given-money", amount = amount)
        }
    };
    Ok(match grant.expire_time {
        None => what,
        Some(until) => {
            text!(locale, "given-until", what = what, time = history::time(Some(until), locale))
        }
    })
}
