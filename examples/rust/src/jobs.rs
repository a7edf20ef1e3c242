//! A queue of jobs in Redis. A job that a worker takes stays in the worker's own list until it has ended, so that one killed
//! half-way is run again.

use std::time::Duration;

use redis::AsyncTypedCommands;
use redis::Direction::{Left, Right};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use serde::{Deserialize, Serialize};

const QUEUE: &str = "jobs";
/// Seconds that a worker waits for a job before it asks again.
const WAIT: f64 = 5.0;
/// Telegram keeps an update for a day and may send it again.
const REMEMBERED_SECONDS: u32 = 2 * 24 * 60 * 60;
/// A job whose operation was seen before isn't queued again. Both at once: no job is lost between them.
const PUSH_ONCE: &str = "if redis.call('SET', KEYS[2], 1, 'NX', 'EX', ARGV[2]) then \
                         redis.call('LPUSH', KEYS[1], ARGV[1]) end";

// [5 job]
/// A picture to be made. The operation travels with the job: whoever ends the one settles the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// What paid for it; also the job's own id.
    pub operation_id: String,
    /// What to make.
    pub prompt: String,
    /// Where to send it.
    pub chat_id: i64,
}
// [end]

/// The queue. Cheap to clone.
#[derive(Clone)]
pub struct Jobs(ConnectionManager);

impl Jobs {
    /// Connects to `redis://host:port`, and again whenever the connection is gone.
    pub async fn connect(url: &str) -> anyhow::Result<Self> {
        // Redis answers a worker that waits for a job only after that wait.
        let patience = Duration::from_secs_f64(WAIT) + Duration::from_secs(5);
        let config = ConnectionManagerConfig::new().set_response_timeout(Some(patience));
        let client = redis::Client::open(url)?;
        Ok(Self(ConnectionManager::new_with_config(client, config).await?))
    }

    /// Queues a job, once for each operation.
    pub async fn push(&self, job: &Job) -> anyhow::Result<()> {
        let mut push = redis::cmd("EVAL");
        push.arg(PUSH_ONCE).arg(2).arg(QUEUE).arg(format!("job:{}", job.operation_id));
        push.arg(serde_json::to_string(job)?).arg(REMEMBERED_SECONDS);
        Ok(push.exec_async(&mut self.0.clone()).await?)
    }

    /// The oldest job, which is this worker's until [`Self::done`]. `None`: there was none for a while.
    pub async fn take(&self, worker: &str) -> anyhow::Result<Option<Taken>> {
        let text = self.0.clone().blmove(QUEUE, running(worker), Right, Left, WAIT).await?;
        let Some(text) = text else { return Ok(None) };
        match serde_json::from_str(&text) {
            Ok(job) => Ok(Some(Taken { job, text })),
            // Of another program: it must not come back.
            Err(error) => {
                self.0.clone().lrem(running(worker), 1, &text).await?;
                Err(error.into())
            }
        }
    }

    /// The job has ended, well or not.
    pub async fn done(&self, worker: &str, taken: &Taken) -> anyhow::Result<()> {
        self.0.clone().lrem(running(worker), 1, &taken.text).await?;
        Ok(())
    }

    /// Puts back what this worker had taken when it was killed.
    pub async fn recover(&self, worker: &str) -> anyhow::Result<()> {
        let mut redis = self.0.clone();
        while redis.llen(running(worker)).await? > 0 {
            redis.lmove(running(worker), QUEUE, Left, Right).await?;
        }
        Ok(())
    }

    /// How many wait.
    pub async fn waiting(&self) -> anyhow::Result<usize> {
        Ok(self.0.clone().llen(QUEUE).await?)
    }
}

/// A job that a worker has taken.
#[derive(Debug)]
pub struct Taken {
    /// What to do.
    pub job: Job,
    /// As it lies in the worker's list.
    text: String,
}

/// The list of what a worker has taken.
fn running(worker: &str) -> String {
    format!("{QUEUE}:running:{worker}")
}
