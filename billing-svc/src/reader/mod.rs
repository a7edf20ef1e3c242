//! Many who look → one statement → an answer for each.
//!
//! What waits is taken (at most [`Settings::batch`] of it, at least one), asked in one statement, and each caller gets its own
//! answer; meanwhile the next callers gather. No timer, so a lone call pays no delay, and a crowd costs a statement for all. The
//! statement begins after the call came: an answer is as new as one that was asked alone.
//!
//! Bounds: [`Settings::queue`] calls wait, the next is refused as [`ReadError::Overloaded`] at once. A call whose deadline passed
//! before its turn is dropped, and a statement is waited for no longer than [`LONGEST_WAIT`]. A caller that hangs up changes
//! nothing. A row that can't be read back fails only who asked for it: the others are asked for again, one by one.
//!
//! Nothing is kept: this is no cache, and a charge is never decided on what was read here.

mod asker;
mod question;

use std::sync::Arc;
use std::time::Duration;

use service_kit::shutdown::end_together;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::ledger::{OperationId, Policy, UserId, UserView};
use crate::store::Store;
use asker::{Asker, Waiting};
use question::{Question, Source};

/// How long one statement may take.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The limits of a reader, for each kind of question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How many statements may be under way at once, at least 1.
    pub statements: usize,
    /// How many calls may wait, at least 1; the next one is refused as overloaded.
    pub queue: usize,
    /// How many calls one statement may serve, at least 1.
    pub batch: usize,
}

/// Why a question has no answer. The log has the details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Too many calls are waiting; this one was not taken.
    #[error("too many calls are waiting")]
    Overloaded,
    /// The database does not answer.
    #[error("the database is unavailable")]
    Unavailable,
    /// What is stored can't be read back, or a defect of ours.
    #[error("an internal error")]
    Internal,
    /// The deadline passed before the call's turn came.
    #[error("the deadline passed")]
    DeadlinePassed,
    /// The reader is shutting down; the call was not taken.
    #[error("shutting down")]
    Closed,
}

/// Answers what many ask. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reader {
    users: mpsc::Sender<Waiting<UserId>>,
    owners: mpsc::Sender<Waiting<OperationId>>,
    closing: CancellationToken,
    ended: CancellationToken,
}

impl Reader {
    /// Starts it. The handle ends after [`Reader::close`], or because a part of it failed by a defect of ours.
    pub fn start(store: Store, policy: Arc<Policy>, settings: Settings) -> (Self, JoinHandle<()>) {
        let closing = CancellationToken::new();
        let ended = CancellationToken::new();
        let source = Source { store, policy };
        let mut tasks = JoinSet::new();
        let users = open(&source, settings, &closing, &mut tasks);
        let owners = open(&source, settings, &closing, &mut tasks);
        let handle =
            tokio::spawn(end_together("the reader", tasks, closing.clone(), ended.clone()));
        (Self { users, owners, closing, ended }, handle)
    }

    /// What a user has; for an unknown one, what a new user would have.
    ///
    /// # Errors
    /// See [`ReadError`]; so for what follows.
    pub async fn user(&self, id: UserId, deadline: Option<Instant>) -> Result<UserView, ReadError> {
        ask(&self.users, id, deadline).await
    }

    /// Whose operation is it?
    pub async fn owner(
        &self,
        id: OperationId,
        deadline: Option<Instant>,
    ) -> Result<Option<UserId>, ReadError> {
        ask(&self.owners, id, deadline).await
    }

    /// Takes no more calls, and waits until those that were taken have their answers.
    pub async fn close(self) {
        self.closing.cancel();
        self.ended.cancelled().await;
    }
}

async fn ask<Q: Question>(
    queue: &mpsc::Sender<Waiting<Q>>,
    question: Q,
    deadline: Option<Instant>,
) -> Result<Q::Answer, ReadError> {
    let (caller, answer) = oneshot::channel();
    queue.try_send(Waiting { question, deadline, caller }).map_err(|error| match error {
        mpsc::error::TrySendError::Full(_) => ReadError::Overloaded,
        mpsc::error::TrySendError::Closed(_) => ReadError::Closed,
    })?;
    // Bounded by the statements before it and its own. None comes where the task failed.
    answer.await.unwrap_or(Err(ReadError::Internal))
}

/// A queue and the tasks that empty it.
fn open<Q: Question>(
    source: &Source,
    settings: Settings,
    closing: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> mpsc::Sender<Waiting<Q>> {
    let (sender, queue) = mpsc::channel(settings.queue.max(1));
    let queue = Arc::new(Mutex::new(queue));
    for _ in 0..settings.statements.max(1) {
        let asker = Asker::new(source.clone(), queue.clone(), settings.batch.max(1));
        tasks.spawn(asker.run(closing.clone()));
    }
    sender
}
