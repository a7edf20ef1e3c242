//! One dialogue per chat: where the conversation stands.

use std::time::SystemTime;

use serde_json::Value;

use service_kit::time::to_micros;

use super::{Store, StoreError};

impl Store {
    /// Where the conversation of a chat stands; `None` outside of a dialogue.
    pub async fn dialogue(&self, chat_id: i64) -> Result<Option<Value>, StoreError> {
        let row =
            self.row("SELECT state FROM dialogues WHERE chat_id = $1", [chat_id.into()]).await?;
        let Some(row) = row else { return Ok(None) };
        let text: String = row.try_get("", "state")?;
        let corrupt = |_| StoreError::Corrupt { table: "dialogues", column: "state" };
        serde_json::from_str(&text).map(Some).map_err(corrupt)
    }

    /// Keeps it. `user_id` is `tg:<telegram id>`.
    pub async fn save_dialogue(
        &self,
        chat_id: i64,
        user_id: &str,
        state: &Value,
    ) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO dialogues (chat_id, user_id, state, update_time) VALUES ($1, $2, $3, $4)
             ON CONFLICT (chat_id) DO UPDATE SET
                user_id = excluded.user_id, state = excluded.state, update_time = excluded.update_time",
            [chat_id.into(), user_id.into(), state.to_string().into(), to_micros(SystemTime::now()).into()],
        )
        .await?;
        Ok(())
    }

    /// The dialogue is over.
    pub async fn clear_dialogue(&self, chat_id: i64) -> Result<(), StoreError> {
        self.write("DELETE FROM dialogues WHERE chat_id = $1", [chat_id.into()]).await?;
        Ok(())
    }
}
