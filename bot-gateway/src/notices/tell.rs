//! Tells the users what is in the queue.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::json;
use service_kit::queue::{Held, Leased, Queue};
use teloxide::{
    payloads::SendMessageSetters,
    prelude::Requester,
    types::{ChatAction, ChatId, MessageId},
};

use super::{News, TABLE};
use crate::{
    Services,
    bot::{
        BotError,
        notice::{Listener, Notice},
        render::Rendered,
    },
    lane::{Handler, Lane, Verdict},
    metrics,
    telegram::send::{SendError, edit, send},
};

/// Notices at once.
const CONCURRENCY: usize = 16;
/// How long a killed gateway keeps its notices.
const LEASE: Duration = Duration::from_secs(30);
/// How long Telegram or billing-svc may be away before a notice is old news.
const GIVE_UP: Duration = Duration::from_secs(3 * 24 * 3600);

/// The lane of the notices.
pub fn lane(queue: Queue, services: Services) -> Lane<impl Handler> {
    let handler = Teller { services };
    Lane { name: TABLE, queue, handler, concurrency: CONCURRENCY, lease: LEASE }
}

struct Teller {
    services: Services,
}

/// What a row holds.
#[derive(Serialize, Deserialize)]
struct Item {
    user_id: String,
    news: News,
    /// Stored right before the new message is sent: it was sent perhaps, perhaps not.
    #[serde(default)]
    sending: bool,
}

/// Why a user could not be told.
enum Trouble {
    Bot(BotError),
    /// Nothing was sent, or what was may be repeated.
    Send(SendError),
    /// Another gateway tells it.
    Lost,
}

impl From<BotError> for Trouble {
    fn from(error: BotError) -> Self {
        Trouble::Bot(error)
    }
}

impl Handler for Teller {
    async fn handle(&self, queue: &Queue, item: &Leased) -> Verdict {
        let told = match serde_json::from_value::<Item>(item.payload.clone()) {
            Ok(notice) => self.tell(queue, item, &notice).await,
            Err(error) => return Verdict::Dead(error.to_string()),
        };
        let (why, retryable, pause) = match told {
            Ok(end) => {
                metrics::notice(end);
                return Verdict::Done;
            }
            Err(Trouble::Lost) => return Verdict::Lost,
            // They can be reached no more: nobody to tell.
            Err(Trouble::Send(SendError::Blocked)) => {
                metrics::notice("blocked");
                return Verdict::Done;
            }
            Err(Trouble::Send(error)) => {
                (error.to_string(), error.is_retryable(), error.retry_after())
            }
            Err(Trouble::Bot(error)) => (error.message, error.retryable, error.retry_after),
        };
        let age = SystemTime::now().duration_since(item.create_time).unwrap_or_default();
        if !retryable || age > GIVE_UP {
            metrics::notice("refused");
            return Verdict::Dead(why);
        }
        Verdict::Retry { why, pause: pause.unwrap_or_default() }
    }
}

impl Teller {
    /// Answers how it ended.
    async fn tell(
        &self,
        queue: &Queue,
        item: &Leased,
        told: &Item,
    ) -> Result<&'static str, Trouble> {
        let Some(chat_id) = chat_of(&told.user_id) else { return Ok("nobody") };
        let listener = Listener::of(&told.user_id, chat_id, &self.services).await?;
        let Notice { payment, message } = listener.hears(&told.news).await?;
        let mut edited = false;
        if let Some((payment_id, says)) = payment {
            edited = self.show(&payment_id, &says).await?;
        }
        let Some(message) = message else { return Ok("edited") };
        if told.sending {
            tracing::warn!(item = item.id, "told perhaps, perhaps not: not told again");
            return Ok("interrupted");
        }
        if !edited {
            // May be asked twice, where the message may not: shows an outage or a block while nothing is in doubt.
            let chat = ChatId(chat_id);
            let action = self.services.bot.send_chat_action(chat, ChatAction::Typing);
            send(action).await.map_err(Trouble::Send)?;
        }
        let sending =
            json!(Item { user_id: told.user_id.clone(), news: told.news.clone(), sending: true });
        match queue.save(item, &sending).await {
            Ok(Held::Yes) => {}
            Ok(Held::Lost) => return Err(Trouble::Lost),
            Err(error) => return Err(Trouble::Bot(error.into())),
        }
        self.send(item, chat_id, message).await
    }

    /// Makes the payment's own message say where it stands; `false`: there is none to edit.
    async fn show(&self, payment_id: &str, says: &Rendered) -> Result<bool, Trouble> {
        let messages = self.services.store.payment_messages();
        let own = messages.find(payment_id).await.map_err(|error| Trouble::Bot(error.into()))?;
        let Some(own) = own else { return Ok(false) };
        let (chat, message) = (ChatId(own.chat_id), MessageId(own.message_id));
        let mut change = self.services.bot.edit_message_text(chat, message, &says.text);
        change.reply_markup = says.keyboard.clone();
        match edit(change).await {
            Ok(_) => Ok(true),
            // The user deleted it, most likely.
            Err(SendError::Refused(why)) => {
                tracing::info!(payment_id, why, "the message of a payment can't be edited");
                Ok(false)
            }
            Err(error) => Err(Trouble::Send(error)),
        }
    }

    async fn send(
        &self,
        item: &Leased,
        chat_id: i64,
        message: Rendered,
    ) -> Result<&'static str, Trouble> {
        let mut request = self.services.bot.send_message(ChatId(chat_id), message.text);
        if let Some(keyboard) = message.keyboard {
            request = request.reply_markup(keyboard);
        }
        match send(request).await {
            Ok(_) => Ok("told"),
            // No answer, or one that says nothing: as after a crash.
            Err(SendError::Unclear) => {
                tracing::warn!(item = item.id, "told perhaps, perhaps not: not told again");
                Ok("interrupted")
            }
            Err(error) => Err(Trouble::Send(error)),
        }
    }
}

/// The private chat of a user; `None`: no user of Telegram.
fn chat_of(user_id: &str) -> Option<i64> {
    user_id.strip_prefix("tg:")?.parse().ok().filter(|id| *id > 0)
}
