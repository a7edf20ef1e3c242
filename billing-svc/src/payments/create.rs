//! Making a payment: kept here first, then made known to the provider.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::provider::{Opened, ProviderError};
use super::{PaymentError, Payments, TopUp, now, pause};
use crate::ledger::{
    Amount, Closing, Command, NewPayment, Outcome, Payment, PaymentId, PaymentState, Provider,
    RequestId, UserId,
};
use crate::metrics;

/// How often a provider is asked before the caller is.
const TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// No other try begins later than that after the first: a caller waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// A top-up that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopUp {
    /// Whose.
    pub user_id: UserId,
    /// The caller's id of it.
    pub request_id: RequestId,
    /// The caller's name.
    pub caller: String,
    /// With whom.
    pub provider: Provider,
    /// What is to be credited.
    pub amount: Amount,
    /// Where the user is to be sent afterwards.
    pub return_url: Option<String>,
    /// Where the receipt goes.
    pub receipt_email: Option<String>,
}

impl Payments {
    /// Makes a payment, or answers the one of this `request_id` as it stands. One that the provider refuses is answered as
    /// canceled.
    ///
    /// # Errors
    /// `NotConfigured`, `Field`, `Rule`, `Submit`, `Store`; `Unavailable` where the provider does not answer: it is kept
    /// then, and the same request goes on with it.
    pub async fn create(
        &self,
        new: NewTopUp,
        deadline: Option<Instant>,
    ) -> Result<TopUp, PaymentError> {
        let this = self.clone();
        self.detached(async move {
            let (payment, replayed) = this.keep(new, deadline).await?;
            let payment = if payment.state == PaymentState::Created {
                this.open(payment).await?
            } else {
                payment
            };
            this.as_it_stands(payment, replayed).await
        })
        .await
    }

    async fn keep(
        &self,
        new: NewTopUp,
        deadline: Option<Instant>,
    ) -> Result<(Payment, bool), PaymentError> {
        let provider = self.provider(new.provider)?;
        // What was promised once is not priced again, nor refused because the catalogue has changed.
        let price = match self.0.store.payment_by_request(&new.request_id).await? {
            Some(first) => first.price,
            None if provider.needs_receipt_email() && new.receipt_email.is_none() => {
                return Err(PaymentError::field("receipt_email", "where the receipt goes"));
            }
            None => provider
                .price_of(new.amount)
                .map_err(|takes| PaymentError::field("amount", takes))?,
        };
        let first_check = self.0.settings.checks.first().map(|after| now().plus(*after));
        let command = Command::CreatePayment(NewPayment {
            payment_id: PaymentId(Uuid::now_v7()),
            user_id: new.user_id,
            request_id: new.request_id,
            caller: new.caller,
            provider: new.provider,
            amount: new.amount,
            price,
            return_url: new.return_url,
            receipt_email: new.receipt_email,
            first_check,
        });
        self.payment_of(command, None, deadline).await
    }

    /// Makes a payment known to its provider, trying a few times.
    pub(super) async fn open(&self, payment: Payment) -> Result<Payment, PaymentError> {
        let provider = self.provider(payment.provider)?.clone();
        let started = Instant::now();
        for attempt in 1.. {
            let error = match provider.open(&payment, now()).await {
                Ok(opened) => return self.opened(&payment, opened).await,
                Err(error) => error,
            };
            let wait = match &error {
                ProviderError::Refused { why } => {
                    tracing::warn!(payment_id = %payment.payment_id, why, "a provider took no payment");
                    return self.close(&payment, Closing::Refused).await;
                }
                ProviderError::Misconfigured => return Err(error.into()),
                ProviderError::Unavailable { retry_after } => {
                    retry_after.unwrap_or_else(|| pause(FIRST_PAUSE, attempt, LONGEST_PAUSE))
                }
            };
            if attempt >= TRIES || started.elapsed() + wait > PATIENCE {
                return Err(error.into());
            }
            tokio::time::sleep(wait).await;
        }
        Err(PaymentError::Defect("a loop without an end ended"))
    }

    async fn opened(&self, payment: &Payment, opened: Opened) -> Result<Payment, PaymentError> {
        let command = Command::OpenPayment {
            user_id: payment.user_id.clone(),
            payment_id: payment.payment_id,
            provider_payment_id: opened.provider_payment_id,
            confirmation_url: opened.confirmation_url,
        };
        Ok(self.payment_of(command, Some(payment), None).await?.0)
    }

    pub(super) async fn close(
        &self,
        payment: &Payment,
        closing: Closing,
    ) -> Result<Payment, PaymentError> {
        let Payment { user_id, payment_id, .. } = payment;
        let command =
            Command::ClosePayment { user_id: user_id.clone(), payment_id: *payment_id, closing };
        Ok(self.payment_of(command, Some(payment), None).await?.0)
    }

    /// Submits a command about a payment; answers the payment, and whether it stood so before. `before` is how the caller knows
    /// it; none makes a new one.
    pub(super) async fn payment_of(
        &self,
        command: Command,
        before: Option<&Payment>,
        deadline: Option<Instant>,
    ) -> Result<(Payment, bool), PaymentError> {
        let outcome = self.0.committer.submit(command, deadline).await?;
        let outcome = outcome.map_err(PaymentError::Rule)?;
        let Outcome::Payment { payment, replayed, .. } = outcome else {
            return Err(PaymentError::Defect("a command about a payment had another outcome"));
        };
        self.note(&payment, before, replayed);
        Ok((payment, replayed))
    }

    /// Counts a payment that has come to stand elsewhere, and wakes those who tell others.
    pub(super) fn note(&self, payment: &Payment, before: Option<&Payment>, replayed: bool) {
        if replayed {
            return;
        }
        self.0.events.notify_one();
        let stood = before.filter(|before| before.payment_id == payment.payment_id);
        if stood.is_none_or(|before| before.state != payment.state) {
            metrics::payment(payment.provider, payment.state);
        }
    }
}
