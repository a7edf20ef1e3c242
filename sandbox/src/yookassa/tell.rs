//! Notifications, real and forged; for tests and the chat page.

use std::time::Duration;

use anyhow::Context;
use futures::future::join_all;
use serde_json::Value;

use super::YookassaStandIn;
use crate::notices::post;

impl YookassaStandIn {
    /// Where the shop wants its notifications, as set in its cabinet. Nobody is notified before this.
    pub fn notify_at(&self, url: impl Into<String>) {
        let url = url.into();
        self.world.keep.change(|state| state.outbox.url = Some(url));
    }

    /// The pause before a notification is repeated; each further one is twice as long, up to `longest`. 0.5 s and a
    /// minute unless told. YooKassa gives up after 24 hours, and so does the stand-in.
    pub fn repeat_after(&self, first: Duration, longest: Duration) {
        self.world.keep.change(|state| {
            state.outbox.first_pause = first;
            state.outbox.longest_pause = longest;
        });
    }

    /// Keeps notifications back until [`Self::release_notifications`].
    pub fn hold_notifications(&self) {
        self.world.keep.change(|state| state.outbox.held = true);
    }

    /// Sends what was kept back.
    pub fn release_notifications(&self) {
        self.world.keep.change(|state| state.outbox.held = false);
    }

    /// What happens from now on is never told; `false` ends that.
    pub fn drop_notifications(&self, dropping: bool) {
        self.world.keep.change(|state| state.outbox.dropping = dropping);
    }

    /// Is what happens now never told?
    pub fn drops_notifications(&self) -> bool {
        self.world.keep.state().outbox.dropping
    }

    /// How many notifications the shop has not taken yet.
    pub fn untaken(&self) -> usize {
        self.world.keep.state().outbox.waiting()
    }

    /// Returns once the shop has taken every notification.
    pub async fn all_taken(&self) {
        self.world.keep.until(|state| (state.outbox.waiting() == 0).then_some(())).await;
    }

    /// What a notification about this payment or refund says now. `None` for a payment that is pending, a refund that
    /// has not succeeded, and an unknown id.
    pub fn notification_of(&self, id: &str) -> Option<Value> {
        self.world.keep.state().notice_of(id, &self.world.origin)
    }

    /// Queues the notification about a payment or a refund once more; it is repeated like the first.
    ///
    /// # Errors
    /// There is nothing to notify of.
    pub fn notify_again(&self, id: &str) -> anyhow::Result<()> {
        let body = self.notification_of(id).context("there is nothing to notify of")?;
        self.world.keep.change(|state| state.outbox.push(body));
        Ok(())
    }

    /// Sends the notification about a payment or a refund `times` times at once, and answers the statuses (0 for no
    /// answer). What is not taken is not repeated.
    ///
    /// # Errors
    /// There is nothing to notify of, or nobody to be told.
    pub async fn notify_in_parallel(&self, id: &str, times: usize) -> anyhow::Result<Vec<u16>> {
        let body = self.notification_of(id).context("there is nothing to notify of")?;
        let url = self.target()?;
        let posts =
            (0..times).map(|_| post(&self.world.client, &url, body.to_string().into_bytes()));
        Ok(join_all(posts).await)
    }

    /// Sends any body to where notifications go, once, and answers the status (0 for no answer).
    ///
    /// # Errors
    /// There is nobody to be told.
    pub async fn forge(&self, body: impl Into<Vec<u8>>) -> anyhow::Result<u16> {
        let url = self.target()?;
        Ok(post(&self.world.client, &url, body.into()).await)
    }

    fn target(&self) -> anyhow::Result<String> {
        let url = self.world.keep.state().outbox.url.clone();
        url.context("the shop has not said where it wants notifications")
    }
}
