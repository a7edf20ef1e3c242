//! Claims jobs and bounds how many run at once.

use std::sync::Arc;
use std::time::Duration;

use service_kit::queue::Leased;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::effects::World;
use super::machine::Policy;
use super::task::{Context, carry};
use crate::jobs::{Job, Jobs};

/// How often the table is looked at when nothing says that there is something.
const IDLE_POLL: Duration = Duration::from_millis(500);

/// The runner's bounds.
#[derive(Debug, Clone)]
pub struct RunnerConfig {
    /// How many jobs run at once.
    pub concurrency: u32,
    /// How long a job stays with a worker that does not say that it lives.
    pub lease: Duration,
    /// How long running jobs may take to stop.
    pub drain: Duration,
}

/// Runs jobs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Runner {
    context: Arc<Context>,
    config: RunnerConfig,
    permits: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl Runner {
    /// A runner that claims nothing yet. It stops when `stop` is called.
    pub fn new(
        jobs: Jobs,
        world: World,
        policy: Policy,
        config: RunnerConfig,
        stop: CancellationToken,
    ) -> Self {
        let permits = usize::try_from(config.concurrency).unwrap_or(1);
        let context = Context {
            jobs,
            world,
            policy,
            lease: config.lease,
            stop,
            kill: CancellationToken::new(),
        };
        Self {
            context: Arc::new(context),
            config,
            permits: Arc::new(Semaphore::new(permits)),
            tasks: TaskTracker::new(),
        }
    }

    /// Claims and runs jobs until it is told to stop; then gives back what runs, within the time of `drain`.
    pub async fn run(&self) {
        while !self.context.stop.is_cancelled() {
            let claimed = tokio::select! {
                () = self.context.stop.cancelled() => break,
                claimed = self.claim() => claimed,
            };
            if claimed == 0 {
                tokio::select! {
                    () = self.context.stop.cancelled() => break,
                    () = self.context.jobs.notified() => {}
                    () = tokio::time::sleep(IDLE_POLL) => {}
                }
            }
        }
        self.tasks.close();
        if tokio::time::timeout(self.config.drain, self.tasks.wait()).await.is_err() {
            self.context.kill.cancel();
            self.tasks.wait().await;
        }
    }

    /// Runs a job that was leased elsewhere, beyond the bound: one that only has to be refunded.
    pub fn adopt(&self, leased: Leased, job: Job) {
        self.tasks.spawn(carry(self.context.clone(), leased, job));
    }

    /// Waits for room, claims what fits and starts it; answers how many.
    async fn claim(&self) -> usize {
        let Ok(first) = self.permits.clone().acquire_owned().await else { return 0 };
        let mut permits = vec![first];
        while let Ok(permit) = self.permits.clone().try_acquire_owned() {
            permits.push(permit);
        }
        let room = u32::try_from(permits.len()).unwrap_or(1);
        // A task of its own: a claim that shutdown cuts off would leave jobs leased to nobody.
        let (runner, jobs) = (self.clone(), self.context.jobs.clone());
        let claiming = self.tasks.spawn(async move {
            match jobs.claim(room, runner.config.lease).await {
                Ok(claimed) => runner.start(claimed, permits),
                Err(error) => {
                    tracing::warn!(%error, "no jobs could be claimed");
                    0
                }
            }
        });
        claiming.await.unwrap_or(0)
    }

    fn start(&self, claimed: Vec<(Leased, Job)>, permits: Vec<OwnedSemaphorePermit>) -> usize {
        let count = claimed.len();
        for ((leased, job), permit) in claimed.into_iter().zip(permits) {
            let context = self.context.clone();
            self.tasks.spawn(async move {
                carry(context, leased, job).await;
                drop(permit);
            });
        }
        count
    }
}
