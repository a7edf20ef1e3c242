//! Carries one order to its user: takes the request, sends, writes down how it went.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use proto::client::ImagesClient;
use teloxide::{
    Bot,
    payloads::SendMessageSetters as _,
    prelude::Requester,
    types::{ChatId, MessageId},
};
use tokio::{sync::Semaphore, time::sleep};

use super::{Delivered, DeliveryError, Order, Outcome, pictures};
use crate::{
    bot::render::{self, Rendered},
    metrics,
    store::{Claim, DeliveryLease, Intent, Request, RequestState, Store, StoreError},
    telegram::send::{SendError, edit, send},
};

/// Deliveries at once: each holds the pictures of one result in memory.
const CONCURRENCY: usize = 16;
/// How long a call waits for room.
const PATIENCE: Duration = Duration::from_secs(10);
const LEASE: Duration = Duration::from_secs(30);
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long a call waits for another delivery of the same operation before it answers "not now".
const WAIT_FOR_OTHER: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Delivers. Cheap to clone.
#[derive(Clone)]
pub struct Delivery {
    bot: Bot,
    images: ImagesClient,
    store: Store,
    room: Arc<Semaphore>,
}

/// A request that this delivery holds.
struct Held {
    lease: DeliveryLease,
    request: Request,
    intent: Option<Intent>,
}

enum Hold {
    Held(Box<Held>),
    Ended(RequestState),
}

impl Delivery {
    /// `bot` needs a timeout that leaves time for uploads.
    pub fn new(bot: Bot, images: ImagesClient, store: Store) -> Self {
        Delivery { bot, images, store, room: Arc::new(Semaphore::new(CONCURRENCY)) }
    }

    /// Carries out an order, unless that was done before.
    pub(crate) async fn deliver(&self, order: &Order) -> Result<Delivered, DeliveryError> {
        let started = Instant::now();
        let room = tokio::time::timeout(PATIENCE, self.room.acquire()).await;
        let Ok(Ok(_room)) = room else { return Err(DeliveryError::Overloaded) };
        let held = match self.hold(order).await? {
            Hold::Held(held) => held,
            Hold::Ended(RequestState::Abandoned) => return Err(DeliveryError::Refunded),
            Hold::Ended(_) => return Ok(Delivered::Delivered),
        };
        let sent = tokio::select! {
            sent = self.carry_out(order, &held) => sent,
            () = self.keep(&held.lease) => Err(DeliveryError::UnderWay),
        };
        let answer = self.settle(&held, sent).await;
        let end = match &answer {
            Ok((end, _)) => end,
            Err(DeliveryError::Send(error)) if !error.is_retryable() => "refused",
            Err(_) => "retry",
        };
        metrics::delivery(end, started.elapsed());
        if let Err(error) = &answer {
            tracing::warn!(operation_id = order.operation_id, %error, "a result was not delivered");
        }
        answer.map(|(_, delivered)| delivered)
    }

    /// Takes the request of an order, or learns how it ended.
    async fn hold(&self, order: &Order) -> Result<Hold, DeliveryError> {
        let started = Instant::now();
        loop {
            match self.store.claim_delivery(&order.operation_id, LEASE).await? {
                Some(Claim::Ended(state)) => return Ok(Hold::Ended(state)),
                Some(Claim::Taken { lease, mut request, intent }) => {
                    request.message_id = request.message_id.or(order.message_id);
                    return Ok(Hold::Held(Box::new(Held { lease, request: *request, intent })));
                }
                Some(Claim::Busy) if started.elapsed() > WAIT_FOR_OTHER => {
                    return Err(DeliveryError::UnderWay);
                }
                Some(Claim::Busy) => sleep(LOOK_AGAIN).await,
                None => {
                    let Order { operation_id, chat_id, message_id, locale, .. } = order;
                    self.store.adopt_operation(operation_id, *chat_id, *message_id, locale).await?;
                }
            }
        }
    }

    /// Keeps the lease; answers when it is lost.
    async fn keep(&self, lease: &DeliveryLease) {
        loop {
            sleep(HEARTBEAT).await;
            match self.store.extend_delivery(lease, LEASE).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::warn!(%error, "a delivery's lease could not be kept"),
            }
        }
    }

    async fn carry_out(&self, order: &Order, held: &Held) -> Result<RequestState, DeliveryError> {
        self.outwait_progress(&held.request).await?;
        match order.outcome {
            Outcome::Failure(reason) => {
                self.tell(&held.request, &render::failure(&held.request, reason)).await?;
                Ok(RequestState::FailedTold)
            }
            Outcome::Pictures(count) => {
                self.send_pictures(held, count).await?;
                Ok(RequestState::Delivered)
            }
        }
    }

    /// An edit of «Генерирую…» that is under way must not come after ours. No new one starts: we hold the request.
    async fn outwait_progress(&self, request: &Request) -> Result<(), StoreError> {
        while let Some(until) = self.store.progress_busy_until(&request.request_id).await? {
            if until <= SystemTime::now() {
                break;
            }
            sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    async fn send_pictures(&self, held: &Held, count: u32) -> Result<(), DeliveryError> {
        let request = &held.request;
        let text = render::success(request, count as usize);
        match held.intent {
            Some(Intent::Send) => {
                tracing::warn!(
                    request_id = request.request_id,
                    "sent perhaps, perhaps not: not sent again"
                );
                self.tell(request, &render::interrupted(request)).await?;
                return Ok(());
            }
            Some(Intent::Sent) => return self.finish_album(request, count, &text).await,
            None => {}
        }
        let operation_id = request.operation_id.as_deref().unwrap_or_default();
        let pictures = pictures::fetch(&self.images, operation_id, count).await;
        let pictures = pictures.map_err(DeliveryError::ResultUnavailable)?;
        if let ([picture], Some(message_id)) = (pictures.as_slice(), request.message_id) {
            match pictures::put_into(&self.bot, request.chat_id, message_id, picture, &text).await {
                Ok(file_ids) => return self.kept(held, &file_ids).await,
                // The user deleted the message, most likely: a new one it is.
                Err(SendError::Refused(why)) => {
                    tracing::info!(why, "the message can't become the picture")
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.send_once(held, &pictures, &text).await
    }

    /// Sends what can't be repeated.
    async fn send_once(
        &self,
        held: &Held,
        pictures: &[pictures::Picture],
        text: &Rendered,
    ) -> Result<(), DeliveryError> {
        let request = &held.request;
        if !self.store.note_intent(&held.lease, Some(Intent::Send)).await? {
            return Err(DeliveryError::UnderWay);
        }
        match pictures::send_new(&self.bot, request.chat_id, pictures, text).await {
            Ok(file_ids) => self.kept(held, &file_ids).await?,
            // It may have gone out: the intent stays.
            Err(SendError::Unclear) => return Err(SendError::Unclear.into()),
            Err(error) => {
                self.store.note_intent(&held.lease, None).await?;
                return Err(error.into());
            }
        }
        if let ([_], Some(message_id)) = (pictures, request.message_id) {
            // It could not become the picture; as long as it stands, it says that the job still runs.
            let gone =
                send(self.bot.delete_message(ChatId(request.chat_id), MessageId(message_id))).await;
            tracing::debug!(?gone, "the message was taken away");
        }
        let count = u32::try_from(pictures.len()).unwrap_or(u32::MAX);
        self.finish_album(request, count, text).await
    }

    /// An album takes no buttons: they go into the message. A single picture has them.
    async fn finish_album(
        &self,
        request: &Request,
        count: u32,
        text: &Rendered,
    ) -> Result<(), DeliveryError> {
        if count > 1 {
            self.tell(request, text).await?;
        }
        Ok(())
    }

    async fn kept(&self, held: &Held, file_ids: &[String]) -> Result<(), DeliveryError> {
        match self.store.keep_sent(&held.lease, file_ids).await? {
            true => Ok(()),
            false => Err(DeliveryError::UnderWay),
        }
    }

    /// Writes into the request's message, or a new one where there is none to edit.
    async fn tell(&self, request: &Request, message: &Rendered) -> Result<(), SendError> {
        if let Some(message_id) = request.message_id {
            let mut change = self.bot.edit_message_text(
                ChatId(request.chat_id),
                MessageId(message_id),
                &message.text,
            );
            change.reply_markup = message.keyboard.clone();
            match edit(change).await {
                Ok(_) => return Ok(()),
                Err(SendError::Refused(why)) => tracing::info!(why, "the message can't be edited"),
                Err(error) => return Err(error),
            }
        }
        let mut new = self.bot.send_message(ChatId(request.chat_id), &message.text);
        if let Some(keyboard) = &message.keyboard {
            new = new.reply_markup(keyboard.clone());
        }
        send(new).await?;
        Ok(())
    }

    /// Writes down how it went and lets go.
    async fn settle(
        &self,
        held: &Held,
        sent: Result<RequestState, DeliveryError>,
    ) -> Result<(&'static str, Delivered), DeliveryError> {
        let (state, end, answer) = match sent {
            Ok(state @ RequestState::FailedTold) => (state, "failed_told", Delivered::Delivered),
            Ok(state) => (state, "delivered", Delivered::Delivered),
            Err(DeliveryError::Send(SendError::Blocked)) => {
                (RequestState::Blocked, "blocked", Delivered::RecipientBlocked)
            }
            Err(error) => {
                // Not ours to write any more when the lease was lost; otherwise the next try need not wait for it.
                self.store.release_delivery(&held.lease).await?;
                return Err(error);
            }
        };
        self.store.end_delivery(&held.lease, state).await?;
        Ok((end, answer))
    }
}
