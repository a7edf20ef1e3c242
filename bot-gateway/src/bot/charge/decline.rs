//! A charge that was not made: says why, and keeps the draft where the user can do something about it.

use proto::client::CallError;
use teloxide::types::InlineKeyboardMarkup;

use super::note;
use crate::{
    bot::{
        BotError,
        dialogue::{Draft, State},
        funding, keyboard,
        money::Amount,
        session::Session,
        text::text,
    },
    store::Request,
};

/// What is said and where the dialogue goes on.
struct Answer {
    text: String,
    keyboard: InlineKeyboardMarkup,
    state: State,
}

/// Answers a refused charge. One that billing-svc may yet answer is tried again with the update.
pub(super) async fn answer(
    session: &Session,
    request: &Request,
    draft: Draft,
    spot: Option<i32>,
    error: CallError,
) -> Result<(), BotError> {
    if error.is_retryable() {
        if request.message_id.is_none() {
            note(session, request, spot, text!(session.locale, "billing-waiting")).await?;
        }
        return Err(error.into());
    }
    let answer = answer_to(session, draft, &error);
    session.say_at(request.message_id.or(spot), answer.text, Some(answer.keyboard)).await?;
    session.services.store.abandon(&request.request_id).await?;
    session.keep(&answer.state).await
}

fn answer_to(session: &Session, draft: Draft, error: &CallError) -> Answer {
    let locale = session.locale;
    let amount = |name: &str| {
        let currency = error.metadata.get("currency")?;
        Amount::of_decimal(error.metadata.get(name)?, currency)
    };
    let over =
        |text: String| Answer { text, keyboard: keyboard::to_menu(locale), state: State::Idle };
    match error.reason.as_str() {
        "INSUFFICIENT_FUNDS" => {
            match (amount("required"), amount("available"), amount("missing")) {
                (Some(required), Some(available), Some(missing)) => {
                    let text = funding::missing(&required, &available, &missing, locale);
                    let price = draft.max_price.clone().unwrap_or(required);
                    let keyboard = keyboard::short_of_funds(draft.id, &price, locale);
                    let state = State::Confirming(Draft { max_price: Some(price), ..draft });
                    Answer { text, keyboard, state }
                }
                _ => defect(error, over(text!(locale, "refuse-defect"))),
            }
        }
        "PRICE_CHANGED" => match amount("price") {
            Some(price) => Answer {
                text: text!(locale, "price-changed", price = price.asked(locale)),
                keyboard: keyboard::confirm(draft.id, &price, locale),
                state: State::Confirming(Draft { max_price: Some(price), ..draft }),
            },
            None => defect(error, over(text!(locale, "refuse-defect"))),
        },
        "USER_BLOCKED" => over(text!(locale, "refuse-blocked")),
        "IN_DEBT" => {
            Answer { keyboard: keyboard::balance(locale), ..over(text!(locale, "refuse-debt")) }
        }
        "LIMIT_EXCEEDED" => over(text!(locale, "refuse-limit")),
        "UNKNOWN_KIND" => over(text!(locale, "refuse-kind")),
        _ => defect(error, over(text!(locale, "refuse-defect"))),
    }
}

fn defect(error: &CallError, answer: Answer) -> Answer {
    tracing::error!(code = %error.code, reason = error.reason, "a charge was refused in a way that should not occur");
    answer
}
