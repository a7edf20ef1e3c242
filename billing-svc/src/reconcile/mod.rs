//! What providers say was paid and given back, against what was credited and taken back here. Reads only.
//!
//! `verify` proves that `topups:<provider>` is the sum of our payments; this proves, payment by payment, that those are the
//! provider's. The provider's list is read over the whole time, and each payment on it looked up here; then each payment of
//! that time here is looked up on the list, or asked for where the list doesn't have it: its time there may be another.
//!
//! What happens while it runs may show as a difference; it is none any more at the next run.

mod report;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::ledger::{
    Amount, Payment, PaymentId, PaymentRefund, Provider, ProviderAmount, ProviderStatus,
    RefundState, ReportedRefundState, Timestamp,
};
use crate::payments::PaymentProvider;
use crate::payments::provider::{Found, Listed, ProviderError, Reading};
use crate::store::{Store, StoreError};

pub use report::{Difference, Kind, Report, Total};

/// Payments of ours that are read at once.
const PAGE: u64 = 500;

/// Why it could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// No provider is configured.
    #[error(
        "no provider is configured: set YOOKASSA_SHOP_ID, TELEGRAM_BOT_TOKEN or BILLING_SANDBOX_BANK_URL"
    )]
    NoProvider,
    /// A provider did not answer.
    #[error("{}: {error}", provider.name())]
    Provider {
        /// Which.
        provider: Provider,
        /// Why.
        error: ProviderError,
    },
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Compares what was paid in the last `since`.
///
/// # Errors
/// It could not be compared; nothing is said of any provider then.
pub async fn run(
    store: &Store,
    providers: &[Arc<dyn PaymentProvider>],
    since: Duration,
) -> Result<Report, ReconcileError> {
    if providers.is_empty() {
        return Err(ReconcileError::NoProvider);
    }
    let now = Timestamp::from_micros(service_kit::time::to_micros(SystemTime::now()));
    let from = Timestamp::from_micros(
        now.micros().saturating_sub(i64::try_from(since.as_micros()).unwrap_or(i64::MAX)),
    );
    let mut report = Report::default();
    for provider in providers {
        let of = Comparison { store, provider: provider.as_ref(), report: &mut report };
        of.run(from, now).await?;
    }
    Ok(report)
}

/// What a provider says of one payment.
#[derive(Debug, Clone, Default)]
struct Told {
    payment_id: Option<PaymentId>,
    paid: Option<ProviderAmount>,
    refunded: Amount,
}

struct Comparison<'a> {
    store: &'a Store,
    provider: &'a dyn PaymentProvider,
    report: &'a mut Report,
}

impl Comparison<'_> {
    async fn run(mut self, from: Timestamp, to: Timestamp) -> Result<(), ReconcileError> {
        let mut told = self.list(from).await?;
        for (id, told) in &mut told {
            if told.paid.is_none() {
                // The list has its refund only: it was paid before.
                *told = self.ask(id).await?.unwrap_or_default();
            }
            let ours = self.store.payment_by_provider_id(self.provider.id(), id).await?;
            self.compare(id, told, ours).await?;
        }
        let mut after = None;
        loop {
            let id = self.provider.id();
            let page = self.store.payments_between(id, from, to, after.take(), PAGE).await?;
            for payment in &page {
                let Some(name) = payment.provider_payment_id.as_deref() else { continue };
                if !told.contains_key(name) {
                    let told = self.ask(name).await?.unwrap_or_default();
                    self.compare(name, &told, Some(payment.clone())).await?;
                }
            }
            let full = page.len() as u64 >= PAGE;
            after = page.last().map(|last| (last.user_id.clone(), last.payment_id));
            if !full {
                return Ok(());
            }
        }
    }

    /// Everything on the provider's list, by its name.
    async fn list(&self, from: Timestamp) -> Result<BTreeMap<String, Told>, ReconcileError> {
        let mut all: BTreeMap<String, Told> = BTreeMap::new();
        let mut cursor = self.provider.feed_since(from);
        loop {
            let page = self.provider.feed(cursor.as_deref()).await.map_err(|e| self.failed(e))?;
            for Listed { provider_payment_id, payment_id, paid, refunded, .. } in page.items {
                let told = all.entry(provider_payment_id).or_default();
                told.payment_id = told.payment_id.or(payment_id);
                told.paid = paid.or(told.paid.take());
                told.refunded = refunded.map_or(told.refunded, |refunded| refunded.amount);
            }
            if !page.more {
                return Ok(all);
            }
            cursor = Some(page.cursor);
        }
    }

    /// What the provider says when it is asked about one payment; `None`: that it has no money of it.
    async fn ask(&self, id: &str) -> Result<Option<Told>, ReconcileError> {
        let reading = self.provider.read(id).await.map_err(|e| self.failed(e))?;
        let found = match reading {
            Reading::Found(found) => *found,
            // What can't be asked for was on the list, if it was at all.
            Reading::Unknown | Reading::InFeed => return Ok(None),
        };
        let Found { payment_id, report, .. } = found;
        if report.status != ProviderStatus::Paid {
            return Ok(None);
        }
        let back = report.refunds.iter().filter(|it| it.state == ReportedRefundState::Succeeded);
        let refunded = back.map(|refund| refund.amount.amount).sum();
        Ok(Some(Told { payment_id, paid: Some(report.received), refunded }))
    }

    async fn compare(
        &mut self,
        id: &str,
        told: &Told,
        ours: Option<Payment>,
    ) -> Result<(), ReconcileError> {
        let provider = self.provider.id();
        if let Some(paid) = &told.paid {
            self.report.total(provider, &paid.currency).add(paid.amount, told.refunded);
        }
        let refunds = match &ours {
            Some(ours) => self.store.refunds_of(&ours.user_id, ours.payment_id).await?,
            None => Vec::new(),
        };
        // A payment whose notification was lost is ours by what it carries.
        let named = match (told.payment_id, &ours) {
            (Some(payment_id), None) => self.store.payment(payment_id).await?,
            (None, _) | (_, Some(_)) => None,
        };
        let kind = match &ours {
            Some(ours) => judge(told, ours, &refunds),
            None if told.paid.as_ref().is_none_or(|paid| paid.amount == told.refunded) => None,
            None if named.is_some() => Some(Kind::PaidNotCredited),
            None => Some(Kind::Unmatched),
        };
        if let Some(kind) = kind {
            let ours = ours.or(named);
            self.report.differences.push(Difference {
                kind,
                provider,
                provider_payment_id: id.to_owned(),
                payment: ours.map(|ours| (ours.payment_id, ours.user_id, ours.state, ours.parked)),
                told: told.paid.clone().map(|paid| (paid, told.refunded)),
            });
        }
        Ok(())
    }

    fn failed(&self, error: ProviderError) -> ReconcileError {
        ReconcileError::Provider { provider: self.provider.id(), error }
    }
}

/// What is wrong between a provider's word and a payment of ours.
fn judge(told: &Told, ours: &Payment, refunds: &[PaymentRefund]) -> Option<Kind> {
    // What was told by letter only is on no list.
    let known = || refunds.iter().filter(|refund| refund.provider_refund_id.is_some());
    let sum = |state| -> Amount {
        let of = known().filter(|refund| refund.state == state);
        of.map(|refund| refund.price.amount).sum()
    };
    let unnamed = refunds.iter().filter(|refund| {
        refund.provider_refund_id.is_none()
            && refund.state == RefundState::Pending
            && refund.next_try.is_some()
    });
    let under_way: Amount = unnamed.map(|refund| refund.price.amount).sum();
    let back = sum(RefundState::Succeeded);
    let most = back + sum(RefundState::Pending) + under_way;

    let Some(paid) = &told.paid else {
        let kept = !ours.credited.is_zero() || ours.received.is_some();
        return kept.then_some(Kind::CreditedNotPaid);
    };
    if ours.received.is_none() || (ours.credited.is_zero() && paid.amount != told.refunded) {
        return Some(Kind::PaidNotCredited);
    }
    let same = ours.received.as_ref() == Some(paid) && (back..=most).contains(&told.refunded);
    (!same).then_some(Kind::AmountDiffers)
}
