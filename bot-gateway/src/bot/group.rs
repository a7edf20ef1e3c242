//! Groups: the bot works in private chats only, and says so to whom asks it something.

use teloxide::{
    prelude::Requester,
    types::{Update, UpdateKind, User},
};

use super::{
    BotError,
    commands::{Called, Command},
    text::{Locale, text},
};
use crate::{
    Services,
    telegram::send::{self, SendError},
};

/// Answers a command in a group; anything else there is not meant for the bot.
pub async fn hint(update: &Update, user: &User, services: &Services) -> Result<(), BotError> {
    let UpdateKind::Message(message) = &update.kind else { return Ok(()) };
    // A command of another bot is none of ours.
    let called = Called::of_message(message.clone());
    if called.is_none_or(|called| called.command == Command::Unknown) {
        return Ok(());
    }
    let locale = Locale::of_user(None, user.language_code.as_deref());
    match send::send(services.bot.send_message(message.chat.id, text!(locale, "group-hint"))).await
    {
        Ok(_) | Err(SendError::Blocked | SendError::Refused(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
