//! What Telegram keeps: chats with their messages, updates to deliver, the bot's settings.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::BOT_ID;
use super::api::Call;
use super::failure::Plan;
use super::files::FileRecord;
use super::stars::{Invoice, PreCheckout, Transaction};
use super::updates::Update;

/// How long Telegram waits for the bot's word on a payment.
const PRE_CHECKOUT_WAIT: Duration = Duration::from_secs(10);
/// Older messages of a chat are forgotten.
const MESSAGES_KEPT: usize = 500;

#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    pub(super) chats: BTreeMap<i64, Chat>,
    pub(super) files: BTreeMap<String, FileRecord>,
    pub(super) updates: VecDeque<Update>,
    /// The last ones, for redelivery.
    pub(super) delivered: VecDeque<Update>,
    pub(super) next_update_id: i64,
    pub(super) next_message_id: i64,
    pub(super) webhook: Option<Webhook>,
    /// Empty is Telegram's default: everything that the stand-in makes.
    pub(super) allowed_updates: Vec<String>,
    /// By language; "" is for all others.
    pub(super) commands: BTreeMap<String, Value>,
    /// Ids of presses that the bot has not answered, and whose they are.
    pub(super) presses: BTreeMap<String, i64>,
    /// By message.
    pub(super) invoices: BTreeMap<i64, Invoice>,
    pub(super) invoice_links: BTreeMap<String, Invoice>,
    /// Of Stars, oldest first.
    pub(super) transactions: Vec<Transaction>,
    /// Payments that wait for the bot's word, by the query's id.
    #[serde(skip)]
    pub(super) pre_checkouts: BTreeMap<String, PreCheckout>,
    #[serde(skip)]
    pub(super) pre_checkout_wait: Duration,
    /// How many updates about payments to come are lost.
    #[serde(skip)]
    pub(super) lost_payments: u32,
    #[serde(skip)]
    pub(super) plans: Vec<Plan>,
    #[serde(skip)]
    pub(super) twice: u32,
    #[serde(skip)]
    pub(super) calls: VecDeque<Call>,
    /// Which getUpdates call is the newest: an older one ends with 409.
    #[serde(skip)]
    pub(super) poll: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            chats: BTreeMap::new(),
            files: BTreeMap::new(),
            updates: VecDeque::new(),
            delivered: VecDeque::new(),
            next_update_id: 500_000_001,
            next_message_id: 1,
            webhook: None,
            allowed_updates: Vec::new(),
            commands: BTreeMap::new(),
            presses: BTreeMap::new(),
            invoices: BTreeMap::new(),
            invoice_links: BTreeMap::new(),
            transactions: Vec::new(),
            pre_checkouts: BTreeMap::new(),
            pre_checkout_wait: PRE_CHECKOUT_WAIT,
            lost_payments: 0,
            plans: Vec::new(),
            twice: 0,
            calls: VecDeque::new(),
            poll: 0,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Webhook {
    pub(super) url: String,
    pub(super) secret: Option<String>,
    pub(super) last_error: Option<String>,
}

/// A private chat of the bot with one user; both have the same id.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Chat {
    pub(super) id: i64,
    pub(super) first_name: String,
    pub(super) language_code: String,
    pub(super) blocked: bool,
    /// Messages as the Bot API shows them, oldest first.
    pub(super) messages: Vec<Value>,
    /// "typing" and the like, with the unix milliseconds at which it ends.
    #[serde(skip)]
    pub(super) action: Option<(String, u64)>,
    /// The last answer to a press, or why a payment failed: text, whether as an alert, and which one it is.
    #[serde(skip)]
    pub(super) notice: Option<(String, bool, u64)>,
}

impl Chat {
    /// The user, as the Bot API shows them.
    pub(super) fn user(&self) -> Value {
        json!({"id": self.id, "is_bot": false, "first_name": self.first_name, "language_code": self.language_code})
    }

    pub(super) fn chat(&self) -> Value {
        json!({"id": self.id, "type": "private", "first_name": self.first_name})
    }

    /// Shows a text above the chat, as an alert or for a moment.
    pub(super) fn notify(&mut self, text: String, alert: bool) {
        let number = self.notice.as_ref().map_or(0, |(_, _, number)| *number) + 1;
        self.notice = Some((text, alert, number));
    }

    pub(super) fn message(&mut self, id: i64) -> Option<&mut Value> {
        self.messages.iter_mut().find(|message| message["message_id"] == id)
    }
}

impl State {
    pub(super) fn ensure_chat(&mut self, id: i64, first_name: &str, language_code: &str) {
        self.chats.entry(id).or_insert_with(|| Chat {
            id,
            first_name: first_name.to_owned(),
            language_code: language_code.to_owned(),
            blocked: false,
            messages: Vec::new(),
            action: None,
            notice: None,
        });
    }

    /// Adds a message to a chat and answers it; `content` holds what differs (text, photo, …).
    pub(super) fn add_message(
        &mut self,
        chat_id: i64,
        from_bot: bool,
        content: Value,
    ) -> Option<Value> {
        let message_id = self.next_message_id;
        let chat = self.chats.get_mut(&chat_id)?;
        let from = if from_bot { bot() } else { chat.user() };
        let mut message = json!({"message_id": message_id, "from": from, "chat": chat.chat(), "date": unix_seconds()});
        if let (Some(message), Value::Object(content)) = (message.as_object_mut(), content) {
            message.extend(content);
        }
        chat.messages.push(message.clone());
        if chat.messages.len() > MESSAGES_KEPT {
            chat.messages.remove(0);
        }
        if from_bot {
            chat.action = None;
        }
        self.next_message_id += 1;
        Some(message)
    }

    /// Shows a text above a user's chat, to be dismissed.
    pub(super) fn show_notice(&mut self, chat_id: i64, text: &str) {
        if let Some(chat) = self.chats.get_mut(&chat_id) {
            chat.notify(text.to_owned(), true);
        }
    }

    pub(super) fn commands_for(&self, language_code: &str) -> Value {
        let own = self.commands.get(language_code);
        let commands = own.or_else(|| self.commands.get(""));
        commands.cloned().unwrap_or_else(|| json!([]))
    }
}

/// The bot, as the Bot API shows it in messages.
pub(super) fn bot() -> Value {
    json!({"id": BOT_ID, "is_bot": true, "first_name": "Kopilka", "username": "kopilka_sandbox_bot"})
}

pub(super) fn unix_seconds() -> u64 {
    unix_millis() / 1000
}

pub(super) fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
