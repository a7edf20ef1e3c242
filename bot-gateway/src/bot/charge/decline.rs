//! A charge that was not made: says why, and keeps the draft where the user can do something about it.

use proto::client::{CallError, Limit, Refusal};
use teloxide::types::{InlineKeyboardButton, InlineKeyboardMarkup};

use super::note;
use crate::{
    Services,
    bot::{
        BotError,
        dialogue::{Draft, State},
        funding::{self, Lack},
        keyboard,
        money::Amount,
        press::Press,
        session::Session,
        text::{Locale, say, text},
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
    let answer = answer_to(session, draft, &error).await?;
    session.say_at(request.message_id.or(spot), answer.text, Some(answer.keyboard)).await?;
    session.services.store.abandon(&request.request_id).await?;
    session.keep(&answer.state).await
}

/// The button that runs again, with one tap, the complete request of a chat that lacked money; `None`: there is none. For
/// messages that say that money came.
pub async fn retry_button(
    services: &Services,
    chat_id: i64,
    locale: Locale,
) -> Result<Option<InlineKeyboardButton>, BotError> {
    let Some(stored) = services.store.dialogue(chat_id).await? else { return Ok(None) };
    // What can't be read is over, as for the dialogue itself.
    let state: State = serde_json::from_value(stored).unwrap_or_default();
    Ok(state.short().and_then(|draft| {
        let price = draft.max_price.clone()?;
        let kind = say(locale, draft.kind.title_key(), &[]);
        let label = text!(locale, "retry-kept", kind = kind);
        Some(keyboard::button(label, &Press::Retry { id: draft.id, price }))
    }))
}

async fn answer_to(session: &Session, draft: Draft, error: &CallError) -> Result<Answer, BotError> {
    let locale = session.locale;
    let over =
        |text: String| Answer { text, keyboard: keyboard::to_menu(locale), state: State::Idle };
    let defect = || {
        tracing::error!(code = %error.code, reason = error.reason, "a charge was refused in a way that should not occur");
        over(text!(locale, "refuse-defect"))
    };
    Ok(match error.refusal() {
        Some(Refusal::InsufficientFunds { required, available, missing, currency, .. }) => {
            let [required, available, missing] =
                [required, available, missing].map(|amount| Amount::exact(amount, &currency));
            let (Some(required), Some(available), Some(missing)) = (required, available, missing)
            else {
                return Ok(defect());
            };
            let text = funding::missing(&required, &available, &missing, locale);
            let price = draft.max_price.clone().unwrap_or(required);
            waiting_for(session, draft, price, &missing, text).await
        }
        Some(Refusal::PriceChanged { price, currency }) => {
            let Some(price) = Amount::exact(price, &currency) else { return Ok(defect()) };
            Answer {
                text: text!(locale, "price-changed", price = price.asked(locale)),
                keyboard: keyboard::confirm(draft.id, &price, locale),
                state: State::Confirming(Draft { max_price: Some(price), ..draft }),
            }
        }
        Some(Refusal::UserBlocked) => over(text!(locale, "refuse-blocked")),
        Some(Refusal::InDebt) => {
            let quoted = funding::quote(session, draft.kind).await?;
            let owed = match quoted.lacking {
                Some(Lack::Money(owed)) => owed,
                // Repaid or blocked meanwhile: the next try says so.
                Some(Lack::Blocked) | None => Amount::default(),
            };
            let price = draft.max_price.clone().unwrap_or(quoted.price);
            waiting_for(session, draft, price, &owed, quoted.words).await
        }
        Some(Refusal::LimitExceeded(limit)) => {
            beyond_a_limit(session, draft, limit, error.retry_after.is_some()).await?
        }
        Some(Refusal::UnknownKind) => over(text!(locale, "refuse-kind")),
        _ => defect(),
    })
}

/// Nothing was decided, so the draft stays: one tap asks again, unless no day's limit can hold it.
async fn beyond_a_limit(
    session: &Session,
    draft: Draft,
    limit: Limit,
    passes: bool,
) -> Result<Answer, BotError> {
    let locale = session.locale;
    let text = match limit {
        Limit::OpenHolds { max: Some(max) } => text!(locale, "refuse-open-holds", count = max),
        Limit::DailySpend { max, left, currency } => {
            match (Amount::exact(max, &currency), Amount::exact(left, &currency)) {
                (Some(max), Some(left)) if passes => {
                    let (max, left) = (max.there(locale), left.there(locale));
                    text!(locale, "refuse-daily-spend", max = max, left = left)
                }
                (Some(max), Some(_)) => {
                    let text = text!(locale, "refuse-above-daily-spend", max = max.there(locale));
                    let keyboard = keyboard::to_menu(locale);
                    return Ok(Answer { text, keyboard, state: State::Idle });
                }
                _ => text!(locale, "refuse-limit"),
            }
        }
        // A rate, or one that a newer billing-svc knows.
        _ => text!(locale, "refuse-limit"),
    };
    let price = match draft.max_price.clone() {
        Some(price) => price,
        None => funding::quote(session, draft.kind).await?.price,
    };
    let keyboard = keyboard::again(draft.id, &price, locale);
    let state = State::Confirming(Draft { max_price: Some(price), ..draft });
    Ok(Answer { text, keyboard, state })
}

/// Keeps the draft until money is there.
async fn waiting_for(
    session: &Session,
    draft: Draft,
    price: Amount,
    missing: &Amount,
    text: String,
) -> Answer {
    let packs = funding::packs_for(session, missing).await;
    let keyboard = keyboard::short_of_funds(draft.id, &price, &packs, session.locale);
    let draft = Draft { max_price: Some(price), short: true, ..draft };
    Answer { text, keyboard, state: State::Confirming(draft) }
}
