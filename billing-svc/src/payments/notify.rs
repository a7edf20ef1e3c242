//! What comes to a webhook: looked at, and put into the inbox before its sender is answered.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use uuid::Uuid;

use super::inbox::{Inbox, Item, key};
use super::provider::{PaymentProvider, Subject};
use super::{PaymentError, Payments};
use crate::committer::SubmitError;
use crate::ledger::Provider;
use crate::metrics;

/// As much as is taken of a notification.
const MAX_BODY: usize = 64 * 1024;

/// What came to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// As it came.
    pub body: Vec<u8>,
    /// As they came; names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Who sent it, as far as the gateway can tell.
    pub source_ip: Option<IpAddr>,
}

impl Payments {
    /// Keeps a notification. What it says is not believed, only what it is about is asked for.
    ///
    /// # Errors
    /// `NotConfigured`; `Forbidden` from an address that is not allowed; `Field` where it is no notification; `Overloaded`;
    /// `Submit(Unavailable)` where the database does not answer.
    pub async fn notify(
        &self,
        provider: Provider,
        notification: Notification,
    ) -> Result<(), PaymentError> {
        let adapter = self.provider(provider)?;
        if !adapter.admits(notification.source_ip) {
            metrics::notification(provider, "forbidden");
            tracing::warn!(
                provider = provider.name(),
                source_ip = ?notification.source_ip,
                "a notification from an address that is not allowed"
            );
            return Err(PaymentError::Forbidden { may: "the provider's own addresses" });
        }
        let subject = match subject(adapter, &notification.body) {
            Some(Subject::Payment(subject)) => subject,
            Some(Subject::Other) => {
                metrics::notification(provider, "ignored");
                return Ok(());
            }
            None => {
                metrics::notification(provider, "unreadable");
                return Err(PaymentError::field(
                    "body",
                    "a notification of the provider, up to 64 KiB",
                ));
            }
        };
        self.enqueue(provider, subject).await?;
        metrics::notification(provider, "stored");
        Ok(())
    }

    /// Puts a row in about a payment, by the provider's name for it.
    pub(super) async fn enqueue(
        &self,
        provider: Provider,
        subject: String,
    ) -> Result<(), PaymentError> {
        self.put_in(Uuid::now_v7().to_string(), provider, subject).await
    }

    /// Likewise, once an hour at most: a list shows the same payment again and again.
    pub(super) async fn enqueue_listed(
        &self,
        provider: Provider,
        subject: String,
    ) -> Result<(), PaymentError> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let id = format!("listed-{}-{}", now.as_secs() / 3600, key(provider, &subject));
        self.put_in(id, provider, subject).await
    }

    async fn put_in(
        &self,
        id: String,
        provider: Provider,
        subject: String,
    ) -> Result<(), PaymentError> {
        let waiting = self.0.inbox.waiting.fetch_add(1, Ordering::Relaxed);
        if waiting >= self.0.settings.max_waiting {
            self.0.inbox.waiting.fetch_sub(1, Ordering::Relaxed);
            metrics::notification(provider, "overloaded");
            return Err(PaymentError::Overloaded);
        }
        let this = self.clone();
        self.detached(async move {
            let Inbox { queue, instance, writers, .. } = &this.0.inbox;
            let _permit = writers.acquire().await;
            let key = key(provider, &subject);
            let item = Item { provider: provider.name().to_owned(), subject, instance: *instance };
            let payload = serde_json::to_value(item)
                .map_err(|_| PaymentError::Defect("a notification has no JSON form"))?;
            queue.enqueue(&id, Some(&key), &payload, None).await.map_err(|error| {
                tracing::warn!(%error, "a notification could not be kept");
                PaymentError::Submit(SubmitError::Unavailable)
            })?;
            Ok(())
        })
        .await
    }
}

fn subject(adapter: &Arc<dyn PaymentProvider>, body: &[u8]) -> Option<Subject> {
    if body.len() > MAX_BODY {
        return None;
    }
    adapter.subject(body).ok()
}
