//! Methods that change what is in a chat, and the answer to a press.

use serde_json::{Value, json};

use super::World;
use super::api::{Answer, ApiError};
use super::chat::unix_seconds;
use super::markup;
use super::params::Params;
use super::send::put_text;

const NOT_MODIFIED: &str = "message is not modified: specified new message content and reply markup are exactly the same \
    as a current content and reply markup of the message";

impl World {
    pub(super) fn edit_message_text(&self, params: &Params) -> Answer {
        let formatted = markup::text(params)?;
        let keyboard = markup::keyboard(params)?;
        self.edit(params, |message| {
            if message.get("text").is_none() {
                return Err(ApiError::bad("there is no text in the message to edit"));
            }
            remove(message, "entities");
            put_text(message, "text", "entities", formatted);
            put_keyboard(message, keyboard);
            Ok(())
        })
    }

    pub(super) fn edit_message_caption(&self, params: &Params) -> Answer {
        let formatted = markup::caption(params)?;
        let keyboard = markup::keyboard(params)?;
        self.edit(params, |message| {
            if message.get("text").is_some() {
                return Err(ApiError::bad("there is no caption in the message to edit"));
            }
            remove(message, "caption");
            remove(message, "caption_entities");
            put_text(message, "caption", "caption_entities", formatted);
            put_keyboard(message, keyboard);
            Ok(())
        })
    }

    /// Puts a photo or a document into a message, in the place of what it shows; a text message may get one too.
    pub(super) fn edit_message_media(&self, params: &Params) -> Answer {
        self.writable(params)?; // before a file is kept
        let media = params.json("media").ok_or_else(|| ApiError::bad("media must be specified"))?;
        let content = self.media(params, &media)?;
        let keyboard = markup::keyboard(params)?;
        self.edit(params, |message| {
            for field in ["text", "entities", "photo", "document", "caption", "caption_entities"] {
                remove(message, field);
            }
            if let (Some(message), Value::Object(content)) = (message.as_object_mut(), content) {
                message.extend(content);
            }
            put_keyboard(message, keyboard);
            Ok(())
        })
    }

    pub(super) fn edit_message_reply_markup(&self, params: &Params) -> Answer {
        let keyboard = markup::keyboard(params)?;
        self.edit(params, |message| {
            put_keyboard(message, keyboard);
            Ok(())
        })
    }

    /// Changes a message of the bot, or refuses because nothing would change.
    fn edit(
        &self,
        params: &Params,
        change: impl FnOnce(&mut Value) -> Result<(), ApiError>,
    ) -> Answer {
        let chat_id = self.writable(params)?;
        let message_id = params.int("message_id");
        let message_id =
            message_id.ok_or_else(|| ApiError::bad("message identifier is not specified"))?;
        self.change(|state| {
            let chat =
                state.chats.get_mut(&chat_id).ok_or_else(|| ApiError::bad("chat not found"))?;
            let message = chat.message(message_id);
            let message = message.ok_or_else(|| ApiError::bad("message to edit not found"))?;
            if message["from"]["is_bot"] != true {
                return Err(ApiError::bad("message can't be edited"));
            }
            let mut edited = message.clone();
            change(&mut edited)?;
            if edited == *message {
                return Err(ApiError::bad(NOT_MODIFIED));
            }
            edited["edit_date"] = json!(unix_seconds());
            *message = edited.clone();
            Ok(edited)
        })
    }

    pub(super) fn delete_message(&self, params: &Params) -> Answer {
        let chat_id = self.writable(params)?;
        let message_id = params.int("message_id").unwrap_or_default();
        self.change(|state| {
            let chat =
                state.chats.get_mut(&chat_id).ok_or_else(|| ApiError::bad("chat not found"))?;
            let before = chat.messages.len();
            chat.messages.retain(|message| message["message_id"] != message_id);
            if chat.messages.len() == before {
                return Err(ApiError::bad("message to delete not found"));
            }
            Ok(json!(true))
        })
    }

    pub(super) fn answer_callback_query(&self, params: &Params) -> Answer {
        let id = params.text("callback_query_id").unwrap_or_default();
        self.change(|state| {
            let Some(chat_id) = state.presses.remove(&id) else {
                return Err(ApiError::bad(
                    "query is too old and response timeout expired or query ID is invalid",
                ));
            };
            if let Some(text) = params.text("text").filter(|text| !text.is_empty())
                && let Some(chat) = state.chats.get_mut(&chat_id)
            {
                chat.notify(text, params.flag("show_alert"));
            }
            Ok(json!(true))
        })
    }
}

fn remove(message: &mut Value, field: &str) {
    if let Some(fields) = message.as_object_mut() {
        fields.remove(field);
    }
}

fn put_keyboard(message: &mut Value, keyboard: Option<Value>) {
    match keyboard {
        Some(keyboard) => message["reply_markup"] = keyboard,
        None => remove(message, "reply_markup"),
    }
}
