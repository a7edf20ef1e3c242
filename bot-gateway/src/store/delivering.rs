//! The delivery's side of a paid request: who sends its end, and how far that came.
//!
//! A delivery holds the row under a lease. What it is about to do and could not undo is written as an
//! [`Intent`] first, so whoever comes after a crash knows what may have been sent.

use std::time::{Duration, SystemTime};

use serde_json::json;
use uuid::Uuid;

use service_kit::time::to_micros;

use super::{Request, RequestState, Store, StoreError};

/// What a delivery was about to do when it wrote this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Send a message that can't be told from a second one: a new picture or an album.
    Send,
    /// The pictures went out; only the «Генерирую…» message is left to be edited.
    Sent,
}

impl Intent {
    fn as_str(self) -> &'static str {
        match self {
            Intent::Send => "send",
            Intent::Sent => "sent",
        }
    }
}

/// The right to send the end of one request. A newer lease makes this one void.
#[derive(Clone, Debug)]
pub struct DeliveryLease {
    request_id: String,
    token: String,
}

/// What [`Store::claim_delivery`] found.
#[derive(Debug)]
pub enum Claim {
    /// The caller sends it.
    Taken {
        /// The right to do so.
        lease: DeliveryLease,
        /// The row as it is now.
        request: Box<Request>,
        /// What an earlier delivery may have done.
        intent: Option<Intent>,
    },
    /// Another delivery is at it.
    Busy,
    /// It ended before: nothing to send.
    Ended(RequestState),
}

impl Store {
    /// A row for an operation that was not requested here, so that its end is sent once as well.
    pub async fn adopt_operation(
        &self,
        operation_id: &str,
        chat_id: i64,
        message_id: Option<i32>,
        locale: &str,
    ) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO requests (request_id, operation_id, chat_id, user_id, kind, prompt, file_ids, options, locale,
                message_id, taken, state, result_file_ids, progress_step, progress_at, create_time, update_time)
             VALUES ($1, $2, $3, $4, '', '', '[]', '{}', $5, $6, '', 'charging', '[]', 0, $7, $7, $7)
             ON CONFLICT DO NOTHING",
            [
                format!("op-{operation_id}").into(),
                operation_id.into(),
                chat_id.into(),
                format!("tg:{chat_id}").into(),
                locale.into(),
                message_id.into(),
                to_micros(SystemTime::now()).into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Takes the delivery of an operation's end, unless it ended or another holds it. `None`: no such operation.
    pub async fn claim_delivery(
        &self,
        operation_id: &str,
        lease: Duration,
    ) -> Result<Option<Claim>, StoreError> {
        let now = SystemTime::now();
        let token = Uuid::new_v4().to_string();
        let taken = self
            .write(
                "UPDATE requests SET state = 'sending', lease_owner = $2, lease_until = $3, update_time = $4
                 WHERE operation_id = $1 AND (state IN ('charging', 'handed_over', 'blocked')
                    OR (state = 'sending' AND (lease_until IS NULL OR lease_until < $4)))",
                [operation_id.into(), token.as_str().into(), to_micros(now + lease).into(), to_micros(now).into()],
            )
            .await?;
        let Some(request) = self.request(operation_id).await? else { return Ok(None) };
        if taken == 0 {
            let claim = match request.state {
                ended @ (RequestState::Abandoned
                | RequestState::Delivered
                | RequestState::FailedTold) => Claim::Ended(ended),
                // Claimable states may show up here: another delivery let go in between.
                RequestState::Sending
                | RequestState::Charging
                | RequestState::HandedOver
                | RequestState::Blocked => Claim::Busy,
            };
            return Ok(Some(claim));
        }
        let row = self
            .row("SELECT intent FROM requests WHERE operation_id = $1", [operation_id.into()])
            .await?;
        let intent: Option<String> =
            row.map(|row| row.try_get("", "intent")).transpose()?.flatten();
        let intent = match intent.as_deref() {
            None => None,
            Some("send") => Some(Intent::Send),
            Some("sent") => Some(Intent::Sent),
            Some(_) => return Err(StoreError::Corrupt { table: "requests", column: "intent" }),
        };
        let lease = DeliveryLease { request_id: request.request_id.clone(), token };
        Ok(Some(Claim::Taken { lease, request: Box::new(request), intent }))
    }

    /// Keeps the lease for this much longer, from now. `false`: it is void.
    pub async fn extend_delivery(
        &self,
        held: &DeliveryLease,
        lease: Duration,
    ) -> Result<bool, StoreError> {
        let until = to_micros(SystemTime::now() + lease);
        self.write_held(held, "lease_until = $3", [until.into()]).await
    }

    /// Notes what is about to be done or was done. `false`: the lease is void, so do not do it.
    pub async fn note_intent(
        &self,
        held: &DeliveryLease,
        intent: Option<Intent>,
    ) -> Result<bool, StoreError> {
        self.write_held(held, "intent = $3", [intent.map(Intent::as_str).into()]).await
    }

    /// Keeps Telegram's ids of the pictures that went out.
    pub async fn keep_sent(
        &self,
        held: &DeliveryLease,
        file_ids: &[String],
    ) -> Result<bool, StoreError> {
        let ids = json!(file_ids).to_string();
        self.write_held(held, "intent = 'sent', result_file_ids = $3", [ids.into()]).await
    }

    /// Ends the delivery in this state.
    pub async fn end_delivery(
        &self,
        held: &DeliveryLease,
        state: RequestState,
    ) -> Result<bool, StoreError> {
        self.write_held(
            held,
            "state = $3, lease_owner = NULL, lease_until = NULL",
            [state.as_str().into()],
        )
        .await
    }

    /// Lets go without an end: whoever comes next may claim it at once.
    pub async fn release_delivery(&self, held: &DeliveryLease) -> Result<bool, StoreError> {
        self.write_held(held, "lease_owner = NULL, lease_until = NULL", []).await
    }

    async fn write_held(
        &self,
        held: &DeliveryLease,
        set: &str,
        values: impl IntoIterator<Item = sea_orm::Value>,
    ) -> Result<bool, StoreError> {
        let now = to_micros(SystemTime::now());
        let sql = format!(
            "UPDATE requests SET {set}, update_time = {now}
             WHERE request_id = $1 AND lease_owner = $2 AND state = 'sending'"
        );
        let mut all = vec![held.request_id.as_str().into(), held.token.as_str().into()];
        all.extend(values);
        Ok(self.write(&sql, all).await? == 1)
    }
}
