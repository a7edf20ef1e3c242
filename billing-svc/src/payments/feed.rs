//! The providers' own lists: what was paid and given back, whether somebody told us or not.
//!
//! Each provider's list is read on from a cursor that is kept once a page is done with. A page that is read twice, by two
//! instances or after a crash, changes nothing the second time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Payments;
use super::follow::FollowError;
use super::provider::{Listed, PaymentProvider};
use crate::ledger::{
    Amount, Payment, PaymentRefund, PaymentState, Provider, RefundState, ReportedRefundState,
};
use crate::metrics;
use crate::store::StoreError;

/// Pages in one go; the rest at the next.
const MAX_PAGES: usize = 200;
/// The longest pause while a provider does not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// When each list was begun to be read for the last time and read to its end. One at a time for each provider.
#[derive(Debug)]
pub(super) struct Feeds(BTreeMap<Provider, Mutex<Option<Instant>>>);

impl Feeds {
    pub fn new(providers: impl Iterator<Item = Provider>) -> Self {
        Self(providers.map(|provider| (provider, Mutex::new(None))).collect())
    }
}

/// Reads the lists until `shutdown`.
pub(super) async fn run(payments: &Payments, shutdown: &CancellationToken) {
    let each = payments.0.providers.values().map(|provider| read_on(payments, provider));
    // Safe to drop anywhere: it owns no transaction, and a page is done with when its cursor is kept.
    shutdown.run_until_cancelled(futures::future::join_all(each)).await;
}

async fn read_on(payments: &Payments, provider: &Arc<dyn PaymentProvider>) {
    let every = payments.0.settings.pace.feed;
    let mut failures = 0;
    loop {
        let wait = match payments.read_feed(provider).await {
            Ok(()) => {
                failures = 0;
                every
            }
            Err(error) => {
                failures += 1;
                tracing::warn!(provider = provider.id().name(), %error, failures, "a provider's list can't be read");
                super::pause(every, failures, LONGEST_PAUSE.max(every))
            }
        };
        tokio::time::sleep(wait).await;
    }
}

impl Payments {
    /// Reads a provider's list to its end, unless somebody has begun to since this was asked.
    pub(super) async fn read_feed(
        &self,
        provider: &Arc<dyn PaymentProvider>,
    ) -> Result<(), FollowError> {
        let asked = Instant::now();
        let Some(feed) = self.0.feeds.0.get(&provider.id()) else { return Ok(()) };
        let mut last = feed.lock().await;
        if last.is_some_and(|begun| begun >= asked) {
            return Ok(());
        }
        let begun = Instant::now();
        let mut cursor = self.0.store.cursor(provider.id()).await?;
        let mut all_followed = true;
        for _ in 0..MAX_PAGES {
            let page = provider.feed(cursor.as_deref()).await?;
            for listed in page.items {
                all_followed &= self.listed(provider, listed).await?;
            }
            // From the page on that has a line which can't be followed, all is read again next time.
            if all_followed && cursor.as_ref() != Some(&page.cursor) {
                self.0.store.set_cursor(provider.id(), &page.cursor).await?;
            }
            cursor = Some(page.cursor);
            if !page.more {
                break;
            }
        }
        *last = Some(begun);
        Ok(())
    }

    /// Follows one line of a list. One that can't be followed never holds up those that come after it: `false` where only
    /// the list could bring it again.
    async fn listed(
        &self,
        provider: &Arc<dyn PaymentProvider>,
        listed: Listed,
    ) -> Result<bool, FollowError> {
        let (id, name) = (provider.id(), listed.provider_payment_id.clone());
        let asks = listed.found.is_none();
        let Err(error) = self.follow_listed(provider, listed).await else { return Ok(true) };
        if error.is_stuck() {
            metrics::payment_stuck(id);
            let provider = id.name();
            tracing::error!(provider, provider_payment_id = name, %error, "what a provider lists can't be followed");
        } else if !(asks && matches!(error, FollowError::Provider(_))) {
            return Err(error);
        }
        if asks {
            // The inbox asks about this one payment again, for days.
            self.enqueue_listed(id, name).await.map_err(|_| error)?;
        }
        Ok(asks)
    }

    /// Unless all that it says is known.
    async fn follow_listed(
        &self,
        provider: &Arc<dyn PaymentProvider>,
        listed: Listed,
    ) -> Result<(), FollowError> {
        let id = provider.id();
        let known = self.0.store.payment_by_provider_id(id, &listed.provider_payment_id).await?;
        let has_news = match known {
            Some(known) => !self.is_told(&known, &listed).await?,
            // A payment of ours is kept before its provider knows it: what was none then is none now.
            None => !self.0.strangers.knows(id, &listed.provider_payment_id),
        };
        if !has_news {
            return Ok(());
        }
        match listed.found {
            Some(found) => self.observe(id, found).await?,
            None => self.follow(provider, &listed.provider_payment_id).await?,
        };
        Ok(())
    }

    async fn is_told(&self, known: &Payment, listed: &Listed) -> Result<bool, StoreError> {
        let paid = match known.state {
            PaymentState::Created
            | PaymentState::Pending
            | PaymentState::Canceled
            | PaymentState::Expired => false,
            PaymentState::Paid => known.parked.is_some(),
            PaymentState::Credited | PaymentState::Refunded | PaymentState::Disputed => true,
        };
        if !paid || (listed.refund.is_none() && listed.refunded.is_none()) {
            return Ok(paid);
        }
        let refunds = self.0.store.refunds_of(&known.user_id, known.payment_id).await?;
        let ended = |refund: &&PaymentRefund| refund.state == RefundState::Succeeded;
        // In i128: a provider's numbers are not ours, and a sum that fails would end the service.
        let micros = |amount: Amount| i128::from(amount.micros());
        let back: i128 = refunds.iter().filter(ended).map(|it| micros(it.price.amount)).sum();
        let all = listed.refunded.as_ref().is_none_or(|refunded| micros(refunded.amount) == back);
        let this = listed.refund.as_ref().is_none_or(|told| {
            let name = Some(&told.provider_refund_id);
            let here = refunds.iter().find(|it| it.provider_refund_id.as_ref() == name);
            match told.state {
                ReportedRefundState::Pending => here.is_some(),
                ReportedRefundState::Succeeded => here.as_ref().is_some_and(ended),
                // What ended before we knew of it took nothing.
                ReportedRefundState::Canceled => {
                    here.is_none_or(|here| here.state == RefundState::Reversed)
                }
            }
        });
        Ok(all && this)
    }
}
