//! A paid handler of the bot: charged before it runs, given back where it fails.

use std::future::Future;

use proto::billing::v1::{ChargeRequest, Operation};
use proto::client::{BillingClient, CallError, GuardError, Refusal};
use proto::money::{shown, shown_missing};
use teloxide::prelude::*;
use teloxide::types::Me;

use crate::bot::menu;

/// Who asks, and by which update.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What Kopilka calls the user.
    pub user_id: String,
    /// The same whenever Telegram sends the same update.
    pub update: String,
    /// Where to answer.
    pub chat_id: ChatId,
}

impl Asked {
    /// `None`: nobody does, as in a channel's post.
    pub fn read(me: Me, update: Update) -> Option<Self> {
        Some(Self {
            user_id: format!("tg:{}", update.from()?.id),
            update: format!("{}-{}", me.id, update.id.0),
            chat_id: update.chat()?.id,
        })
    }
}

// [3 guard]
/// Charges whoever asked, and runs the handler with the operation; or tells them why not.
pub async fn check_balance<F>(
    bot: &Bot,
    billing: &BillingClient,
    asked: &Asked,
    kind: &str,
    handler: impl FnOnce(Operation) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let request = ChargeRequest {
        // An update that comes twice is charged once.
        request_id: format!("tg-{}", asked.update),
        user_id: asked.user_id.clone(),
        kind: kind.to_owned(),
        ..Default::default()
    };
    match billing.guard(request, handler).await {
        Ok(_) => Ok(()),
        Err(GuardError::NotCharged(error)) => {
            let answer = bot.send_message(asked.chat_id, declined(&error));
            match error.refusal() {
                // A top-up would help.
                Some(Refusal::InsufficientFunds { .. } | Refusal::InDebt) => {
                    answer.reply_markup(menu()).await?
                }
                _ => answer.await?,
            };
            Ok(())
        }
        // Given back already.
        Err(GuardError::Failed(error)) => Err(error),
    }
}
// [end]

/// Why a user was not charged, for them.
fn declined(error: &CallError) -> String {
    match error.refusal() {
        Some(Refusal::InsufficientFunds { required, available, missing, currency, .. }) => {
            let missing = shown_missing(missing, &currency, "ru");
            let required = shown_missing(required, &currency, "ru");
            let available = shown(available, &currency, "ru");
            format!("Не хватает {missing}: нужно {required}, есть {available}. Пополните баланс.")
        }
        Some(Refusal::InDebt) => {
            "Платёж был возвращён, и на счёте долг. Пополните баланс, чтобы продолжить.".to_owned()
        }
        Some(Refusal::UserBlocked) => "Ваш счёт заблокирован.".to_owned(),
        Some(Refusal::LimitExceeded(_)) => {
            "Слишком много запросов. Попробуйте немного позже.".to_owned()
        }
        _ => {
            tracing::warn!(%error, "a charge failed");
            "Сейчас не получается принять заказ. Деньги не списаны или вернутся. Попробуйте позже."
                .to_owned()
        }
    }
}
