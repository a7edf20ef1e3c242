//! Many callers → one batch → one transaction → an answer for each.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::ledger::{Command, Outcome, Policy, Rejection};
use crate::store::Store;

/// The limits of a committer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How many batches may be under way at once, of different users: 1 on SQLite.
    pub lanes: usize,
    /// How many commands may wait in each lane; the next one is refused as overloaded.
    pub queue: usize,
    /// How many commands one transaction may hold.
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

/// The only way to write. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Committer {}

impl Committer {
    /// Starts the lanes. The handle ends when all of them have: after [`Committer::close`], or by a defect.
    pub fn start(_store: Store, _policy: Policy, _settings: Settings) -> (Self, JoinHandle<()>) {
        todo!()
    }

    /// Submits a command and waits for its outcome.
    pub async fn submit(&self, _command: Command, _deadline: Option<Instant>) -> Result<Result<Outcome, Rejection>, SubmitError> {
        let _ = Duration::ZERO;
        todo!()
    }

    /// Takes no more commands, and waits until those that were taken have their answers.
    pub async fn close(self) {
        todo!()
    }
}
