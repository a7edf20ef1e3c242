//! Proves the invariants on the live database again and again, as `billing-svc verify` does, and says in metrics and in the log
//! what is broken.
//!
//! It reads only. It reads everything, from one snapshot, so it takes as long as the books are thick; one instance does it at a
//! time, and one that meets another at it leaves it to that one.

use std::time::{Duration, Instant, SystemTime};

use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::store::{Store, StoreError};
use crate::verify::{self, Invariant, Report};

/// The longest wait for the first audit: soon, but not with all instances that start together.
const FIRST: Duration = Duration::from_secs(60);
/// How many broken rows are named in the log; `billing-svc verify` names more.
const LOGGED: usize = 20;

/// Audits soon after the start and then every `interval`, until `shutdown`, which drops an audit where it stands.
pub async fn run(store: Store, interval: Duration, shutdown: CancellationToken) {
    metrics::audit_interval(interval);
    let auditing = async {
        tokio::time::sleep(FIRST.min(interval).mul_f64(rand::random())).await;
        loop {
            let since = Instant::now();
            match audit(&store).await {
                Ok(Some(report)) => tell(&report, since.elapsed()),
                Ok(None) => tracing::info!("another instance is auditing"),
                Err(error) => tracing::warn!(?error, "the audit could not be finished"),
            }
            tokio::time::sleep(interval).await;
        }
    };
    // Safe to drop anywhere: nobody else's work hangs on its snapshot, and a connection is rolled back before it is lent.
    shutdown.run_until_cancelled(auditing).await;
}

/// `None`: another instance is at it.
async fn audit(store: &Store) -> Result<Option<Report>, StoreError> {
    let Some(snapshot) = store.audit_snapshot().await? else { return Ok(None) };
    verify::run_on(snapshot).await.map(Some)
}

fn tell(report: &Report, took: Duration) {
    for invariant in Invariant::ALL {
        let broken = report.broken.get(&invariant).copied().unwrap_or(0);
        metrics::imbalance(invariant.name(), broken);
    }
    metrics::audited(SystemTime::now(), took);
    if report.is_clean() {
        tracing::info!(
            users = report.users,
            entries = report.entries,
            ?took,
            "audited: all is well"
        );
        return;
    }
    tracing::error!(violations = report.violation_count, "audited: the books are wrong");
    for violation in report.violations.iter().take(LOGGED) {
        tracing::error!(%violation, "broken");
    }
}
