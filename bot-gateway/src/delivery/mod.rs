//! Brings the end of a job to the user, once.
//!
//! Telegram has no idempotency key, so a delivery prefers what may be repeated: a single picture is put into the
//! «Генерирую…» message by an edit, and editing twice leaves one picture. What can't be repeated (an album, or a
//! picture with no message to edit) is sent after its intent is stored; when the answer is lost, by a crash or on
//! the wire, nobody knows whether it went out. Then it is **not** sent again: the message says so and has a button
//! that shows the result again. A text may be repeated; that harms nobody.
//!
//! One delivery at a time holds a request, under a lease in the [`store`](crate::store) that outlives this process;
//! several gateways may be asked to deliver the same operation. A delivery runs to its end even when the caller
//! hangs up, and the caller's next try learns the outcome.

mod courier;
mod grpc;
mod pictures;
pub mod progress;

use proto::gateway::v1::FailureReason;

use crate::{Services, bot::render, store::StoreError, telegram::send::SendError};

pub use courier::Delivery;
pub use grpc::{DOMAIN, DeliveryGrpc, REASONS};

/// The callback data of the button that shows a result again; [`operation_of_show_callback`] reads it.
pub fn show_callback(operation_id: &str) -> String {
    format!("show:{operation_id}")
}

/// The operation of a button made with [`show_callback`].
pub fn operation_of_show_callback(data: &str) -> Option<&str> {
    data.strip_prefix("show:")
}

/// Why a result could not be shown again.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// The pictures are not kept any more, or the operation is another chat's.
    #[error("the result is gone")]
    Gone,
    /// Worth trying again.
    #[error("the result can't be fetched now")]
    Unavailable,
    /// Telegram did not take it.
    #[error(transparent)]
    Send(#[from] SendError),
}

/// Sends a result once more because its user pressed the button: [`operation_of_show_callback`].
pub async fn show_again(
    chat_id: i64,
    operation_id: &str,
    services: &Services,
) -> Result<(), ShowError> {
    let request = services.store.request(operation_id).await.map_err(|_| ShowError::Unavailable)?;
    let request = request.filter(|request| request.chat_id == chat_id).ok_or(ShowError::Gone)?;
    let pictures = pictures::fetch_all(&services.images, operation_id).await?;
    let text = render::success(&request, pictures.len());
    pictures::send_new(&services.bot, chat_id, &pictures, &text).await?;
    Ok(())
}

/// What is to be delivered, and where to.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub operation_id: String,
    pub chat_id: i64,
    pub message_id: Option<i32>,
    pub locale: String,
    pub outcome: Outcome,
}

/// How a job ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    /// With this many pictures, 1 to 10.
    Pictures(u32),
    Failure(FailureReason),
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivered {
    Delivered,
    RecipientBlocked,
}

/// Why an order could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeliveryError {
    #[error("the operation was refunded by the gateway: nothing is delivered any more")]
    Refunded,
    #[error("too many deliveries at once")]
    Overloaded,
    #[error("another delivery of this operation is under way")]
    UnderWay,
    #[error("the pictures could not be fetched: {0}")]
    ResultUnavailable(proto::client::CallError),
    #[error(transparent)]
    Send(#[from] SendError),
    #[error(transparent)]
    Store(#[from] StoreError),
}
