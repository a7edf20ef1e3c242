//! The statements on jobs.
//!
//! A job is a row of the leased queue `jobs`, its id the operation's; those that wait for their user are in [`super::waiting`].
//! Whatever writes runs in a task of its own: the future of an RPC is dropped when its caller hangs up, and a
//! statement that is dropped on the wire can leave a connection with a transaction open.

use std::future::Future;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement, Value};
use service_kit::queue::{End, Enqueued, Leased, Queue, QueueError, Row, RowState};
use tracing::Instrument;

use super::{Job, Phase, Spec};
use crate::clock::Time;

pub use service_kit::queue::Held;

/// The queue's table.
const TABLE: &str = "jobs";

/// What kept a statement from being done.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The queue.
    #[error("the queue of jobs did not answer as it should")]
    Queue(#[from] QueueError),
    /// The database.
    #[error("the database did not answer as it should")]
    Database(#[from] DbErr),
    /// A record that is none; a defect, or somebody else's hand.
    #[error("a job's record can't be read or written")]
    Record(#[from] serde_json::Error),
    /// The task that was to do it is gone.
    #[error("the statement was not finished")]
    Unfinished,
}

/// A job and its row.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRow {
    /// The record.
    pub job: Job,
    /// Whether it can be claimed, is leased, or has ended.
    pub state: RowState,
    /// When the row was last written.
    pub update_time: Time,
    fence: i64,
}

impl JobRow {
    /// Whether nothing happens to it any more.
    pub fn ended(&self) -> bool {
        matches!(self.state, RowState::Done | RowState::Dead)
    }

    /// Whether it was taken and nothing was done for it yet.
    pub fn not_started(&self) -> bool {
        self.state == RowState::Ready
            && self.job.phase == Phase::Queued
            && self.job.attempts.is_empty()
    }
}

/// How many jobs are there to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Could be claimed now.
    pub due: u64,
    /// Between two attempts, or waiting for their user.
    pub later: u64,
    /// With a worker.
    pub leased: u64,
    /// Since when the one of the due that waits longest could be claimed; none where none is due.
    pub due_since: Option<Time>,
}

/// What became of a job that was handed in.
#[derive(Debug)]
pub enum Submitted {
    /// It is kept, now or since before.
    Taken(Box<JobRow>),
    /// The operation has a job with another content; names the field.
    OtherContent(&'static str),
    /// Too many jobs wait.
    Overloaded,
}

/// The jobs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Jobs {
    pub(super) queue: Queue,
    pub(super) connection: DatabaseConnection,
    owner: String,
    max_queued: u64,
}

impl Jobs {
    /// The jobs in this database; `owner` is written into leases, and no more than `max_queued` may wait.
    pub fn new(connection: DatabaseConnection, owner: String, max_queued: u64) -> Self {
        let queue = Queue::new(connection.clone(), TABLE, owner.clone());
        Self { queue, connection, owner, max_queued }
    }

    /// See [`Queue::take_over`].
    pub async fn take_over(&self) -> Result<(), StoreError> {
        let queue = self.queue.clone();
        Ok(detached(async move { queue.take_over().await }).await??)
    }

    /// What is known of the operation's job, and whether the content is the same.
    pub async fn known(
        &self,
        operation_id: &str,
        spec: &Spec,
    ) -> Result<Option<Submitted>, StoreError> {
        Ok(self.get(operation_id).await?.map(|row| match row.job.spec.first_difference(spec) {
            Some(field) => Submitted::OtherContent(field),
            None => Submitted::Taken(Box::new(row)),
        }))
    }

    /// Keeps a job: it is durable when this answers. The same job again is the one that is kept.
    pub async fn submit(&self, job: &Job) -> Result<Submitted, StoreError> {
        if self.load(Time::now()).await?.due >= self.max_queued {
            return Ok(Submitted::Overloaded);
        }
        let (queue, id) = (self.queue.clone(), job.operation_id.clone());
        let payload = serde_json::to_value(job)?;
        let enqueued =
            detached(async move { queue.enqueue(&id, None, &payload, None).await }).await??;
        if enqueued == Enqueued::New {
            tracing::info!(
                operation_id = job.operation_id,
                kind = job.spec.kind.name(),
                "job taken"
            );
        }
        let known = self.known(&job.operation_id, &job.spec).await?;
        known.ok_or(StoreError::Unfinished)
    }

    /// One job.
    pub async fn get(&self, operation_id: &str) -> Result<Option<JobRow>, StoreError> {
        self.queue.get(operation_id).await?.map(read).transpose()
    }

    /// Leases up to `limit` jobs that are due.
    pub async fn claim(
        &self,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<(Leased, Job)>, StoreError> {
        let queue = self.queue.clone();
        let claimed = detached(async move { queue.claim(limit, lease).await }).await??;
        let mut jobs = Vec::with_capacity(claimed.len());
        for leased in claimed {
            match serde_json::from_value::<Job>(leased.payload.clone()) {
                Ok(job) => jobs.push((leased, job)),
                Err(error) => {
                    tracing::error!(operation_id = leased.id, %error, "a job's record can't be read");
                    let payload = leased.payload.clone();
                    if self.queue.finish(&leased, End::Dead, &payload).await? == Held::Lost {
                        tracing::debug!(operation_id = leased.id, "another worker has it");
                    }
                }
            }
        }
        Ok(jobs)
    }

    /// Leases this job if nothing was done for it yet. The fencing token that was read decides between this and a worker
    /// that claims it at the same moment.
    pub async fn claim_queued(
        &self,
        operation_id: &str,
        lease: Duration,
    ) -> Result<Option<(Leased, Job)>, StoreError> {
        let Some(row) = self.get(operation_id).await?.filter(JobRow::not_started) else {
            return Ok(None);
        };
        let now = Time::now();
        let statement = self.statement(
            "UPDATE jobs SET state = 'leased', owner = $1, lease_until = $2, fence = fence + 1, \
             attempt = attempt + 1, update_time = $3 \
             WHERE id = $4 AND state = 'ready' AND fence = $5",
            [
                self.owner.clone().into(),
                now.plus(lease).0.into(),
                now.0.into(),
                operation_id.into(),
                row.fence.into(),
            ],
        );
        let connection = self.connection.clone();
        let done = detached(async move { connection.execute_raw(statement).await }).await??;
        if done.rows_affected() != 1 {
            return Ok(None);
        }
        let Some(leased) = self.queue.get(operation_id).await?.and_then(as_leased) else {
            return Ok(None);
        };
        Ok((leased.fence == row.fence + 1).then_some((leased, row.job)))
    }

    /// Keeps a lease for `lease` from now.
    pub async fn extend(&self, leased: &Leased, lease: Duration) -> Result<Held, StoreError> {
        let (queue, leased) = (self.queue.clone(), leased.clone());
        Ok(detached(async move { queue.extend(&leased, lease).await }).await??)
    }

    /// Stores where a leased job stands.
    pub async fn save(&self, leased: &Leased, job: &Job) -> Result<Held, StoreError> {
        let (queue, leased) = (self.queue.clone(), leased.clone());
        let payload = serde_json::to_value(job)?;
        Ok(detached(async move { queue.save(&leased, &payload).await }).await??)
    }

    /// Gives a leased job back, to be claimed at `at`.
    pub async fn reschedule(
        &self,
        leased: &Leased,
        job: &Job,
        at: Time,
    ) -> Result<Held, StoreError> {
        let (queue, leased) = (self.queue.clone(), leased.clone());
        let payload = serde_json::to_value(job)?;
        let run_at = at.to_system();
        Ok(detached(async move { queue.reschedule(&leased, run_at, &payload, false).await })
            .await??)
    }

    /// Ends a leased job.
    pub async fn finish(&self, leased: &Leased, job: &Job) -> Result<Held, StoreError> {
        let (queue, leased) = (self.queue.clone(), leased.clone());
        let payload = serde_json::to_value(job)?;
        Ok(detached(async move { queue.finish(&leased, End::Done, &payload).await }).await??)
    }

    /// Jobs that were taken before `before` and that no worker has ever claimed, oldest first.
    pub async fn never_started(&self, before: Time, limit: u32) -> Result<Vec<String>, StoreError> {
        let statement = self.statement(
            "SELECT id FROM jobs WHERE state = 'ready' AND attempt = 0 AND run_at < $1 \
             ORDER BY run_at, seq LIMIT $2",
            [before.0.into(), i64::from(limit).into()],
        );
        let rows = self.connection.query_all_raw(statement).await?;
        Ok(rows.iter().map(|row| row.try_get("", "id")).collect::<Result<_, DbErr>>()?)
    }

    /// How many jobs are there to be done. Looks at indexes of what has not ended only.
    pub async fn load(&self, now: Time) -> Result<Load, StoreError> {
        let statement = self.statement(
            "SELECT (SELECT COUNT(*) FROM jobs WHERE state = 'ready' AND run_at <= $1) AS due, \
             (SELECT COUNT(*) FROM jobs WHERE state = 'ready' AND run_at > $1) AS later, \
             (SELECT COUNT(*) FROM jobs WHERE state = 'leased') AS leased, \
             (SELECT MIN(run_at) FROM jobs WHERE state = 'ready' AND run_at <= $1) AS due_since",
            [now.0.into()],
        );
        let Some(row) = self.connection.query_one_raw(statement).await? else {
            return Ok(Load::default());
        };
        let count = |column: &str| -> Result<u64, DbErr> {
            Ok(u64::try_from(row.try_get::<i64>("", column)?).unwrap_or(0))
        };
        Ok(Load {
            due: count("due")?,
            later: count("later")?,
            leased: count("leased")?,
            due_since: row.try_get::<Option<i64>>("", "due_since")?.map(Time),
        })
    }

    /// Deletes the records of jobs that ended before `before`; answers how many.
    pub async fn prune(&self, before: Time) -> Result<u64, StoreError> {
        let queue = self.queue.clone();
        let before = before.to_system();
        Ok(detached(async move { queue.prune(before).await }).await??)
    }

    /// Returns when a job was enqueued or woken in this process.
    pub async fn notified(&self) {
        self.queue.notified().await;
    }

    pub(super) fn statement<const N: usize>(&self, sql: &str, values: [Value; N]) -> Statement {
        Statement::from_sql_and_values(self.connection.get_database_backend(), sql, values)
    }
}

/// The lease that a row says it is under; none when it is under none.
fn as_leased(row: Row) -> Option<Leased> {
    Some(Leased {
        lease_until: row.lease_until?,
        id: row.id,
        key: row.key,
        payload: row.payload,
        attempt: row.attempt,
        fence: row.fence,
        create_time: row.create_time,
        trace_context: row.trace_context,
    })
}

fn read(row: Row) -> Result<JobRow, StoreError> {
    Ok(JobRow {
        job: serde_json::from_value(row.payload)?,
        state: row.state,
        update_time: Time::from(row.update_time),
        fence: row.fence,
    })
}

pub(super) async fn detached<F>(work: F) -> Result<F::Output, StoreError>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(work.in_current_span()).await.map_err(|_| StoreError::Unfinished)
}
