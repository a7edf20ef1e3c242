//! «I have paid, and there is no money»: the provider is asked at once.

use super::follow::Followed;
use super::{PaymentError, Payments, TopUp};
use crate::ledger::{Payment, PaymentId, PaymentState};

impl Payments {
    /// Asks the provider how a payment stands, and credits what was paid.
    ///
    /// # Errors
    /// `NotFound`, `Limited`, `NotConfigured`, `Unavailable`, `Submit`, `Store`.
    pub async fn refresh(&self, payment_id: PaymentId) -> Result<TopUp, PaymentError> {
        let found = self.0.store.payment(payment_id).await?;
        let payment = found.ok_or(PaymentError::NotFound)?;
        self.0.limits.refresh(&payment.user_id)?;
        let this = self.clone();
        self.detached(async move {
            this.check(&payment).await?;
            let payment = this.0.store.payment(payment_id).await?.ok_or(PaymentError::NotFound)?;
            this.as_it_stands(payment, false).await
        })
        .await
    }

    /// Brings a payment to where its provider has it, whatever state it is in.
    pub(super) async fn check(&self, payment: &Payment) -> Result<(), PaymentError> {
        let provider = self.provider(payment.provider)?.clone();
        let followed = match &payment.provider_payment_id {
            Some(id) => self.follow(&provider, id).await?,
            // The answer to its making was lost; the same again has the same answer. A provider that names payments only
            // when they are paid has nothing to tell but its list.
            None if payment.state == PaymentState::Created => {
                return self.open(payment.clone()).await.map(drop);
            }
            None => Followed::InFeed,
        };
        match followed {
            Followed::Kept | Followed::Unmatched => Ok(()),
            Followed::InFeed => Ok(self.read_feed(&provider).await?),
        }
    }
}
