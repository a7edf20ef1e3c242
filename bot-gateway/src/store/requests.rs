//! One row per paid request, from before its charge until its end reached the user.
//!
//! ```text
//! Charging ─► HandedOver ─► Sending ─► Delivered | FailedTold | Blocked (─► Sending at the next try)
//!     └─► Abandoned: the hand-over failed and the gateway refunded; nothing is delivered any more
//! ```

use std::{collections::BTreeMap, time::SystemTime};

use super::{Store, StoreError};

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

impl Store {
    /// Keeps a request before its charge. The same `request_id` again answers the row that is there.
    pub async fn insert_request(&self, _request: &NewRequest) -> Result<Request, StoreError> {
        Err(StoreError::Corrupt { table: "requests", what: "not built yet".to_owned() })
    }

    /// It was charged as this operation.
    pub async fn set_operation(&self, _request_id: &str, _operation_id: &str) -> Result<(), StoreError> {
        Ok(())
    }

    /// The «Генерирую…» message was sent.
    pub async fn set_message(&self, _request_id: &str, _message_id: i32) -> Result<(), StoreError> {
        Ok(())
    }

    /// The worker has the job. Changes nothing where the end is already on its way.
    pub async fn hand_over(&self, _request_id: &str) -> Result<(), StoreError> {
        Ok(())
    }

    /// The hand-over is given up. `false`: too late, its end is on its way or was delivered, so do not refund.
    pub async fn abandon(&self, _request_id: &str) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// By its operation.
    pub async fn request(&self, _operation_id: &str) -> Result<Option<Request>, StoreError> {
        Ok(None)
    }

    /// By its own id.
    pub async fn request_by_id(&self, _request_id: &str) -> Result<Option<Request>, StoreError> {
        Ok(None)
    }

    /// A chat's requests that have not ended, oldest first.
    pub async fn running(&self, _chat_id: i64) -> Result<Vec<Request>, StoreError> {
        Ok(Vec::new())
    }

    /// A chat's requests, newest first.
    pub async fn recent(&self, _chat_id: i64, _limit: u64) -> Result<Vec<Request>, StoreError> {
        Ok(Vec::new())
    }
}
