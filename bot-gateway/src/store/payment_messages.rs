//! The message of each payment, the one with its link: it is edited to where the payment stands.

use std::time::SystemTime;

use service_kit::time::to_micros;

use super::{Store, StoreError};

/// The messages of payments.
pub struct PaymentMessages<'a>(&'a Store);

/// The message of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentMessage {
    /// Where it is.
    pub chat_id: i64,
    /// Which.
    pub message_id: i32,
}

impl Store {
    /// The messages of payments.
    pub fn payment_messages(&self) -> PaymentMessages<'_> {
        PaymentMessages(self)
    }
}

impl PaymentMessages<'_> {
    /// This message shows the payment. A later one takes its place.
    pub async fn remember(
        &self,
        payment_id: &str,
        chat_id: i64,
        message_id: i32,
    ) -> Result<(), StoreError> {
        self.0
            .write(
                "INSERT INTO payment_messages (payment_id, chat_id, message_id, create_time)
                 VALUES ($1, $2, $3, $4)
                 ON CONFLICT (payment_id) DO UPDATE SET
                    chat_id = excluded.chat_id, message_id = excluded.message_id",
                [
                    payment_id.into(),
                    chat_id.into(),
                    message_id.into(),
                    to_micros(SystemTime::now()).into(),
                ],
            )
            .await?;
        Ok(())
    }

    /// The message that shows the payment; `None`: none was sent, or long ago.
    pub async fn find(&self, payment_id: &str) -> Result<Option<PaymentMessage>, StoreError> {
        let sql = "SELECT chat_id, message_id FROM payment_messages WHERE payment_id = $1";
        let Some(row) = self.0.row(sql, [payment_id.into()]).await? else { return Ok(None) };
        Ok(Some(PaymentMessage {
            chat_id: row.try_get("", "chat_id")?,
            message_id: row.try_get("", "message_id")?,
        }))
    }
}
