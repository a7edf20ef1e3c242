//! Buttons. Each press is answered, so that Telegram's clock on the button stops, before anything slow begins; a press
//! that is too old to be answered is handled all the same.

use teloxide::{
    payloads::AnswerCallbackQuerySetters,
    prelude::Requester,
    types::{CallbackQuery, CallbackQueryId},
};

use super::{
    BotError, account, conversation,
    dialogue::{Draft, Input},
    history, invite, keyboard,
    money::Amount,
    press::Press,
    promo, results,
    session::Session,
    settings,
    text::text,
    topup,
};
use crate::telegram::send;

/// A press, with what is needed to answer it.
pub struct Pressed {
    query_id: CallbackQueryId,
    /// The message that has the button.
    pub message_id: Option<i32>,
}

/// Any button.
pub async fn handle(query: CallbackQuery, session: Session) -> Result<(), BotError> {
    let press = Press::of_data(query.data.as_deref().unwrap_or_default());
    let message_id = query.message.as_ref().map(|message| message.id().0);
    let pressed = Pressed { query_id: query.id, message_id };
    match press {
        Press::Again(operation_id) => results::again(&session, &pressed, &operation_id).await,
        Press::Upscale(picture) => results::upscale(&session, &pressed, &picture).await,
        Press::Edit(picture) => results::edit(&session, &pressed, &picture).await,
        Press::CancelJob(operation_id) => results::cancel(&session, &pressed, &operation_id).await,
        Press::Show(operation_id) => results::show(&session, &pressed, &operation_id).await,
        Press::AskFirst(on) => settings::ask_first(&session, &pressed, on).await,
        Press::Language(locale) => settings::language(&session, &pressed, locale).await,
        Press::Old => {
            pressed.toast(&session, text!(session.locale, "old-button-toast")).await;
            session
                .say(text!(session.locale, "old-button"), Some(keyboard::menu(session.locale)))
                .await?;
            Ok(())
        }
        Press::PhotosDone(id) => dialogue(&session, &pressed, Input::PhotosDone(id)).await,
        Press::Choose { id, kind, price } => {
            dialogue(&session, &pressed, Input::Choose { id, kind, price }).await
        }
        Press::Confirm { id, price } => {
            confirm(&session, &pressed, Input::Confirm { id, price }).await
        }
        Press::Decline(id) => dialogue(&session, &pressed, Input::Decline(id)).await,
        Press::Begin(kind) => {
            pressed.answer(&session).await;
            conversation::begin(&session, Draft::new(session.origin.update_id, kind, None)).await
        }
        Press::Retry { id, price } => retry(&session, &pressed, id, price).await,
        Press::TopUp(press) => topup::press(&session, &pressed, press).await,
        Press::Payment => {
            pressed.answer(&session).await;
            topup::menu(&session, None).await
        }
        Press::PromoCode => {
            pressed.answer(&session).await;
            promo::ask(&session).await
        }
        Press::Invite => {
            pressed.answer(&session).await;
            invite::show(&session).await
        }
        Press::Menu => {
            pressed.answer(&session).await;
            account::menu(&session).await
        }
        Press::Settings => {
            pressed.answer(&session).await;
            settings::show(&session, None).await
        }
        Press::History(page) => {
            pressed.answer(&session).await;
            history::show(&session, page, pressed.message_id).await
        }
    }
}

async fn dialogue(session: &Session, pressed: &Pressed, input: Input) -> Result<(), BotError> {
    pressed.answer(session).await;
    conversation::take(session, input, pressed.message_id).await
}

/// A yes that was pressed twice finds its dialogue gone: its job is on the way.
async fn confirm(session: &Session, pressed: &Pressed, input: Input) -> Result<(), BotError> {
    let spot = pressed.message_id;
    let running = session.services.store.running(session.chat_id).await?;
    if spot.is_some() && running.iter().any(|request| request.message_id == spot) {
        pressed.toast(session, text!(session.locale, "already-working")).await;
        return Ok(());
    }
    dialogue(session, pressed, input).await
}

/// Runs the request that waited for money in a message of its own: what says that money came stays. Pressed twice, it
/// finds its job on the way.
async fn retry(
    session: &Session,
    pressed: &Pressed,
    id: i64,
    price: Amount,
) -> Result<(), BotError> {
    let waits = session.state().await?.short().is_some_and(|draft| draft.id == id);
    if !waits && !session.services.store.running(session.chat_id).await?.is_empty() {
        pressed.toast(session, text!(session.locale, "already-working")).await;
        return Ok(());
    }
    pressed.answer(session).await;
    conversation::take(session, Input::Confirm { id, price }, None).await
}

impl Pressed {
    /// Says nothing, only that it was seen.
    pub async fn answer(&self, session: &Session) {
        self.respond(session, None).await;
    }

    /// Says a few words over the chat.
    pub async fn toast(&self, session: &Session, words: String) {
        self.respond(session, Some(words)).await;
    }

    /// Says words over the chat, up to 200 characters, or in the chat where the press is too old for that.
    pub async fn toast_or_say(&self, session: &Session, words: String) -> Result<(), BotError> {
        if !self.respond(session, Some(words.clone())).await {
            session.say(words, None).await?;
        }
        Ok(())
    }

    /// `false`: it could not be answered.
    async fn respond(&self, session: &Session, words: Option<String>) -> bool {
        let mut request = session.services.bot.answer_callback_query(self.query_id.clone());
        if let Some(words) = words {
            request = request.text(words);
        }
        let answered = send::send(request).await;
        if let Err(error) = &answered {
            // Too old, most likely: the answer is mostly for the looks.
            tracing::debug!(%error, "a press can't be answered");
        }
        answered.is_ok()
    }
}
