//! Methods that add to a chat.

use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::api::{Answer, ApiError};
use super::chat::unix_millis;
use super::files::photo_type;
use super::markup::{self, Formatted};
use super::params::Params;

/// How long a chat action is shown.
const ACTION_MILLIS: u64 = 5_000;

impl World {
    pub(super) fn send_message(&self, params: &Params) -> Answer {
        let chat_id = self.writable(params)?;
        let formatted = markup::text(params)?;
        let mut content = json!({});
        put_text(&mut content, "text", "entities", formatted);
        self.send(chat_id, params, content)
    }

    pub(super) fn send_photo(&self, params: &Params) -> Answer {
        let chat_id = self.writable(params)?;
        let caption = markup::caption(params)?;
        let file_id = self.photo(params, "photo", params.text("photo").as_deref())?;
        let mut content = json!({"photo": self.photo_sizes(&file_id)?});
        put_text(&mut content, "caption", "caption_entities", caption);
        self.send(chat_id, params, content)
    }

    pub(super) fn send_document(&self, params: &Params) -> Answer {
        let chat_id = self.writable(params)?;
        let caption = markup::caption(params)?;
        let given = params.text("document");
        let document = match params.upload("document", given.as_deref()) {
            Some(upload) => {
                let guessed = photo_type(&upload.bytes).unwrap_or("application/octet-stream");
                let mime_type = upload.mime_type.as_deref().unwrap_or(guessed);
                let file_id = self.add_file("documents", mime_type, upload.bytes.clone())?;
                self.document(&file_id, &upload.name)?
            }
            None => self.document(&given.unwrap_or_default(), "file")?,
        };
        let mut content = json!({ "document": document });
        put_text(&mut content, "caption", "caption_entities", caption);
        self.send(chat_id, params, content)
    }

    /// An album: separate messages with one `media_group_id`, no keyboard.
    pub(super) fn send_media_group(&self, params: &Params) -> Answer {
        let chat_id = self.writable(params)?;
        let media = params.json("media");
        let media = media.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if media.len() > 10 {
            return Err(ApiError::bad("Too much messages to send as an album"));
        }
        if media.len() < 2 {
            return Err(ApiError::bad("group of media must contain at least 2 items"));
        }
        let group = Uuid::new_v4().as_u128().to_string();
        let mut contents = Vec::new();
        for item in media {
            let mut content = self.media(params, item)?;
            content["media_group_id"] = json!(group);
            contents.push(content);
        }
        self.change(|state| {
            let added =
                contents.into_iter().map(|content| state.add_message(chat_id, true, content));
            added.collect::<Option<Vec<_>>>()
        })
        .map(Value::Array)
        .ok_or_else(|| ApiError::bad("chat not found"))
    }

    /// What an InputMedia of a photo or a document puts into a message.
    pub(super) fn media(&self, params: &Params, item: &Value) -> Answer {
        let given = item["media"].as_str();
        let mut content = match item["type"].as_str() {
            Some("photo") => {
                json!({"photo": self.photo_sizes(&self.photo(params, "", given)?)?})
            }
            Some("document") => {
                let upload = params.upload("", given).ok_or_else(ApiError::wrong_file)?;
                let mime_type = upload.mime_type.as_deref().unwrap_or("application/octet-stream");
                let file_id = self.add_file("documents", mime_type, upload.bytes.clone())?;
                json!({"document": self.document(&file_id, &upload.name)?})
            }
            _ => return Err(ApiError::bad("can't parse InputMedia: type not supported")),
        };
        if let Some(caption) = item["caption"].as_str() {
            let formatted = match item["parse_mode"].as_str() {
                Some("HTML") => markup::html(caption)?,
                _ => Formatted { text: caption.to_owned(), entities: Vec::new() },
            };
            put_text(&mut content, "caption", "caption_entities", formatted);
        }
        Ok(content)
    }

    pub(super) fn send_chat_action(&self, params: &Params) -> Answer {
        let chat_id = self.writable(params)?;
        let action = params.text("action").unwrap_or_default();
        let known = [
            "typing",
            "upload_photo",
            "upload_document",
            "record_video",
            "upload_video",
            "find_location",
        ];
        if !known.contains(&action.as_str()) {
            return Err(ApiError::bad("wrong parameter action in request"));
        }
        self.change(|state| {
            if let Some(chat) = state.chats.get_mut(&chat_id) {
                chat.action = Some((action, unix_millis() + ACTION_MILLIS));
            }
        });
        Ok(json!(true))
    }

    fn send(&self, chat_id: i64, params: &Params, mut content: Value) -> Answer {
        if let Some(keyboard) = markup::keyboard(params)? {
            content["reply_markup"] = keyboard;
        }
        if let Some(reply) = params.json("reply_parameters")
            && let Some(replied) = reply["message_id"].as_i64()
        {
            let shown = self
                .state()
                .chats
                .get_mut(&chat_id)
                .and_then(|chat| chat.message(replied).cloned());
            match shown {
                Some(mut message) => {
                    if let Some(fields) = message.as_object_mut() {
                        fields.remove("reply_to_message");
                    }
                    content["reply_to_message"] = message;
                }
                None if reply["allow_sending_without_reply"] == true => {}
                None => return Err(ApiError::bad("message to be replied not found")),
            }
        }
        self.change(|state| state.add_message(chat_id, true, content))
            .ok_or_else(|| ApiError::bad("chat not found"))
    }

    /// A chat that the bot may write to.
    pub(super) fn writable(&self, params: &Params) -> Result<i64, ApiError> {
        let chat_id = params.chat_id()?;
        match self.state().chats.get(&chat_id) {
            None => Err(ApiError::bad("chat not found")),
            Some(chat) if chat.blocked => Err(ApiError::blocked()),
            Some(_) => Ok(chat_id),
        }
    }

    /// The `file_id` of a photo: one that is known, or an upload.
    fn photo(&self, params: &Params, name: &str, given: Option<&str>) -> Result<String, ApiError> {
        match params.upload(name, given) {
            Some(upload) => {
                let mime_type = photo_type(&upload.bytes)?;
                self.add_file("photos", mime_type, upload.bytes.clone())
            }
            None => {
                let file_id = given.unwrap_or_default();
                if file_id.is_empty() {
                    return Err(ApiError::bad("there is no photo in the request"));
                }
                Ok(file_id.to_owned())
            }
        }
    }
}

/// Sets text or caption with its entities; an empty one is absent.
pub(super) fn put_text(content: &mut Value, text: &str, entities: &str, formatted: Formatted) {
    if formatted.text.is_empty() {
        return;
    }
    content[text] = json!(formatted.text);
    if !formatted.entities.is_empty() {
        content[entities] = json!(formatted.entities);
    }
}
