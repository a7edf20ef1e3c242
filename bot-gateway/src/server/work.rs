//! What runs while the gateway is ready: updates in, queues worked off, messages kept up, house kept.

use std::time::{Duration, SystemTime};

use service_kit::queue::{Queue, QueueError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Parts, Queues, Stages, ended};
use crate::{
    config::Checked,
    delivery::progress,
    inbox::{self, dispatcher, poller},
    lane, metrics,
    notices::{self, tell, watch},
    payments::checkout,
    store::Store,
    telegram::Intake,
};

const HOUSEKEEPING: Duration = Duration::from_secs(30);
/// How long updates that were handled are kept, so that a late repetition is known.
const KEEP_HANDLED: Duration = Duration::from_secs(7 * 24 * 3600);
/// The same of notices: an event may be repeated for as long as it was not acknowledged.
const KEEP_TOLD: Duration = Duration::from_secs(90 * 24 * 3600);

/// The running parts, each with its name.
pub(super) struct Work {
    /// They end with the intake.
    takers: Vec<(&'static str, JoinHandle<()>)>,
    /// They end with the upkeep.
    keepers: Vec<(&'static str, JoinHandle<()>)>,
}

/// Starts everything.
pub(super) fn start(checked: &Checked, parts: &Parts, stages: &Stages) -> Work {
    metrics::announce();
    let (services, queues) = (&parts.services, &parts.queues);
    let concurrency = checked.config.concurrency.get();
    let chats = dispatcher::lane(queues.inbox.clone(), services.clone(), concurrency);
    let checkouts = checkout::lane(queues.checkouts.clone(), parts.checkouts.clone());
    let notices = tell::lane(queues.notices.clone(), services.clone());
    let events = watch::run(parts.events.clone(), queues.notices.clone(), stages.intake.clone());
    let mut takers = vec![
        ("inbox", tokio::spawn(lane::run(chats, stages.intake.clone()))),
        ("checkouts", tokio::spawn(lane::run(checkouts, stages.intake.clone()))),
        ("notices", tokio::spawn(lane::run(notices, stages.intake.clone()))),
        ("events", tokio::spawn(events)),
    ];
    match &checked.intake {
        Intake::Polling => {
            let poller =
                poller::run(parts.api.clone(), services.inbox.clone(), stages.intake.clone());
            takers.push(("poller", tokio::spawn(poller)));
        }
        // The route is served with the HTTP side.
        Intake::Webhook { .. } => {}
    }
    let progress = progress::run(
        services.bot.clone(),
        services.images.clone(),
        services.store.clone(),
        stages.upkeep.clone(),
    );
    let housekeeping = keep_house(queues.clone(), services.store.clone(), stages.upkeep.clone());
    let keepers =
        vec![("progress", tokio::spawn(progress)), ("housekeeping", tokio::spawn(housekeeping))];
    Work { takers, keepers }
}

impl Work {
    /// Waits until all has ended; the intake was told to.
    pub(super) async fn drain(self, stages: &Stages) {
        for (part, task) in self.takers {
            ended(part, task.await);
        }
        stages.upkeep.cancel();
        for (part, task) in self.keepers {
            ended(part, task.await);
        }
    }
}

/// Counts what waits, and deletes what is old.
async fn keep_house(queues: Queues, store: Store, shutdown: CancellationToken) {
    let kept = [
        (inbox::TABLE, &queues.inbox, KEEP_HANDLED),
        (checkout::TABLE, &queues.checkouts, KEEP_HANDLED),
        (notices::TABLE, &queues.notices, KEEP_TOLD),
    ];
    loop {
        let now = SystemTime::now();
        for (name, queue, keep) in kept {
            if let Err(error) = tidy(name, queue, now - keep).await {
                tracing::warn!(queue = name, %error, "a queue can't be counted and pruned");
            }
        }
        if let Err(error) = store.prune(now).await {
            tracing::warn!(%error, "old requests can't be pruned");
        }
        tokio::select! {
            () = tokio::time::sleep(HOUSEKEEPING) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

async fn tidy(name: &'static str, queue: &Queue, older_than: SystemTime) -> Result<(), QueueError> {
    let rows = queue.count().await?;
    let states =
        [("ready", rows.ready), ("leased", rows.leased), ("done", rows.done), ("dead", rows.dead)];
    for (state, rows) in states {
        metrics::queue_rows(name, state, rows);
    }
    metrics::queue_oldest(name, queue.oldest().await?);
    queue.prune(older_than).await?;
    Ok(())
}
