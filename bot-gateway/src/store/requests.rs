//! One row per paid request, from before its charge until its end reached the user.
//!
//! ```text
//! Charging ─► HandedOver ─► Sending ─► Delivered | FailedTold | Blocked (─► Sending at the next try)
//!     └─► Abandoned: the hand-over failed and the gateway refunded; nothing is delivered any more
//! ```

use std::{collections::BTreeMap, time::SystemTime};

use sea_orm::QueryResult;
use serde::de::DeserializeOwned;
use serde_json::json;

use service_kit::time::{from_micros, to_micros};

use super::{Store, StoreError};

/// What [`Request::from_row`] reads.
pub(super) const COLUMNS: &str = "request_id, operation_id, chat_id, user_id, kind, prompt, file_ids, options, locale, \
     message_id, taken, state, result_file_ids, create_time, update_time";

/// A request about to be charged.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// [`crate::inbox::Origin::request_id`].
    pub request_id: String,
    /// Where the answer goes.
    pub chat_id: i64,
    /// Who pays: `tg:<telegram id>`.
    pub user_id: String,
    /// A kind of the price list.
    pub kind: String,
    /// What the user wrote.
    pub prompt: String,
    /// Telegram's ids of the photos, in order.
    pub file_ids: Vec<String>,
    /// Parameters of the job.
    pub options: BTreeMap<String, String>,
    /// "ru" or "en".
    pub locale: String,
}

/// A paid request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// [`crate::inbox::Origin::request_id`].
    pub request_id: String,
    /// Of billing-svc; `None` until charged.
    pub operation_id: Option<String>,
    /// Where the answer goes.
    pub chat_id: i64,
    /// Who pays: `tg:<telegram id>`.
    pub user_id: String,
    /// A kind of the price list; empty when the operation came from elsewhere.
    pub kind: String,
    /// What the user wrote.
    pub prompt: String,
    /// Telegram's ids of the photos, in order.
    pub file_ids: Vec<String>,
    /// Parameters of the job.
    pub options: BTreeMap<String, String>,
    /// "ru" or "en".
    pub locale: String,
    /// The «Генерирую…» message.
    pub message_id: Option<i32>,
    /// What was taken for it, in the user's words; empty until charged.
    pub taken: String,
    /// Where it stands.
    pub state: RequestState,
    /// Telegram's ids of the pictures that were sent, in order.
    pub result_file_ids: Vec<String>,
    /// When it was inserted.
    pub create_time: SystemTime,
    /// When it last changed.
    pub update_time: SystemTime,
}

/// Where a paid request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// About to be charged, or charged and not yet at the worker.
    Charging,
    /// The worker has the job.
    HandedOver,
    /// The hand-over failed and the operation was refunded.
    Abandoned,
    /// The end is on its way to the user.
    Sending,
    /// The user has the pictures.
    Delivered,
    /// The user blocked the bot; the pictures wait at the worker.
    Blocked,
    /// The user was told that it failed.
    FailedTold,
}

impl RequestState {
    const ALL: [RequestState; 7] = [
        RequestState::Charging,
        RequestState::HandedOver,
        RequestState::Abandoned,
        RequestState::Sending,
        RequestState::Delivered,
        RequestState::Blocked,
        RequestState::FailedTold,
    ];

    /// As the table has it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            RequestState::Charging => "charging",
            RequestState::HandedOver => "handed_over",
            RequestState::Abandoned => "abandoned",
            RequestState::Sending => "sending",
            RequestState::Delivered => "delivered",
            RequestState::Blocked => "blocked",
            RequestState::FailedTold => "failed_told",
        }
    }
}

impl Store {
    /// Keeps a request before its charge. The same `request_id` again answers the row that is there.
    pub async fn insert_request(&self, request: &NewRequest) -> Result<Request, StoreError> {
        let now = to_micros(SystemTime::now());
        self.write(
            "INSERT INTO requests (request_id, chat_id, user_id, kind, prompt, file_ids, options, locale, taken, state,
                result_file_ids, progress_step, progress_at, create_time, update_time)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', 'charging', '[]', 0, $9, $9, $9)
             ON CONFLICT DO NOTHING",
            [
                request.request_id.as_str().into(),
                request.chat_id.into(),
                request.user_id.as_str().into(),
                request.kind.as_str().into(),
                request.prompt.as_str().into(),
                json!(request.file_ids).to_string().into(),
                json!(request.options).to_string().into(),
                request.locale.as_str().into(),
                now.into(),
            ],
        )
        .await?;
        let row = self.request_by_id(&request.request_id).await?;
        row.ok_or(StoreError::Corrupt { table: "requests", column: "request_id" })
    }

    /// It was charged as this operation.
    pub async fn set_operation(
        &self,
        request_id: &str,
        operation_id: &str,
    ) -> Result<(), StoreError> {
        self.write(
            "UPDATE requests SET operation_id = $2, update_time = $3 WHERE request_id = $1",
            [request_id.into(), operation_id.into(), to_micros(SystemTime::now()).into()],
        )
        .await?;
        Ok(())
    }

    /// The «Генерирую…» message was sent.
    pub async fn set_message(&self, request_id: &str, message_id: i32) -> Result<(), StoreError> {
        self.write(
            "UPDATE requests SET message_id = $2, update_time = $3 WHERE request_id = $1",
            [request_id.into(), message_id.into(), to_micros(SystemTime::now()).into()],
        )
        .await?;
        Ok(())
    }

    /// What was taken, as the user was told; the upkeep of the message repeats it.
    pub async fn set_taken(&self, request_id: &str, taken: &str) -> Result<(), StoreError> {
        self.write(
            "UPDATE requests SET taken = $2, update_time = $3 WHERE request_id = $1",
            [request_id.into(), taken.into(), to_micros(SystemTime::now()).into()],
        )
        .await?;
        Ok(())
    }

    /// The worker has the job. Changes nothing where its end is already on its way.
    pub async fn hand_over(&self, request_id: &str) -> Result<(), StoreError> {
        self.write(
            "UPDATE requests SET state = 'handed_over', update_time = $2 WHERE request_id = $1 AND state = 'charging'",
            [request_id.into(), to_micros(SystemTime::now()).into()],
        )
        .await?;
        Ok(())
    }

    /// The hand-over is given up, now or before. `false`: too late, its end is on its way or was delivered, so do
    /// not refund.
    pub async fn abandon(&self, request_id: &str) -> Result<bool, StoreError> {
        let changed = self
            .write(
                "UPDATE requests SET state = 'abandoned', update_time = $2
                 WHERE request_id = $1 AND state IN ('charging', 'handed_over', 'abandoned')",
                [request_id.into(), to_micros(SystemTime::now()).into()],
            )
            .await?;
        Ok(changed == 1)
    }

    /// By its operation.
    pub async fn request(&self, operation_id: &str) -> Result<Option<Request>, StoreError> {
        self.one_request("operation_id = $1", operation_id).await
    }

    /// By its own id.
    pub async fn request_by_id(&self, request_id: &str) -> Result<Option<Request>, StoreError> {
        self.one_request("request_id = $1", request_id).await
    }

    /// A chat's requests that have not ended, oldest first, up to 100.
    pub async fn running(&self, chat_id: i64) -> Result<Vec<Request>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM requests WHERE chat_id = $1 AND state IN ('charging', 'handed_over', 'sending')
             ORDER BY create_time, request_id LIMIT 100"
        );
        self.rows(&sql, [chat_id.into()]).await?.iter().map(Request::from_row).collect()
    }

    /// A chat's requests, newest first.
    pub async fn recent(&self, chat_id: i64, limit: u64) -> Result<Vec<Request>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM requests WHERE chat_id = $1 ORDER BY create_time DESC, request_id DESC LIMIT $2"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.rows(&sql, [chat_id.into(), limit.into()])
            .await?
            .iter()
            .map(Request::from_row)
            .collect()
    }

    async fn one_request(&self, condition: &str, id: &str) -> Result<Option<Request>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM requests WHERE {condition}");
        self.row(&sql, [id.into()]).await?.as_ref().map(Request::from_row).transpose()
    }
}

impl Request {
    pub(super) fn from_row(row: &QueryResult) -> Result<Request, StoreError> {
        let state: String = row.try_get("", "state")?;
        let known = RequestState::ALL.into_iter().find(|known| known.as_str() == state);
        Ok(Request {
            request_id: row.try_get("", "request_id")?,
            operation_id: row.try_get("", "operation_id")?,
            chat_id: row.try_get("", "chat_id")?,
            user_id: row.try_get("", "user_id")?,
            kind: row.try_get("", "kind")?,
            prompt: row.try_get("", "prompt")?,
            file_ids: json_column(row, "file_ids")?,
            options: json_column(row, "options")?,
            locale: row.try_get("", "locale")?,
            message_id: row.try_get("", "message_id")?,
            taken: row.try_get("", "taken")?,
            state: known.ok_or(StoreError::Corrupt { table: "requests", column: "state" })?,
            result_file_ids: json_column(row, "result_file_ids")?,
            create_time: from_micros(row.try_get("", "create_time")?),
            update_time: from_micros(row.try_get("", "update_time")?),
        })
    }
}

fn json_column<T: DeserializeOwned>(
    row: &QueryResult,
    column: &'static str,
) -> Result<T, StoreError> {
    let text: String = row.try_get("", column)?;
    serde_json::from_str(&text).map_err(|_| StoreError::Corrupt { table: "requests", column })
}
