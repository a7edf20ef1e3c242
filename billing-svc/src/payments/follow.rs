//! What every hint leads to: ask → observe → credit.
//!
//! The money moves by what the provider answers and by nothing else. The steps are commands of their own, each idempotent: a
//! crash between them is healed by whoever comes next, at the latest by those who look for paid payments without a credit.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use super::provider::{Found, PaymentProvider, ProviderError, Reading};
use super::{PaymentError, Payments, TopUp, new_refund_id};
use crate::committer::SubmitError;
use crate::ledger::{
    Command, Observation, Outcome, Payment, PaymentId, PaymentRefund, PaymentState, Provider,
    RefundOrigin, RefundState, Rejection, Report,
};
use crate::metrics;
use crate::store::StoreError;

/// Strangers that are remembered; beyond that all are forgotten, and counted once more.
const MAX_STRANGERS: usize = 10_000;

/// Where a hint has led.
#[derive(Debug)]
pub(super) enum Followed {
    /// To a payment of ours: what the provider says of it is written.
    Kept,
    /// To nothing of ours: nothing was changed.
    Unmatched,
    /// The provider tells only in its list.
    InFeed,
}

/// Why a hint could not be followed to its end. The same hint again may be.
#[derive(Debug, thiserror::Error)]
pub(super) enum FollowError {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Submit(#[from] SubmitError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log has the details.
    #[error("refused by a rule: {0:?}")]
    Rule(Rejection),
}

impl FollowError {
    /// Because of this one payment, and again each time, until somebody has looked.
    pub(super) fn is_stuck(&self) -> bool {
        match self {
            Self::Rule(_)
            | Self::Submit(SubmitError::Internal)
            | Self::Store(StoreError::Corrupt { .. } | StoreError::Refused(_)) => true,
            Self::Provider(_) | Self::Submit(_) | Self::Store(_) => false,
        }
    }
}

impl From<FollowError> for PaymentError {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::Provider(error) => error.into(),
            FollowError::Submit(error) => error.into(),
            FollowError::Store(error) => error.into(),
            FollowError::Rule(rejection) => Self::Rule(rejection),
        }
    }
}

impl Payments {
    /// Asks a provider about one payment of its own, and follows what it says.
    pub(super) async fn follow(
        &self,
        provider: &Arc<dyn PaymentProvider>,
        provider_payment_id: &str,
    ) -> Result<Followed, FollowError> {
        match provider.read(provider_payment_id).await {
            Ok(Reading::Found(found)) => self.observe(provider.id(), *found).await,
            Ok(Reading::Unknown) => {
                self.unmatched(provider.id(), provider_payment_id, "the provider has no such one");
                Ok(Followed::Unmatched)
            }
            Ok(Reading::InFeed) => Ok(Followed::InFeed),
            // To refuse a question is to say nothing.
            Err(ProviderError::Refused { why }) => {
                tracing::warn!(provider = provider.id().name(), why, "a question was refused");
                Err(ProviderError::UNAVAILABLE.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Follows what a provider has said.
    pub(super) async fn observe(
        &self,
        provider: Provider,
        found: Found,
    ) -> Result<Followed, FollowError> {
        let Some(ours) = self.ours(provider, &found).await? else {
            self.unmatched(provider, &found.report.provider_payment_id, "it is no payment of ours");
            return Ok(Followed::Unmatched);
        };
        let report = found.report;
        let observed = match self.submit_observation(&ours, provider, &report).await {
            Err(FollowError::Rule(Rejection::PaymentNotFound)) => {
                self.unmatched(provider, &report.provider_payment_id, "it is no payment of ours");
                return Ok(Followed::Unmatched);
            }
            other => other?,
        };
        let credited = self.credit(&observed.payment, &observed.refunds).await?;
        // What was given back of a payment before we had credited it counts only from now on.
        if credited.is_some() && !report.refunds.is_empty() {
            self.submit_observation(&ours, provider, &report).await?;
        }
        Ok(Followed::Kept)
    }

    /// Credits a payment that is paid and waits for nobody. `None`: there is nothing to credit.
    pub(super) async fn credit(
        &self,
        payment: &Payment,
        refunds: &[PaymentRefund],
    ) -> Result<Option<TopUp>, FollowError> {
        let goes_back = refunds.iter().any(|refund| {
            refund.origin == RefundOrigin::Rule && refund.state != RefundState::Reversed
        });
        if payment.state != PaymentState::Paid || payment.parked.is_some() || goes_back {
            return Ok(None);
        }
        let command = Command::CreditPayment {
            user_id: payment.user_id.clone(),
            payment_id: payment.payment_id,
            by: None,
        };
        match self.top_up_of(command, payment).await {
            Ok(top_up) => Ok(Some(top_up)),
            // Somebody was faster: parked it, or gave it back.
            Err(FollowError::Rule(Rejection::PaymentState { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The payment that a report is about.
    async fn ours(&self, provider: Provider, found: &Found) -> Result<Option<Payment>, StoreError> {
        let store = &self.0.store;
        let named = match found.payment_id {
            Some(payment_id) => store.payment(payment_id).await?,
            None => None,
        };
        let ours = match named {
            Some(payment) => Some(payment),
            None => {
                store.payment_by_provider_id(provider, &found.report.provider_payment_id).await?
            }
        };
        Ok(ours.filter(|payment| {
            payment.provider == provider
                && found.payer.as_ref().is_none_or(|payer| *payer == payment.user_id)
        }))
    }

    async fn submit_observation(
        &self,
        ours: &Payment,
        provider: Provider,
        report: &Report,
    ) -> Result<TopUp, FollowError> {
        let refund_ids = (0..=report.refunds.len()).map(|_| new_refund_id()).collect();
        let observation = Observation {
            user_id: ours.user_id.clone(),
            payment_id: ours.payment_id,
            provider,
            report: report.clone(),
            repeat_id: PaymentId(Uuid::now_v7()),
            refund_ids,
        };
        self.top_up_of(Command::ObservePayment(observation), ours).await
    }

    /// Submits a command about a payment that the caller knows so.
    pub(super) async fn top_up_of(
        &self,
        command: Command,
        before: &Payment,
    ) -> Result<TopUp, FollowError> {
        let outcome = self.0.committer.submit(command, None).await?.map_err(FollowError::Rule)?;
        let Outcome::Payment { payment, refunds, replayed, .. } = outcome else {
            tracing::error!(?outcome, "a command about a payment had another outcome");
            return Err(FollowError::Submit(SubmitError::Internal));
        };
        self.note(&payment, Some(before), replayed);
        Ok(TopUp { payment, refunds, replayed })
    }

    fn unmatched(&self, provider: Provider, provider_payment_id: &str, why: &'static str) {
        if self.0.strangers.is_new(provider, provider_payment_id) {
            metrics::unmatched_payment(provider);
            tracing::warn!(
                provider = provider.name(),
                provider_payment_id,
                why,
                "a payment matches nothing here, and changes nothing"
            );
        }
    }
}

/// Payments that match nothing, and were said so: a list shows them again and again.
#[derive(Debug, Default)]
pub(super) struct Strangers(Mutex<HashSet<(Provider, String)>>);

impl Strangers {
    pub(super) fn knows(&self, provider: Provider, provider_payment_id: &str) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(&(provider, provider_payment_id.to_owned()))
    }

    fn is_new(&self, provider: Provider, provider_payment_id: &str) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_STRANGERS {
            known.clear();
        }
        known.insert((provider, provider_payment_id.to_owned()))
    }
}
