//! Who is spoken to in one update, and how: their language and settings, the state of their dialogue, and the two
//! ways to say something. A user who blocked the bot is not an error: there is nobody to tell.

use teloxide::{
    payloads::{EditMessageTextSetters, SendMessageSetters},
    prelude::Requester,
    types::{ChatId, InlineKeyboardMarkup, MessageId, User},
};

use super::{BotError, dialogue::State, text::Locale};
use crate::{
    Services,
    inbox::Origin,
    store::UserSettings,
    telegram::send::{self, SendError},
};

/// The one who is spoken to. Cheap to clone.
#[derive(Clone)]
pub struct Session {
    /// What handlers work with.
    pub services: Services,
    /// The update that is being handled; a delayed item has that of the update it belongs to.
    pub origin: Origin,
    /// A private chat.
    pub chat_id: i64,
    /// `tg:<telegram id>`.
    pub user_id: String,
    /// What to speak.
    pub locale: Locale,
    /// The user wants to be asked before each charge.
    pub ask_first: bool,
}

/// Whether anybody could be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// By this message.
    Message(i32),
    /// The user blocked the bot or is gone.
    Nobody,
}

impl Session {
    /// For a user in a private chat.
    pub async fn of_user(
        user: &User,
        chat_id: i64,
        origin: Origin,
        services: &Services,
    ) -> Result<Self, BotError> {
        let user_id = format!("tg:{}", user.id.0);
        let settings = services.store.user_settings(&user_id).await?;
        let code = user.language_code.as_deref();
        if let Some(code) = code.filter(|_| settings.language_code.as_deref() != code) {
            services.store.see_language(&user_id, code).await?;
        }
        Ok(Self::with(settings, user_id, code, chat_id, origin, services))
    }

    /// For a user known by id, whose language was seen before.
    pub async fn open(
        user_id: String,
        language_code: Option<&str>,
        chat_id: i64,
        origin: Origin,
        services: &Services,
    ) -> Result<Self, BotError> {
        let settings = services.store.user_settings(&user_id).await?;
        Ok(Self::with(settings, user_id, language_code, chat_id, origin, services))
    }

    fn with(
        settings: UserSettings,
        user_id: String,
        language_code: Option<&str>,
        chat_id: i64,
        origin: Origin,
        services: &Services,
    ) -> Self {
        Self {
            services: services.clone(),
            origin,
            chat_id,
            user_id,
            locale: Locale::of_user(settings.locale.as_deref(), language_code),
            ask_first: settings.ask_before_charge,
        }
    }

    /// Keeps what the user chose.
    pub async fn choose(&self, change: impl FnOnce(&mut UserSettings)) -> Result<(), BotError> {
        let mut settings = self.services.store.user_settings(&self.user_id).await?;
        change(&mut settings);
        Ok(self.services.store.save_user_settings(&self.user_id, &settings).await?)
    }

    /// Where the dialogue stands. One that an older version stored and this one can't read is over.
    pub async fn state(&self) -> Result<State, BotError> {
        let Some(stored) = self.services.store.dialogue(self.chat_id).await? else {
            return Ok(State::Idle);
        };
        Ok(serde_json::from_value(stored).unwrap_or_else(|error| {
            tracing::warn!(chat_id = self.chat_id, %error, "a dialogue can't be read and ends");
            State::Idle
        }))
    }

    /// Keeps where the dialogue stands.
    pub async fn keep(&self, state: &State) -> Result<(), BotError> {
        if *state == State::Idle {
            return Ok(self.services.store.clear_dialogue(self.chat_id).await?);
        }
        let stored = serde_json::to_value(state)
            .map_err(|error| BotError::defect(format!("a dialogue can't be stored: {error}")))?;
        Ok(self.services.store.save_dialogue(self.chat_id, &self.user_id, &stored).await?)
    }

    /// Sends a message.
    pub async fn say(
        &self,
        text: impl Into<String>,
        keyboard: Option<InlineKeyboardMarkup>,
    ) -> Result<Told, BotError> {
        let mut request = self.services.bot.send_message(ChatId(self.chat_id), text);
        if let Some(keyboard) = keyboard {
            request = request.reply_markup(keyboard);
        }
        match send::send(request).await {
            Ok(message) => Ok(Told::Message(message.id.0)),
            Err(SendError::Blocked) => Ok(Told::Nobody),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the message `spot` say something else; where there is none any more, sends a new one.
    pub async fn say_at(
        &self,
        spot: Option<i32>,
        text: impl Into<String>,
        keyboard: Option<InlineKeyboardMarkup>,
    ) -> Result<Told, BotError> {
        let text = text.into();
        let Some(spot) = spot else { return self.say(text, keyboard).await };
        let mut request = self.services.bot.edit_message_text(
            ChatId(self.chat_id),
            MessageId(spot),
            text.clone(),
        );
        if let Some(keyboard) = keyboard.clone() {
            request = request.reply_markup(keyboard);
        }
        match send::edit(request).await {
            Ok(_) => Ok(Told::Message(spot)),
            Err(SendError::Blocked) => Ok(Told::Nobody),
            // Deleted by the user, or too old to be edited.
            Err(SendError::Refused(_)) => self.say(text, keyboard).await,
            Err(error) => Err(error.into()),
        }
    }
}
