//! Many callers → one batch → one transaction → an answer for each.
//!
//! Each user belongs to one lane, a task of its own; what is about no user belongs to the first. A lane takes what waits (at most [`Settings::batch`] commands, at
//! least one), runs it as one transaction, answers each caller, and takes what came meanwhile: no timer, so a lone
//! command pays no delay and a crowd shares one fsync. Lanes with few commands take turns, so that more come together.
//!
//! Bounds: [`Settings::queue`] commands wait in a lane, the next is refused as [`SubmitError::Overloaded`] at once. A
//! command whose deadline passed before its batch was formed is dropped. Once in a batch it is never cancelled: the
//! caller's wait is bounded instead ([`LONGEST_WAIT`]). A caller that hangs up changes nothing.
//!
//! Only the tasks started here open transactions: no RPC's future, which is dropped with its client, ever owns one.

mod attempt;
mod lane;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use service_kit::shutdown::end_together;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::ledger::{Command, Outcome, Policy, Rejection, UserId};
use crate::metrics;
use crate::store::Store;
use attempt::Writer;
use lane::{Lane, Waiting};

/// How long a caller without a deadline waits for an outcome; a caller with a later one waits no longer either.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The limits of a committer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How many batches may be under way at once, of different users; at least 1. More than 1 is for PostgreSQL:
    /// SQLite has one writer.
    pub lanes: usize,
    /// How many commands may wait in each lane, at least 1; the next one is refused as overloaded.
    pub queue: usize,
    /// How many commands one transaction may hold, at least 1.
    pub batch: usize,
}

/// Why a command has no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// Too many commands are waiting; this one was not taken.
    #[error("too many commands are waiting")]
    Overloaded,
    /// The database does not answer. Nothing was changed.
    #[error("the database is unavailable")]
    Unavailable,
    /// The command may have been obeyed or not: the same request again learns it.
    #[error("the outcome is unknown")]
    OutcomeUnknown,
    /// What is stored contradicts itself, or a defect of ours. Nothing was changed; the log tells more.
    #[error("an internal error")]
    Internal,
    /// The deadline passed before the command's batch was formed. Nothing was changed.
    #[error("the deadline passed")]
    DeadlinePassed,
    /// The committer is shutting down; the command was not taken.
    #[error("shutting down")]
    Closed,
}

impl SubmitError {
    /// For metrics.
    fn name(self) -> &'static str {
        match self {
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Internal => "internal",
            Self::DeadlinePassed => "deadline_passed",
            Self::Closed => "closed",
        }
    }
}

/// What becomes of a command.
type Answer = Result<Result<Outcome, Rejection>, SubmitError>;

/// The only way to write. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Committer {
    lanes: Arc<[mpsc::Sender<Waiting>]>,
    closing: CancellationToken,
    ended: CancellationToken,
}

impl Committer {
    /// Starts the lanes. The handle ends when all of them have: after [`Committer::close`], or because one failed by a
    /// defect of ours, which closes the others too.
    pub fn start(store: Store, policy: Policy, settings: Settings) -> (Self, JoinHandle<()>) {
        let closing = CancellationToken::new();
        let ended = CancellationToken::new();
        let writer = Writer::new(store, policy);
        let mut tasks = JoinSet::new();
        let mut lanes = Vec::new();
        let turn = Arc::default();
        for _ in 0..settings.lanes.max(1) {
            let (sender, receiver) = mpsc::channel(settings.queue.max(1));
            let lane =
                Lane::new(writer.clone(), receiver, settings.batch.max(1), Arc::clone(&turn));
            tasks.spawn(lane.run(closing.clone()));
            lanes.push(sender);
        }
        let handle =
            tokio::spawn(end_together("the committer", tasks, closing.clone(), ended.clone()));
        (Self { lanes: lanes.into(), closing, ended }, handle)
    }

    /// Submits a command and waits for its outcome, at most until `deadline` and at most [`LONGEST_WAIT`].
    ///
    /// Dropping the future does not take the command back.
    ///
    /// # Errors
    /// See [`SubmitError`]: only after `OutcomeUnknown` may something have been written.
    pub async fn submit(&self, command: Command, deadline: Option<Instant>) -> Answer {
        let name = command.name();
        let answer = self.queue_and_wait(command, deadline).await;
        metrics::command(
            name,
            match &answer {
                Ok(Ok(_)) => "done",
                Ok(Err(_)) => "refused",
                Err(error) => error.name(),
            },
        );
        answer
    }

    async fn queue_and_wait(&self, command: Command, deadline: Option<Instant>) -> Answer {
        let now = Instant::now();
        if deadline.is_some_and(|deadline| deadline <= now) {
            return Err(SubmitError::DeadlinePassed);
        }
        let (answer, outcome) = oneshot::channel();
        let lane = self.lane_of(command.user_id())?;
        lane.try_send(Waiting { command, deadline, since: now, answer }).map_err(|error| {
            match error {
                mpsc::error::TrySendError::Full(_) => SubmitError::Overloaded,
                mpsc::error::TrySendError::Closed(_) => SubmitError::Closed,
            }
        })?;
        let longest = now + LONGEST_WAIT;
        let until = deadline.map_or(longest, |deadline| deadline.min(longest));
        match tokio::time::timeout_at(until, outcome).await {
            Ok(Ok(answer)) => answer,
            // The lane ended without an answer, or has none yet: it may still write.
            Ok(Err(_)) | Err(_) => Err(SubmitError::OutcomeUnknown),
        }
    }

    /// How many commands wait in the lane where most do, and how many have room in one.
    pub fn fullest_lane(&self) -> (usize, usize) {
        let waiting = |lane: &mpsc::Sender<Waiting>| lane.max_capacity() - lane.capacity();
        let fullest = self.lanes.iter().map(waiting).max().unwrap_or(0);
        (fullest, self.lanes.first().map_or(0, mpsc::Sender::max_capacity))
    }

    /// Takes no more commands, and waits until those that were taken have their answers.
    pub async fn close(self) {
        self.closing.cancel();
        self.ended.cancelled().await;
    }

    /// The same user, the same lane: an instance never fights itself for a user's lock. What is about no user shares
    /// one too: two price lists published at once would fight for a version.
    fn lane_of(&self, user_id: Option<&UserId>) -> Result<&mpsc::Sender<Waiting>, SubmitError> {
        let lane = user_id.map_or(0, |user_id| lane_of(user_id, self.lanes.len()));
        self.lanes.get(lane).ok_or(SubmitError::Closed)
    }
}

/// Which of so many lanes, counted from 0, a user belongs to. Nothing is stored by it: another release may answer
/// otherwise.
pub fn lane_of(user_id: &UserId, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    user_id.hash(&mut hasher);
    let lanes = u64::try_from(lanes.max(1)).unwrap_or(1);
    usize::try_from(hasher.finish() % lanes).unwrap_or(0)
}
