//! A person with the app in hand: what they do, and what they see.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use image::ImageFormat;
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use super::api::ApiError;
use super::chat::{bot, unix_seconds};
use super::seen::{Button, NoSuchButton, NotSeen, Seen};
use super::{World, markup};

/// How long [`TelegramUser::sees`] waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// One user and their private chat with the bot.
#[derive(Debug, Clone)]
pub struct TelegramUser {
    world: Arc<World>,
    id: i64,
}

impl TelegramUser {
    pub(super) fn new(world: Arc<World>, id: i64) -> Self {
        Self { world, id }
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// The Telegram id, of the user and of the chat.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// Sends a text; answers the update's id, as all that send do.
    pub fn send_text(&self, text: &str) -> i64 {
        let mut content = json!({ "text": text });
        let entities = markup::typed_entities(text);
        if !entities.is_empty() {
            content["entities"] = json!(entities);
        }
        self.send(content)
    }

    /// Sends a picture (PNG, JPEG or WebP) as a photo, which makes it a JPEG.
    ///
    /// # Errors
    /// The app would refuse the picture.
    pub fn send_photo(&self, picture: &[u8], caption: Option<&str>) -> anyhow::Result<i64> {
        let content = self.photo(picture, caption)?;
        Ok(self.send(content))
    }

    /// Sends an album: one update for each picture, the caption with the first.
    ///
    /// # Errors
    /// The app would refuse a picture.
    pub fn send_album(
        &self,
        pictures: &[Bytes],
        caption: Option<&str>,
    ) -> anyhow::Result<Vec<i64>> {
        let group = Uuid::new_v4().as_u128().to_string();
        let mut contents = Vec::new();
        for (place, picture) in pictures.iter().enumerate() {
            let mut content = self.photo(picture, caption.filter(|_| place == 0))?;
            content["media_group_id"] = json!(group);
            contents.push(content);
        }
        Ok(contents.into_iter().map(|content| self.send(content)).collect())
    }

    /// Sends a file as it is.
    ///
    /// # Errors
    /// The file can't be kept.
    pub fn send_document(
        &self,
        name: &str,
        mime_type: &str,
        bytes: Bytes,
        caption: Option<&str>,
    ) -> anyhow::Result<i64> {
        let file_id = self.world.add_file("documents", mime_type, bytes).map_err(refused)?;
        let mut content =
            json!({"document": self.world.document(&file_id, name).map_err(refused)?});
        if let Some(caption) = caption {
            content["caption"] = json!(caption);
        }
        Ok(self.send(content))
    }

    /// Sends a sticker.
    pub fn send_sticker(&self) -> i64 {
        self.send(json!({"sticker": {"file_id": "CAACsticker", "file_unique_id": "AgADsticker", "type": "regular",
            "width": 512, "height": 512, "is_animated": false, "is_video": false, "emoji": "👍", "file_size": 20000}}))
    }

    /// Sends a voice message of two seconds.
    pub fn send_voice(&self) -> i64 {
        self.send(
            json!({"voice": {"file_id": "AwACvoice", "file_unique_id": "AgADvoice", "duration": 2,
            "mime_type": "audio/ogg", "file_size": 9000}}),
        )
    }

    /// Presses the newest button with this `callback_data` or this label.
    ///
    /// # Errors
    /// No message has such a button.
    pub fn press(&self, button: &str) -> Result<i64, NoSuchButton> {
        let messages = self.messages();
        let found = messages.iter().rev().find_map(|message| {
            let named = |candidate: &&Button| candidate.data == button || candidate.text == button;
            message.buttons.iter().find(named).map(|found| (message.id, found.data.clone()))
        });
        let (message_id, data) = found.ok_or_else(|| NoSuchButton(button.to_owned()))?;
        self.press_on(message_id, &data)
    }

    /// Presses a button of a certain message. The data needn't be on it any more: that is a button that the user saw
    /// before an edit.
    ///
    /// # Errors
    /// There is no such message.
    pub fn press_on(&self, message_id: i64, data: &str) -> Result<i64, NoSuchButton> {
        self.world.change(|state| {
            let chat = state.chats.get_mut(&self.id);
            let message = chat.and_then(|chat| chat.message(message_id).cloned());
            let message = message.ok_or_else(|| NoSuchButton(data.to_owned()))?;
            let user = state.chats.get(&self.id).map(super::chat::Chat::user);
            let id = (Uuid::new_v4().as_u128() >> 65).to_string();
            state.presses.insert(id.clone(), self.id);
            let press = json!({"id": id, "from": user, "message": message, "chat_instance": format!("-{}", self.id),
                "data": data});
            Ok(state.push_update("callback_query", &press))
        })
    }

    /// Blocks the bot: it can't write any more.
    pub fn block(&self) {
        self.set_blocked(true);
    }

    /// Unblocks the bot.
    pub fn unblock(&self) {
        self.set_blocked(false);
    }

    /// Has the user blocked the bot?
    pub fn has_blocked(&self) -> bool {
        let state = self.world.state();
        state.chats.get(&self.id).is_some_and(|chat| chat.blocked)
    }

    fn set_blocked(&self, blocked: bool) {
        self.world.change(|state| {
            let Some(chat) = state.chats.get_mut(&self.id).filter(|chat| chat.blocked != blocked)
            else {
                return;
            };
            chat.blocked = blocked;
            let member = json!({"user": bot(), "status": "member"});
            let kicked = json!({"user": bot(), "status": "kicked", "until_date": 0});
            let (before, after) = if blocked { (member, kicked) } else { (kicked, member) };
            let change = json!({"chat": chat.chat(), "from": chat.user(), "date": unix_seconds(),
                "old_chat_member": before, "new_chat_member": after});
            state.push_update("my_chat_member", &change);
        });
    }

    /// The chat as the user has it now, oldest first.
    pub fn messages(&self) -> Vec<Seen> {
        let state = self.world.state();
        let chat = state.chats.get(&self.id);
        chat.map_or_else(Vec::new, |chat| chat.messages.iter().map(Seen::read).collect())
    }

    /// The chat as the Bot API shows messages, with what else the page needs: the chat action with its end in unix
    /// milliseconds, the last notice of a press, and whether the bot is blocked.
    pub fn chat(&self) -> Value {
        let state = self.world.state();
        let Some(chat) = state.chats.get(&self.id) else {
            return Value::Null;
        };
        let action =
            chat.action.as_ref().map(|(action, until)| json!({"action": action, "until": until}));
        let notice = chat.notice.as_ref();
        let notice = notice
            .map(|(text, alert, number)| json!({"text": text, "alert": alert, "number": number}));
        json!({"user": chat.user(), "blocked": chat.blocked, "messages": chat.messages, "action": action,
            "notice": notice})
    }

    /// Waits until a message of the bot fits, and answers the newest that does.
    ///
    /// # Errors
    /// None came within 30 seconds; the error shows the chat.
    pub async fn sees(&self, fits: impl Fn(&Seen) -> bool) -> Result<Seen, NotSeen> {
        let mut changes = self.world.version.subscribe();
        let watch = async {
            loop {
                changes.mark_unchanged();
                let newest = self
                    .messages()
                    .into_iter()
                    .rev()
                    .find(|message| message.from_bot && fits(message));
                if let Some(message) = newest {
                    return message;
                }
                if changes.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        match timeout(PATIENCE, watch).await {
            Ok(message) => Ok(message),
            Err(_) => Err(NotSeen(self.messages())),
        }
    }

    /// Waits for a message of the bot with this in its text or caption.
    ///
    /// # Errors
    /// None came within 30 seconds.
    pub async fn sees_text(&self, part: &str) -> Result<Seen, NotSeen> {
        self.sees(|message| message.text.contains(part)).await
    }

    /// Waits until the chat holds at least `count` photos from the bot, and answers them all.
    ///
    /// # Errors
    /// Fewer came within 30 seconds.
    pub async fn sees_photos(&self, count: usize) -> Result<Vec<Bytes>, NotSeen> {
        let photos = || {
            let messages = self.messages().into_iter().filter(|message| message.from_bot);
            messages.filter_map(|message| message.photo).collect::<Vec<_>>()
        };
        self.sees(|_| photos().len() >= count).await?;
        Ok(photos().iter().filter_map(|file_id| self.world.file(file_id)).collect())
    }

    fn send(&self, content: Value) -> i64 {
        self.world.change(|state| {
            let message = state.add_message(self.id, false, content).unwrap_or_default();
            state.push_update("message", &message)
        })
    }

    fn photo(&self, picture: &[u8], caption: Option<&str>) -> anyhow::Result<Value> {
        let mut jpeg = Cursor::new(Vec::new());
        let decoded = image::load_from_memory(picture)?;
        let shrunk = if decoded.width().max(decoded.height()) > 2560 {
            decoded.thumbnail(2560, 2560)
        } else {
            decoded
        };
        shrunk.to_rgb8().write_to(&mut jpeg, ImageFormat::Jpeg)?;
        let file_id = self
            .world
            .add_file("photos", "image/jpeg", Bytes::from(jpeg.into_inner()))
            .map_err(refused)?;
        let mut content = json!({"photo": self.world.photo_sizes(&file_id).map_err(refused)?});
        if let Some(caption) = caption.filter(|caption| !caption.is_empty()) {
            content["caption"] = json!(caption);
        }
        Ok(content)
    }
}

fn refused(error: ApiError) -> anyhow::Error {
    anyhow::Error::msg(error.description)
}
