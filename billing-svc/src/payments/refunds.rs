//! Money that goes back: taken from the balance first, then given back by the provider.
//!
//! `RefundPayment` leaves a row that is pending; whoever comes by asks the provider, with the refund's id as the key, until it
//! has answered for good. A refusal puts the money back into the balance.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::provider::{ProviderError, RefundReply};
use super::{PaymentError, Payments, TopUp, new_refund_id, now};
use crate::ledger::{
    Administrator, Amount, Command, Outcome, Payment, PaymentId, PaymentRefund, RefundAnswer,
    RefundId, RefundState, Timestamp,
};
use crate::metrics;

/// As long as a caller waits for the provider; the refund goes on anyway.
const BOUND: Duration = Duration::from_secs(5);
/// Refunds that are looked at in one go; the rest at the next.
const PAGE: u64 = 100;
/// Questions at once.
const CONCURRENCY: usize = 4;
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Money that an administrator gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRequest {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// How much; all that is left where absent.
    pub amount: Option<Amount>,
    /// Who asks.
    pub by: Administrator,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refunding {
    /// The payment, with all its refunds.
    pub top_up: TopUp,
    /// The one that was asked for.
    pub refund: PaymentRefund,
}

/// The refunds that this instance is asking a provider for.
#[derive(Debug, Clone, Default)]
pub(super) struct UnderWay(Arc<Mutex<HashSet<RefundId>>>);

/// One of them; over when dropped.
struct Turn(UnderWay, RefundId);

impl UnderWay {
    fn begin(&self, refund_id: RefundId) -> Option<Turn> {
        let is_new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(refund_id);
        is_new.then(|| Turn(self.clone(), refund_id))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

impl Payments {
    /// Takes money of a payment from the balance, also below zero, and asks the provider to give it back, waiting a little
    /// for its answer.
    ///
    /// # Errors
    /// `NotFound`, `NotConfigured`, `Rule`, `Submit`, `Store`.
    pub async fn refund(
        &self,
        request: RefundRequest,
        deadline: Option<Instant>,
    ) -> Result<Refunding, PaymentError> {
        let this = self.clone();
        let RefundRequest { payment_id, amount, by } = request;
        self.detached(async move {
            let payment = this.0.store.payment(payment_id).await?.ok_or(PaymentError::NotFound)?;
            let provider = this.provider(payment.provider)?;
            let refund_id = new_refund_id();
            // Ours from the start, so that the answer is here when the caller gets theirs.
            let turn = this.0.refunding.begin(refund_id);
            let command = Command::RefundPayment {
                user_id: payment.user_id.clone(),
                payment_id,
                refund_id,
                amount,
                whole_only: !provider.takes_parts(),
                by,
            };
            let (asked, replayed) = this.asked(command, &payment, deadline).await?;
            let turn = turn.filter(|_| asked.refund_id == refund_id);
            let turn = turn.or_else(|| this.0.refunding.begin(asked.refund_id));
            if let Some(turn) = turn {
                this.carry_out_within_bound(asked.clone(), turn).await;
            }
            let payment = this.0.store.payment(payment_id).await?.ok_or(PaymentError::NotFound)?;
            let top_up = this.as_it_stands(payment, replayed).await?;
            let mine = top_up.refunds.iter().find(|refund| refund.refund_id == asked.refund_id);
            let refund = mine.cloned().unwrap_or(asked);
            Ok(Refunding { top_up, refund })
        })
        .await
    }

    async fn carry_out_within_bound(&self, refund: PaymentRefund, turn: Turn) {
        let this = self.clone();
        let carrying = async move { this.carry_out(&refund, turn).await };
        let carrying = tokio::spawn(carrying.in_current_span());
        match tokio::time::timeout(BOUND, carrying).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "a refund has to be tried again"),
            Ok(Err(error)) => tracing::error!(%error, "a refund failed by a defect"),
            Err(_elapsed) => tracing::info!("a refund goes on without its caller"),
        }
    }

    async fn asked(
        &self,
        command: Command,
        before: &Payment,
        deadline: Option<Instant>,
    ) -> Result<(PaymentRefund, bool), PaymentError> {
        let outcome = self.0.committer.submit(command, deadline).await?;
        let outcome = outcome.map_err(PaymentError::Rule)?;
        let Outcome::Payment { payment, refunds, refund_id, replayed, .. } = outcome else {
            return Err(PaymentError::Defect("a refund had another outcome"));
        };
        self.note(&payment, Some(before), replayed);
        let asked = refunds.into_iter().find(|refund| Some(refund.refund_id) == refund_id);
        asked
            .map(|refund| (refund, replayed))
            .ok_or(PaymentError::Defect("a refund left no refund"))
    }

    /// Asks the provider for a refund, or how it goes, and keeps the answer.
    async fn carry_out(&self, refund: &PaymentRefund, _turn: Turn) -> Result<(), PaymentError> {
        if refund.state != RefundState::Pending || refund.next_try.is_none() {
            return Ok(());
        }
        let found = self.0.store.payment(refund.payment_id).await?;
        let payment = found.ok_or(PaymentError::NotFound)?;
        let answer = self.answer(&payment, refund).await;
        metrics::refund_answer(payment.provider, &answer);
        let name = match &answer {
            RefundAnswer::Succeeded { provider_refund_id }
            | RefundAnswer::Accepted { provider_refund_id, .. } => Some(provider_refund_id.clone()),
            RefundAnswer::Refused { .. } | RefundAnswer::Unanswered { .. } => None,
        };
        let settle = Command::SettleRefund {
            user_id: refund.user_id.clone(),
            payment_id: refund.payment_id,
            refund_id: refund.refund_id,
            answer,
        };
        let settled = self.top_up_of(settle, &payment).await?;
        // Ours may have been taken for one that somebody made at the provider's, of the same amount in the same moment: what
        // the provider says of all of them puts it right.
        let kept = settled.refunds.iter().find(|kept| kept.refund_id == refund.refund_id);
        let other = kept.is_some_and(|kept| name.is_some() && kept.provider_refund_id != name);
        if other && let Some(id) = &payment.provider_payment_id {
            self.follow(&self.provider(payment.provider)?.clone(), id).await?;
        }
        Ok(())
    }

    async fn answer(&self, payment: &Payment, refund: &PaymentRefund) -> RefundAnswer {
        let unanswered = |told: Option<Duration>| {
            let told = told.map(|wait| now().plus(wait.min(LONGEST_PAUSE)));
            let again = self.again(refund);
            RefundAnswer::Unanswered { next_try: told.map_or(again, |told| told.max(again)) }
        };
        // Switched off perhaps for a while: it takes its turn again, behind those of others.
        let Ok(provider) = self.provider(payment.provider) else { return unanswered(None) };
        match provider.refund(payment, refund, now()).await {
            Ok(RefundReply::Succeeded { provider_refund_id }) => {
                RefundAnswer::Succeeded { provider_refund_id }
            }
            Ok(RefundReply::Accepted { provider_refund_id }) => {
                RefundAnswer::Accepted { provider_refund_id, next_try: self.look_again(refund) }
            }
            Ok(RefundReply::Refused { why }) | Err(ProviderError::Refused { why }) => {
                tracing::warn!(refund_id = %refund.refund_id, why, "a provider refused a refund");
                RefundAnswer::Refused { why }
            }
            Err(ProviderError::Unavailable { retry_after }) => unanswered(retry_after),
            Err(ProviderError::Misconfigured) => unanswered(None),
        }
    }

    /// When to ask how it goes: after as long as it has been going on already.
    fn look_again(&self, refund: &PaymentRefund) -> Timestamp {
        let age = now().micros().saturating_sub(refund.create_time.micros());
        let age = Duration::from_micros(u64::try_from(age).unwrap_or(0));
        now().plus(age.clamp(self.0.settings.pace.retry.min(LONGEST_PAUSE), LONGEST_PAUSE))
    }

    /// When to ask again.
    fn again(&self, refund: &PaymentRefund) -> Timestamp {
        let tries = u32::try_from(refund.tries).unwrap_or(u32::MAX).saturating_add(1);
        now().plus(super::pause(self.0.settings.pace.retry, tries, LONGEST_PAUSE))
    }
}

/// Carries out what is due until `shutdown`.
pub(super) async fn run(payments: &Payments, shutdown: &CancellationToken) {
    while !shutdown.is_cancelled() {
        // Safe to drop anywhere: it owns no transaction, and a call that is cut off is made again.
        shutdown.run_until_cancelled(due(payments)).await;
        shutdown.run_until_cancelled(tokio::time::sleep(payments.0.settings.pace.due)).await;
    }
}

async fn due(payments: &Payments) {
    let refunds = match payments.0.store.due_refunds(now(), PAGE).await {
        Ok(refunds) => refunds,
        Err(error) => {
            tracing::warn!(%error, "refunds to carry out can't be read");
            return;
        }
    };
    stream::iter(refunds)
        .for_each_concurrent(CONCURRENCY, |refund| async move {
            let Some(turn) = payments.0.refunding.begin(refund.refund_id) else { return };
            if let Err(error) = payments.carry_out(&refund, turn).await {
                tracing::warn!(refund_id = %refund.refund_id, %error, "a refund has to be tried again");
            }
        })
        .await;
}
