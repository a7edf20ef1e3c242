//! One dialogue per chat: where the conversation stands.

use serde_json::Value;

use super::{Store, StoreError};

impl Store {
    /// Where the conversation of a chat stands; `None` outside of a dialogue.
    pub async fn dialogue(&self, _chat_id: i64) -> Result<Option<Value>, StoreError> {
        Ok(None)
    }

    /// Keeps it. `user_id` is `tg:<telegram id>`.
    pub async fn save_dialogue(&self, _chat_id: i64, _user_id: &str, _state: &Value) -> Result<(), StoreError> {
        Ok(())
    }

    /// The dialogue is over.
    pub async fn clear_dialogue(&self, _chat_id: i64) -> Result<(), StoreError> {
        Ok(())
    }
}
