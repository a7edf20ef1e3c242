//! Expired holds are given back, expired grants are emptied, and users are told a day before: commands like any other
//! caller's.
//!
//! What is due is read in pages, the oldest first, and submitted a page at a time; a page that was full is followed by
//! the next at once. What can't be swept is counted, passed over and tried again at the next interval. Several
//! instances may sweep side by side: the ledger does nothing for what another has swept.

use std::time::{Duration, SystemTime};

use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::committer::{Committer, SubmitError};
use crate::ledger::{Command, GrantId, OperationId, Outcome, Timestamp};
use crate::metrics;
use crate::store::{Due, Store, StoreError};

/// How many commands are submitted at once: few enough to leave the committer's queue to callers.
const PAGE: u64 = 100;
/// How long before its end users are told of a grant.
const NOTICE: Duration = Duration::from_secs(24 * 60 * 60);

/// Sweeps at once and then every `interval`, until `shutdown`.
pub async fn run(
    store: Store,
    committer: Committer,
    interval: Duration,
    shutdown: CancellationToken,
) {
    let sweeper = Sweeper { store, committer };
    let sweeping = async {
        loop {
            sweeper.sweep().await;
            tokio::time::sleep(interval).await;
        }
    };
    // Safe to drop anywhere: it owns no transaction, and what it has submitted goes on.
    shutdown.run_until_cancelled(sweeping).await;
}

struct Sweeper {
    store: Store,
    committer: Committer,
}

/// One page's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    /// There may be more.
    Full,
    /// That was all.
    Last,
    /// The service has better things to do now.
    Postponed,
}

impl Sweeper {
    async fn sweep(&self) {
        let now = Timestamp::from_micros(service_kit::time::to_micros(SystemTime::now()));
        if let Err(error) = self.holds(now).await {
            tracing::warn!(?error, "expired holds can't be read");
        }
        if let Err(error) = self.grants(now).await {
            tracing::warn!(?error, "expired grants can't be read");
        }
        if let Err(error) = self.announcements(now).await {
            tracing::warn!(?error, "grants that end soon can't be read");
        }
    }

    async fn holds(&self, now: Timestamp) -> Result<(), StoreError> {
        let command = |due: &Due<OperationId>| Command::Expire {
            user_id: due.user_id.clone(),
            operation_id: due.id,
        };
        let mut last = None;
        loop {
            let due = self.store.due_holds(now, last.as_ref(), PAGE).await?;
            if self.page("hold", &due, command).await != Page::Full {
                return Ok(());
            }
            last = due.into_iter().next_back();
        }
    }

    async fn grants(&self, now: Timestamp) -> Result<(), StoreError> {
        let command = |due: &Due<GrantId>| Command::ExpireGrant {
            user_id: due.user_id.clone(),
            grant_id: due.id,
        };
        let mut last = None;
        loop {
            let due = self.store.due_grants(now, last.as_ref(), PAGE).await?;
            if self.page("grant", &due, command).await != Page::Full {
                return Ok(());
            }
            last = due.into_iter().next_back();
        }
    }

    /// A grant that was told of is not read again; one that can't be is, at the next interval.
    async fn announcements(&self, now: Timestamp) -> Result<(), StoreError> {
        let command = |due: &Due<GrantId>| Command::AnnounceExpiry {
            user_id: due.user_id.clone(),
            grant_id: due.id,
        };
        let until = now.plus(NOTICE);
        let due = self.store.expiring_grants(now, until, PAGE).await?;
        self.page("announcement", &due, command).await;
        Ok(())
    }

    async fn page<Id>(
        &self,
        what: &'static str,
        due: &[Due<Id>],
        command: impl Fn(&Due<Id>) -> Command,
    ) -> Page {
        let answers =
            join_all(due.iter().map(|due| self.committer.submit(command(due), None))).await;
        let (mut swept, mut failed, mut postponed) = (0, 0, false);
        for (answer, due) in answers.into_iter().zip(due) {
            match answer {
                Ok(Ok(Outcome::Swept { changed: true })) => swept += 1,
                Ok(Ok(_)) => {} // another instance was faster, or the hold was extended
                Ok(Err(rejection)) => {
                    failed += 1;
                    tracing::error!(?rejection, user_id = %due.user_id, "a {what} can't be swept");
                }
                Err(error) => {
                    failed += 1;
                    postponed |= error != SubmitError::Internal;
                    tracing::debug!(%error, user_id = %due.user_id, "a {what} was not swept");
                }
            }
        }
        metrics::swept(what, swept);
        metrics::sweep_failed(what, failed);
        if swept + failed > 0 {
            tracing::info!(swept, failed, "swept {what}s");
        }
        if postponed {
            Page::Postponed
        } else if u64::try_from(due.len()).is_ok_and(|count| count >= PAGE) {
            Page::Full
        } else {
            Page::Last
        }
    }
}
