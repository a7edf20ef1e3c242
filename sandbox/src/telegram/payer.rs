//! A person who pays with Telegram Stars. They always have enough of them.

use serde_json::json;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::stars::{Invoice, PreCheckout};
use super::user::TelegramUser;

/// Why Telegram did not take the Stars; the payer is shown it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotPaid {
    /// The chat has no such invoice.
    #[error("no such invoice")]
    NoInvoice,
    /// The bot said no, in these words.
    #[error("the bot refused: {0}")]
    Refused(String),
    /// The bot said nothing for 10 seconds.
    #[error("the bot did not answer in time")]
    Unanswered,
}

impl TelegramUser {
    /// Pays the invoice in this message, as often as one likes; answers `telegram_payment_charge_id`.
    ///
    /// # Errors
    /// There is no such invoice; the bot refused, or did not answer in time.
    pub async fn pay_invoice(&self, message_id: i64) -> Result<String, NotPaid> {
        let invoice = {
            let mut state = self.world().state();
            let chat = state.chats.get_mut(&self.id());
            let here = chat.and_then(|chat| chat.message(message_id)).is_some();
            state.invoices.get(&message_id).filter(|_| here).cloned()
        };
        self.pay_stars(invoice.ok_or(NotPaid::NoInvoice)?).await
    }

    /// Pays the newest invoice in the chat.
    ///
    /// # Errors
    /// As [`Self::pay_invoice`].
    pub async fn pay_newest_invoice(&self) -> Result<String, NotPaid> {
        let messages = self.messages();
        let newest = messages.iter().rev().find(|message| message.invoice.is_some());
        self.pay_invoice(newest.ok_or(NotPaid::NoInvoice)?.id).await
    }

    /// Pays by a link that the bot made with createInvoiceLink.
    ///
    /// # Errors
    /// As [`Self::pay_invoice`].
    pub async fn pay_invoice_link(&self, link: &str) -> Result<String, NotPaid> {
        let invoice = self.world().state().invoice_links.get(link).cloned();
        self.pay_stars(invoice.ok_or(NotPaid::NoInvoice)?).await
    }

    async fn pay_stars(&self, invoice: Invoice) -> Result<String, NotPaid> {
        let word = self.ask_the_bot(&invoice).await;
        self.world().change(|state| match word {
            PreCheckout::Approved => Ok(state.charge_stars(self.id(), &invoice)),
            PreCheckout::Asked => {
                state.show_notice(self.id(), "Бот не ответил вовремя. Попробуйте позже.");
                Err(NotPaid::Unanswered)
            }
            PreCheckout::Refused(why) => {
                state.show_notice(self.id(), &why);
                Err(NotPaid::Refused(why))
            }
        })
    }

    /// Sends `pre_checkout_query` and waits for the bot's word; `Asked` when there was none in time.
    async fn ask_the_bot(&self, invoice: &Invoice) -> PreCheckout {
        let id = (Uuid::new_v4().as_u128() >> 65).to_string();
        let mut changes = self.world().version.subscribe();
        let wait = self.world().change(|state| {
            let from = state.chats.get(&self.id()).map(super::chat::Chat::user);
            let query = json!({"id": id, "from": from, "currency": "XTR", "total_amount": invoice.stars,
                "invoice_payload": invoice.payload});
            state.pre_checkouts.insert(id.clone(), PreCheckout::Asked);
            state.push_update("pre_checkout_query", &query);
            state.pre_checkout_wait
        });
        let deadline = Instant::now() + wait;
        loop {
            changes.mark_unchanged();
            let answered = {
                let mut state = self.world().state();
                match state.pre_checkouts.get(&id) {
                    Some(PreCheckout::Asked) => None,
                    Some(PreCheckout::Approved | PreCheckout::Refused(_)) | None => {
                        state.pre_checkouts.remove(&id)
                    }
                }
            };
            if let Some(word) = answered {
                return word;
            }
            if timeout_at(deadline, changes.changed()).await.is_err() {
                let last = self.world().change(|state| state.pre_checkouts.remove(&id));
                return last.unwrap_or(PreCheckout::Asked);
            }
        }
    }
}
