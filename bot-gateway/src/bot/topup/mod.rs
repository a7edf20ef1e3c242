//! Top-ups: what is there and owed, an amount, a way to pay, the link or the invoice, and asking where the money is.
//!
//! ```text
//! menu ─► a pack | an own amount ─► the way to pay, where there are several ─► CreatePayment ─► link | invoice
//! ```
//!
//! The payment's `request_id` is that of the update which chose amount and way, so that the update, coming again, makes
//! no second payment; a button that was pressed twice finds the payment of the first press and shows it. Money that comes
//! is told by an event of billing-svc, not here; [`check`] asks for it before that.

pub mod check;
mod create;
pub mod keyboards;
mod offers;
mod press;

use proto::billing::v1::{ListPaymentMethodsRequest, Standing};
use teloxide::types::InlineKeyboardMarkup;

pub use create::pay;
pub use offers::{Offers, Provider, price_words};
pub use press::{TopUp, handle as press};

use super::{
    BotError, account, conversation, dialogue::Question, keyboard, money::Amount, session::Session,
    text::text,
};

/// The balance and what can be done about it; in place of `spot` where there is one.
pub async fn menu(session: &Session, spot: Option<i32>) -> Result<(), BotError> {
    let (text, keyboard) = match menu_parts(session).await {
        Ok((text, keyboard)) => (text, Some(keyboard)),
        Err(error) => conversation::later(session, error)?,
    };
    session.say_at(spot, text, keyboard).await?;
    Ok(())
}

async fn menu_parts(session: &Session) -> Result<(String, InlineKeyboardMarkup), BotError> {
    let locale = session.locale;
    let (user, offers) = tokio::try_join!(account::user_info(session), ask(session))?;
    let balance = account::balance_words(&user, locale)?;
    if user.standing() == Standing::Blocked {
        return Ok((balance, keyboard::to_menu(locale)));
    }
    let question =
        if offers.is_empty() { text!(locale, "topup-none") } else { text!(locale, "topup-title") };
    Ok((format!("{balance}\n\n{question}"), keyboards::menu(&offers, locale)))
}

/// The ways to pay of this deployment.
pub async fn ask(session: &Session) -> Result<Offers, BotError> {
    let payments = &session.services.payments;
    let answer = payments.list_payment_methods(ListPaymentMethodsRequest {}).await?;
    Ok(Offers::of(&answer.methods)?)
}

/// «Назад»: the amounts again, and nothing is asked any more.
pub async fn leave(session: &Session, spot: Option<i32>) -> Result<(), BotError> {
    session.keep(&session.state().await?.before_question()).await?;
    menu(session, spot).await
}

/// Asks how much, beside the dialogue that is going on.
pub async fn ask_amount(session: &Session, spot: Option<i32>) -> Result<(), BotError> {
    let locale = session.locale;
    let limits = match ask(session).await {
        Ok(offers) => offers.limits(),
        Err(error) => {
            let (text, keyboard) = conversation::later(session, error)?;
            session.say(text, keyboard).await?;
            return Ok(());
        }
    };
    let Some((least, most)) = limits else {
        session
            .say_at(spot, text!(locale, "topup-packs-only"), Some(keyboards::back(locale)))
            .await?;
        return Ok(());
    };
    let words = amount_question(session, &least, &most);
    let state = session.state().await?.asking(Question::Amount { least, most });
    session.keep(&state).await?;
    session.say_at(spot, words, Some(keyboards::back(locale))).await?;
    Ok(())
}

/// The limits of an amount, and how to write it.
pub fn amount_question(session: &Session, least: &Amount, most: &Amount) -> String {
    let locale = session.locale;
    text!(locale, "topup-ask-amount", least = least.asked(locale), most = most.there(locale))
}

/// An amount was chosen: asks for the way to pay where there are several.
pub async fn choose(session: &Session, amount: Amount, spot: Option<i32>) -> Result<(), BotError> {
    let locale = session.locale;
    let selling = match ask(session).await {
        Ok(offers) => offers.selling(&amount),
        Err(error) => {
            let (text, keyboard) = conversation::later(session, error)?;
            session.say(text, keyboard).await?;
            return Ok(());
        }
    };
    match selling.as_slice() {
        [] => {
            let text = text!(locale, "topup-not-sold", amount = amount.asked(locale));
            session.say_at(spot, text, Some(keyboards::back(locale))).await?;
        }
        [(provider, _)] => return pay(session, *provider, amount, spot).await,
        several => {
            let question = text!(locale, "topup-method", amount = amount.asked(locale));
            let keyboard = keyboards::methods(&amount, several, locale);
            session.say_at(spot, question, Some(keyboard)).await?;
        }
    }
    Ok(())
}
