//! What the bot hears from Telegram about Stars: may this be paid, and this was paid.
//!
//! The first is answered from what is stored, at once: Telegram waits ten seconds. The second is a hint like any notification:
//! what counts is Telegram's own list.

use std::time::Duration;

use uuid::Uuid;

use super::telegram_stars::MAX_CHARGE;
use super::{PaymentError, Payments, TopUp};
use crate::ledger::{
    Payment, PaymentId, PaymentState, Provider, ProviderAmount, RepeatRule, Standing, UserId,
};

/// As long as a caller waits for Telegram's list; the payment is followed anyway.
const BOUND: Duration = Duration::from_secs(4);

/// What Telegram asks before it takes Stars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreCheckout {
    /// Who pays.
    pub user_id: UserId,
    /// Of the invoice: a `payment_id`.
    pub invoice_payload: String,
    /// What is to be paid.
    pub price: ProviderAmount,
}

/// Why Telegram must not take a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreCheckoutRefusal {
    /// No such payment of this user.
    Unknown,
    /// Another price than the invoice's.
    Price,
    /// It was paid, and an invoice is taken once.
    Paid,
    /// It was canceled or has expired.
    Closed,
    /// An administrator blocked the user.
    Blocked,
}

/// What Telegram says was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelegramPayment {
    /// Who paid.
    pub user_id: UserId,
    /// Telegram's name for the payment.
    pub telegram_payment_charge_id: String,
    /// Of the invoice: a `payment_id`.
    pub invoice_payload: String,
    /// What was paid.
    pub price: ProviderAmount,
}

impl Payments {
    /// May Telegram take this payment? `None`: yes.
    ///
    /// # Errors
    /// `NotConfigured`, `Store`.
    pub async fn approve_pre_checkout(
        &self,
        asked: PreCheckout,
    ) -> Result<Option<PreCheckoutRefusal>, PaymentError> {
        self.provider(Provider::TelegramStars)?;
        let Some(payment) = self.invoiced(&asked.invoice_payload, &asked.user_id).await? else {
            return Ok(Some(PreCheckoutRefusal::Unknown));
        };
        if asked.price != payment.price {
            return Ok(Some(PreCheckoutRefusal::Price));
        }
        let once = self.0.settings.repeated_invoice == RepeatRule::Refund;
        match payment.state {
            PaymentState::Created | PaymentState::Pending => {}
            PaymentState::Canceled | PaymentState::Expired => {
                return Ok(Some(PreCheckoutRefusal::Closed));
            }
            PaymentState::Paid
            | PaymentState::Credited
            | PaymentState::Refunded
            | PaymentState::Disputed => {
                if once {
                    return Ok(Some(PreCheckoutRefusal::Paid));
                }
            }
        }
        let (user, _) = self.0.store.user_with_grants(&asked.user_id).await?;
        let blocked = user.is_some_and(|user| user.standing == Standing::Blocked);
        Ok(blocked.then_some(PreCheckoutRefusal::Blocked))
    }

    /// Keeps that Telegram says so, and looks at once whether its list says so too. Answers the payment of this charge, or the
    /// one of the invoice while the list does not have it.
    ///
    /// # Errors
    /// `NotConfigured`, `Field`, `NotFound`, `Overloaded`, `Submit`, `Store`.
    pub async fn confirm_telegram(&self, told: TelegramPayment) -> Result<TopUp, PaymentError> {
        let provider = self.provider(Provider::TelegramStars)?.clone();
        let charge = told.telegram_payment_charge_id;
        let takes = "1 to 512 printable characters";
        if !(1..=MAX_CHARGE).contains(&charge.len()) || charge.chars().any(char::is_control) {
            return Err(PaymentError::field("telegram_payment_charge_id", takes));
        }
        let invoiced = self.invoiced(&told.invoice_payload, &told.user_id).await?;
        let invoiced = invoiced.ok_or(PaymentError::NotFound)?;
        let known = self.0.store.payment_by_provider_id(provider.id(), &charge).await?;
        if let Some(known) = known {
            if known.user_id != told.user_id {
                return Err(PaymentError::NotFound);
            }
            if known.credit_time.is_some() {
                return self.as_it_stands(known, true).await;
            }
        }
        if told.price != invoiced.price {
            // The list decides, and parks what is not as promised.
            tracing::warn!(payment_id = %invoiced.payment_id, price = ?told.price, "another price was paid than the invoice's");
        }
        self.enqueue(provider.id(), charge.clone()).await?;
        let this = self.clone();
        self.detached(async move {
            match tokio::time::timeout(BOUND, this.read_feed(&provider)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::info!(%error, "Telegram's list will tell later"),
                Err(_elapsed) => tracing::info!("Telegram's list takes its time"),
            }
            let found = this.0.store.payment_by_provider_id(provider.id(), &charge).await?;
            let payment = match found {
                Some(payment) => payment,
                None => this.0.store.payment(invoiced.payment_id).await?.unwrap_or(invoiced),
            };
            this.as_it_stands(payment, false).await
        })
        .await
    }

    /// The payment of an invoice in Stars of this user.
    async fn invoiced(
        &self,
        payload: &str,
        user_id: &UserId,
    ) -> Result<Option<Payment>, PaymentError> {
        let Ok(id) = Uuid::try_parse(payload) else { return Ok(None) };
        let found = self.0.store.payment(PaymentId(id)).await?;
        Ok(found.filter(|payment| {
            payment.provider == Provider::TelegramStars && payment.user_id == *user_id
        }))
    }
}
