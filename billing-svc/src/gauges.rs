//! How much there is of what comes and goes, for metrics: read now and then, never on a caller's path.
//!
//! What stands in the database is counted by each instance for itself, so on PostgreSQL all of them report the same numbers:
//! alerts and dashboards take the largest, not the sum.

use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

use crate::committer::Committer;
use crate::ledger::{PaymentState, Timestamp};
use crate::metrics::{self, Age};
use crate::store::{Ages, Store, StoreError};

/// How often the queue is looked at: it fills and empties within a second.
const QUEUE_INTERVAL: Duration = Duration::from_secs(1);
/// How often the database is asked: as often as metrics are usually read.
const COUNT_INTERVAL: Duration = Duration::from_secs(15);

/// Until `shutdown`.
pub async fn run(store: Store, committer: Committer, shutdown: CancellationToken) {
    let both = async {
        tokio::join!(queue(&committer), counts(&store));
    };
    // Safe to drop anywhere: they own no transaction.
    shutdown.run_until_cancelled(both).await;
}

async fn queue(committer: &Committer) {
    loop {
        let (waiting, room) = committer.fullest_lane();
        metrics::queue(waiting, room);
        tokio::time::sleep(QUEUE_INTERVAL).await;
    }
}

async fn counts(store: &Store) {
    loop {
        let now = Timestamp::from_micros(service_kit::time::to_micros(SystemTime::now()));
        if let Err(error) = count(store, now).await {
            tracing::warn!(?error, "holds and payments can't be counted");
        }
        tokio::time::sleep(COUNT_INTERVAL).await;
    }
}

async fn count(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    let holds = store.open_holds(now).await?;
    for (age, count) in by_age(holds.ages) {
        metrics::holds(age, count);
    }
    metrics::holds_overdue(holds.overdue);
    let payments = store.open_payments(now).await?;
    for state in [PaymentState::Created, PaymentState::Pending, PaymentState::Paid] {
        let found = payments.iter().find(|(open, _)| *open == state);
        let ages = found.map_or_else(Ages::default, |(_, ages)| *ages);
        for (age, count) in by_age(ages) {
            metrics::payments_open(state, age, count);
        }
    }
    Ok(())
}

fn by_age(ages: Ages) -> [(Age, i64); 4] {
    [
        (Age::TenMinutes, ages.ten_minutes),
        (Age::Hour, ages.hour),
        (Age::Day, ages.day),
        (Age::More, ages.more),
    ]
}
