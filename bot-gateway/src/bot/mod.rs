//! The conversation: what users see and may do.
//!
//! [`handle`] takes one update of the inbox. A paid request that the very update began before is gone on with
//! (`charge::resume`), and so is an answer that it brought (`conversation::resume`); anything else goes through
//! `schema`, the table of contents of the bot. The dialogue itself is a pure function (`dialogue::step`). Everything
//! done here may be done again by a redelivered update and then charges, pays in, uploads and sends nothing twice,
//! except that an answer in words or an unpaid invoice may be repeated. No handler waits for a picture.

mod account;
mod charge;
mod commands;
mod conversation;
mod dialogue;
mod funding;
mod group;
mod history;
mod incoming;
mod invite;
mod keyboard;
mod kind;
pub(crate) mod money;
pub(crate) mod notice;
mod press;
mod presses;
mod problem;
mod promo;
pub mod render;
mod results;
mod session;
mod settings;
mod support;
pub(crate) mod text;
pub(crate) mod topup;

use std::{ops::ControlFlow, sync::LazyLock};

use teloxide::{
    dispatching::{UpdateFilterExt, UpdateHandler},
    dptree,
    types::{Message, MessageKind, Update, UpdateKind},
};

pub use commands::menus;
pub use problem::BotError;

use crate::{
    Services,
    inbox::{Origin, Tick},
};
use commands::Called;
use session::Session;

static SCHEMA: LazyLock<UpdateHandler<BotError>> = LazyLock::new(schema);

/// Which handler takes which update.
fn schema() -> UpdateHandler<BotError> {
    dptree::entry().branch(Update::filter_callback_query().endpoint(presses::handle)).branch(
        Update::filter_message()
            .branch(dptree::filter_map(Called::of_message).endpoint(commands::handle))
            .endpoint(conversation::message),
    )
}

/// Handles one update. It may come again after a crash or a retryable error: everything done here is
/// idempotent under `origin.request_id()`.
pub async fn handle(update: Update, origin: Origin, services: &Services) -> Result<(), BotError> {
    let (user, chat) = match &update.kind {
        UpdateKind::Message(message) => (message.from.as_ref(), Some(&message.chat)),
        UpdateKind::CallbackQuery(query) => {
            (Some(&query.from), query.message.as_ref().map(|message| message.chat()))
        }
        // Edits, channels, members, polls: nothing to answer.
        _ => return Ok(()),
    };
    let (Some(user), Some(chat)) = (user, chat) else { return Ok(()) };
    if !chat.is_private() {
        return group::hint(&update, user, services).await;
    }
    let session = Session::of_user(user, chat.id.0, origin, services).await?;
    if charge::resume(&session).await? || conversation::resume(&session).await? {
        return Ok(());
    }
    match SCHEMA.dispatch(dptree::deps![update, session]).await {
        ControlFlow::Break(result) => result,
        ControlFlow::Continue(_) => Ok(()),
    }
}

/// Handles a delayed item that this module scheduled with [`crate::inbox::Inbox::schedule`].
pub async fn tick(tick: Tick, services: &Services) -> Result<(), BotError> {
    conversation::album_end(tick, services).await
}

/// Called once when an update failed for good (`origin`) or a tick did (`None`): apologizes to the chat in its
/// language and gives back what was charged under `origin.request_id()` and not handed over.
pub async fn give_up(
    chat_id: i64,
    origin: Option<&Origin>,
    services: &Services,
) -> Result<(), BotError> {
    charge::give_up(chat_id, origin, services).await
}

/// Of Telegram about the chat, not of a person. What teloxide can't read is taken for a person's: better an answer too
/// many than silence.
fn is_service(message: &Message) -> bool {
    !matches!(message.kind, MessageKind::Common(_) | MessageKind::Dice(_) | MessageKind::Empty {})
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_schema_is_complete() {
        // Building it checks that each handler finds what it asks for.
        super::schema();
    }
}
