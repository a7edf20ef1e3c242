//! Telegram Stars: invoices, the bot's word before a payment, the list of transactions, refunds.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::api::{Answer, ApiError};
use super::chat::{State, unix_seconds};
use super::markup;
use super::params::Params;

/// What an invoice may cost, in Stars.
const MAX_STARS: i64 = 100_000;
/// How many transactions one call answers.
const MAX_TRANSACTIONS: i64 = 100;

/// What a bot asks for in an invoice.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Invoice {
    pub(super) title: String,
    pub(super) description: String,
    /// The payer never sees it.
    pub(super) payload: String,
    pub(super) stars: i64,
}

/// Stars that came from a user, or went back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Transaction {
    /// The charge's id; a refund has the id of what it refunds.
    pub(super) id: String,
    pub(super) user_id: i64,
    pub(super) stars: i64,
    pub(super) payload: String,
    date: u64,
    pub(super) refund: bool,
}

/// What the bot said to a payment that is about to be made.
#[derive(Debug, Clone)]
pub(super) enum PreCheckout {
    Asked,
    Approved,
    /// With what the payer is told.
    Refused(String),
}

impl Invoice {
    fn read(params: &Params) -> Result<Self, ApiError> {
        let text = |name: &str| params.text(name).unwrap_or_default();
        let (title, description, payload) = (text("title"), text("description"), text("payload"));
        if !(1..=32).contains(&title.chars().count()) {
            return Err(ApiError::bad("TITLE_INVALID"));
        }
        if !(1..=255).contains(&description.chars().count()) {
            return Err(ApiError::bad("DESCRIPTION_INVALID"));
        }
        if !(1..=128).contains(&payload.len()) {
            return Err(ApiError::bad("INVOICE_PAYLOAD_INVALID"));
        }
        if text("currency") != "XTR" {
            // Any other currency needs a provider, and the stand-in has none.
            return Err(ApiError::bad("PAYMENT_PROVIDER_INVALID"));
        }
        let prices = params.json("prices");
        let prices = prices.as_ref().and_then(Value::as_array).map(Vec::as_slice);
        let Some([price]) = prices else {
            return Err(ApiError::bad("STARS_INVOICE_INVALID"));
        };
        let stars = price["amount"].as_i64().filter(|stars| (1..=MAX_STARS).contains(stars));
        let labelled = price["label"].as_str().is_some_and(|label| !label.is_empty());
        let stars = stars.filter(|_| labelled && text("provider_token").is_empty());
        let stars = stars.ok_or_else(|| ApiError::bad("STARS_INVOICE_INVALID"))?;
        Ok(Self { title, description, payload, stars })
    }
}

impl Transaction {
    /// As getStarTransactions shows it.
    fn shown(&self, state: &State) -> Value {
        let user = state.chats.get(&self.user_id).map(super::chat::Chat::user);
        let partner = json!({"type": "user", "transaction_type": "invoice_payment", "user": user,
            "invoice_payload": self.payload});
        let side = if self.refund { "receiver" } else { "source" };
        let mut shown = json!({"id": self.id, "amount": self.stars, "date": self.date});
        shown[side] = partner;
        shown
    }
}

impl World {
    pub(super) fn send_invoice(&self, params: &Params) -> Answer {
        let chat_id = self.writable(params)?;
        let invoice = Invoice::read(params)?;
        let keyboard = match markup::keyboard(params)? {
            Some(keyboard) if keyboard["inline_keyboard"][0][0]["pay"] == true => keyboard,
            Some(_) => return Err(ApiError::bad("REPLY_MARKUP_BUY_EMPTY")),
            None => {
                let label = format!("Pay ⭐️{}", invoice.stars);
                json!({"inline_keyboard": [[{"text": label, "pay": true}]]})
            }
        };
        let content = json!({"reply_markup": keyboard,
            "invoice": {"title": invoice.title, "description": invoice.description, "start_parameter": "",
                "currency": "XTR", "total_amount": invoice.stars}});
        let sent = self.change(|state| {
            let sent = state.add_message(chat_id, true, content)?;
            let id = sent["message_id"].as_i64()?;
            state.invoices.insert(id, invoice);
            Some(sent)
        });
        sent.ok_or_else(|| ApiError::bad("chat not found"))
    }

    pub(super) fn create_invoice_link(&self, params: &Params) -> Answer {
        let invoice = Invoice::read(params)?;
        let link = format!("https://t.me/${}", Uuid::new_v4().simple());
        self.change(|state| state.invoice_links.insert(link.clone(), invoice));
        Ok(json!(link))
    }

    pub(super) fn answer_pre_checkout_query(&self, params: &Params) -> Answer {
        let id = params.text("pre_checkout_query_id").unwrap_or_default();
        let message = params.text("error_message").unwrap_or_default();
        let word = match (params.flag("ok"), message.is_empty()) {
            (true, _) => PreCheckout::Approved,
            (false, false) => PreCheckout::Refused(message),
            (false, true) => return Err(ApiError::bad("ERROR_TEXT_EMPTY")),
        };
        self.change(|state| match state.pre_checkouts.get_mut(&id) {
            Some(asked @ PreCheckout::Asked) => {
                *asked = word;
                Ok(json!(true))
            }
            Some(PreCheckout::Approved | PreCheckout::Refused(_)) | None => Err(ApiError::bad(
                "query is too old and response timeout expired or query ID is invalid",
            )),
        })
    }

    pub(super) fn get_star_transactions(&self, params: &Params) -> Answer {
        let offset = usize::try_from(params.int("offset").unwrap_or(0)).unwrap_or(0);
        let limit = params.int("limit").unwrap_or(MAX_TRANSACTIONS).clamp(1, MAX_TRANSACTIONS);
        let limit = usize::try_from(limit).unwrap_or(1);
        let state = self.state();
        let page = state.transactions.iter().skip(offset).take(limit);
        let page: Vec<_> = page.map(|transaction| transaction.shown(&state)).collect();
        Ok(json!({ "transactions": page }))
    }

    pub(super) fn refund_star_payment(&self, params: &Params) -> Answer {
        let user_id = params.int("user_id");
        let user_id = user_id.ok_or_else(|| ApiError::bad("invalid user_id specified"))?;
        let charge_id = params.text("telegram_payment_charge_id").unwrap_or_default();
        if charge_id.is_empty() {
            return Err(ApiError::bad("CHARGE_ID_EMPTY"));
        }
        self.change(|state| state.refund_stars(Some(user_id), &charge_id))?;
        Ok(json!(true))
    }
}

impl State {
    /// Takes a user's Stars: the transaction, the message of both, and the update unless it is to be lost. Answers the
    /// charge's id.
    pub(super) fn charge_stars(&mut self, user_id: i64, invoice: &Invoice) -> String {
        let number = self.transactions.len();
        // Telegram's ids have no fixed length, and some are longer than 128 characters.
        let length = if number % 3 == 2 { 160 } else { 60 };
        let mut id = String::from("stx");
        while id.len() < length {
            id.push_str(&Uuid::new_v4().simple().to_string());
        }
        id.truncate(length);
        self.transactions.push(Transaction {
            id: id.clone(),
            user_id,
            stars: invoice.stars,
            payload: invoice.payload.clone(),
            date: unix_seconds(),
            refund: false,
        });
        let payment = json!({"successful_payment": {"currency": "XTR", "total_amount": invoice.stars,
            "invoice_payload": invoice.payload, "telegram_payment_charge_id": id,
            "provider_payment_charge_id": format!("{user_id}_{number}")}});
        let message = self.add_message(user_id, false, payment);
        if self.lost_payments > 0 {
            if self.lost_payments != u32::MAX {
                self.lost_payments -= 1;
            }
        } else if let Some(message) = message {
            self.push_update("message", &message);
        }
        id
    }

    /// Gives Stars back, once; `user_id` is who must have paid, where the caller says.
    pub(super) fn refund_stars(
        &mut self,
        user_id: Option<i64>,
        charge_id: &str,
    ) -> Result<(), ApiError> {
        let of_charge = |transaction: &&Transaction| transaction.id == charge_id;
        let paid = self.transactions.iter().find(of_charge);
        let paid = paid.filter(|paid| user_id.is_none_or(|user_id| user_id == paid.user_id));
        let paid = paid.cloned().ok_or_else(|| ApiError::bad("CHARGE_NOT_FOUND"))?;
        if self.transactions.iter().filter(of_charge).any(|transaction| transaction.refund) {
            return Err(ApiError::bad("CHARGE_ALREADY_REFUNDED"));
        }
        let content = json!({"refunded_payment": {"currency": "XTR", "total_amount": paid.stars,
            "invoice_payload": paid.payload, "telegram_payment_charge_id": paid.id}});
        let user_id = paid.user_id;
        self.transactions.push(Transaction { date: unix_seconds(), refund: true, ..paid });
        if let Some(message) = self.add_message(user_id, false, content) {
            self.push_update("message", &message);
        }
        Ok(())
    }

    /// Stars that users have paid and not got back.
    pub(super) fn stars(&self) -> i64 {
        let signed = |transaction: &Transaction| {
            if transaction.refund { -transaction.stars } else { transaction.stars }
        };
        self.transactions.iter().map(signed).sum()
    }
}
