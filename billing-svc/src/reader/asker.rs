//! Takes what waits, asks it in one statement, answers each caller.

use std::panic::AssertUnwindSafe;
use std::slice;
use std::sync::Arc;

use futures::FutureExt;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::question::{Question, Source};
use super::{LONGEST_WAIT, ReadError};
use crate::metrics;
use crate::store::StoreError;

/// A question in the queue, and who waits for its answer.
#[derive(Debug)]
pub(super) struct Waiting<Q: Question> {
    pub(super) question: Q,
    pub(super) deadline: Option<Instant>,
    pub(super) caller: Caller<Q>,
}

type Caller<Q> = oneshot::Sender<Result<<Q as Question>::Answer, ReadError>>;

/// One statement after the other.
pub(super) struct Asker<Q: Question> {
    source: Source,
    /// Whoever is idle waits for what comes next, one at a time.
    queue: Arc<Mutex<mpsc::Receiver<Waiting<Q>>>>,
    batch: usize,
}

impl<Q: Question> Asker<Q> {
    pub(super) fn new(
        source: Source,
        queue: Arc<Mutex<mpsc::Receiver<Waiting<Q>>>>,
        batch: usize,
    ) -> Self {
        Self { source, queue, batch }
    }

    /// Until `closing`, and then until the queue is empty.
    pub(super) async fn run(self, closing: CancellationToken) {
        let mut waiting = Vec::with_capacity(self.batch);
        while self.take(&mut waiting, &closing).await {
            self.answer(&mut waiting).await;
        }
    }

    /// What waits, at least one; false when nothing will come any more.
    async fn take(&self, waiting: &mut Vec<Waiting<Q>>, closing: &CancellationToken) -> bool {
        let mut queue = self.queue.lock().await;
        loop {
            tokio::select! {
                biased;
                () = closing.cancelled(), if !queue.is_closed() => queue.close(),
                taken = queue.recv_many(waiting, self.batch) => return taken > 0,
            }
        }
    }

    async fn answer(&self, waiting: &mut Vec<Waiting<Q>>) {
        let now = Instant::now();
        let mut asked = Vec::with_capacity(waiting.len());
        let mut callers = Vec::with_capacity(waiting.len());
        for waiting in waiting.drain(..) {
            if waiting.deadline.is_some_and(|deadline| deadline <= now) {
                tell::<Q>(waiting.caller, Err(ReadError::DeadlinePassed));
            } else if !waiting.caller.is_closed() {
                asked.push(waiting.question);
                callers.push(waiting.caller);
            }
        }
        if asked.is_empty() {
            return;
        }
        match self.statement(&asked).await {
            Ok(answers) => {
                for (caller, answer) in callers.into_iter().zip(answers) {
                    tell::<Q>(caller, Ok(answer));
                }
            }
            Err(ReadError::Internal) if asked.len() > 1 => self.one_by_one(asked, callers).await,
            Err(error) => {
                for caller in callers {
                    tell::<Q>(caller, Err(error));
                }
            }
        }
    }

    /// Something among them can't be read back: alone, only who asked for it is told so.
    async fn one_by_one(&self, asked: Vec<Q>, callers: Vec<Caller<Q>>) {
        let mut down = None;
        for (question, caller) in asked.iter().zip(callers) {
            let answer = match down {
                // Waiting for a database that is down once is enough.
                Some(error) => Err(error),
                None => self.statement(slice::from_ref(question)).await,
            };
            let answer =
                answer.and_then(|answers| answers.into_iter().next().ok_or(ReadError::Internal));
            if let Err(error @ ReadError::Unavailable) = answer {
                down = Some(error);
            }
            tell::<Q>(caller, answer);
        }
    }

    /// Logs why there is no answer.
    async fn statement(&self, asked: &[Q]) -> Result<Vec<Q::Answer>, ReadError> {
        // A panic is an answer too, not the end of the task. Nothing is shared but the pool, which is made for that.
        let asking = AssertUnwindSafe(Q::ask(&self.source, asked)).catch_unwind();
        let since = Instant::now();
        let answered = timeout(LONGEST_WAIT, asking).await;
        metrics::read(Q::NAME, asked.len(), since.elapsed());
        match answered {
            Ok(Ok(Ok(answers))) if answers.len() == asked.len() => Ok(answers),
            Ok(Ok(Ok(_)) | Err(_)) => {
                tracing::error!(what = Q::NAME, asked = asked.len(), "a read failed by a defect");
                Err(ReadError::Internal)
            }
            Ok(Ok(Err(error))) => Err(report(&error, Q::NAME, asked.len())),
            Err(_) => {
                tracing::warn!(what = Q::NAME, asked = asked.len(), wait = ?LONGEST_WAIT, "a read was given up");
                Err(ReadError::Unavailable)
            }
        }
    }
}

fn report(error: &StoreError, what: &'static str, asked: usize) -> ReadError {
    match error {
        StoreError::Corrupt { .. } | StoreError::Refused(_) => {
            tracing::error!(?error, what, asked, "a read failed: run `billing-svc verify`");
            ReadError::Internal
        }
        StoreError::Retryable(_)
        | StoreError::Conflict(_)
        | StoreError::Unavailable(_)
        | StoreError::OutcomeUnknown(_) => {
            tracing::warn!(?error, what, asked, "the database did not answer a read");
            ReadError::Unavailable
        }
    }
}

fn tell<Q: Question>(caller: Caller<Q>, answer: Result<Q::Answer, ReadError>) {
    if caller.send(answer).is_err() {
        tracing::debug!(what = Q::NAME, "a caller left before the answer");
    }
}
