//! One lane: takes what waits, writes it as one batch, answers each caller.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::attempt::{Failure, Writer};
use super::{Answer, SubmitError};
use crate::ledger::Command;
use crate::metrics;

/// A command in the queue, and who waits for it.
#[derive(Debug)]
pub(super) struct Waiting {
    pub command: Command,
    pub deadline: Option<Instant>,
    pub since: Instant,
    pub answer: oneshot::Sender<Answer>,
}

/// Commands that are worth a batch of their own beside another lane's. Fewer wait for their turn, and more join them meanwhile:
/// two half-empty batches at once cost more than one after the other.
const CROWD: usize = 32;

/// A queue and the only task that empties it.
pub(super) struct Lane {
    writer: Writer,
    queue: mpsc::Receiver<Waiting>,
    batch: usize,
    /// Held by the lane that writes a small batch.
    turn: Arc<Mutex<()>>,
}

impl Lane {
    pub(super) fn new(
        writer: Writer,
        queue: mpsc::Receiver<Waiting>,
        batch: usize,
        turn: Arc<Mutex<()>>,
    ) -> Self {
        Self { writer, queue, batch, turn }
    }

    /// Until `closing`, and then until the queue is empty.
    pub(super) async fn run(mut self, closing: CancellationToken) {
        let mut waiting = Vec::with_capacity(self.batch);
        loop {
            tokio::select! {
                biased;
                () = closing.cancelled(), if !self.queue.is_closed() => self.queue.close(),
                taken = self.queue.recv_many(&mut waiting, self.batch) => {
                    if taken == 0 {
                        return;
                    }
                    // Calls that have come in but were not looked at yet share the batch: it takes no time that they would not
                    // take anyway.
                    tokio::task::yield_now().await;
                    self.take_more(&mut waiting);
                    let turn = Arc::clone(&self.turn);
                    let _turn = match waiting.len() < CROWD {
                        true => Some(turn.lock().await),
                        false => None,
                    };
                    self.take_more(&mut waiting);
                    self.write(&mut waiting).await;
                }
            }
        }
    }

    /// What has come meanwhile, as far as the batch has room.
    fn take_more(&mut self, waiting: &mut Vec<Waiting>) {
        while waiting.len() < self.batch
            && let Ok(more) = self.queue.try_recv()
        {
            waiting.push(more);
        }
    }

    async fn write(&self, waiting: &mut Vec<Waiting>) {
        let now = Instant::now();
        let mut commands = Vec::with_capacity(waiting.len());
        let mut callers = Vec::with_capacity(waiting.len());
        for waiting in waiting.drain(..) {
            metrics::queue_wait(now.duration_since(waiting.since));
            if waiting.deadline.is_some_and(|deadline| deadline <= now) {
                answer(waiting.answer, Err(SubmitError::DeadlinePassed));
            } else {
                commands.push(waiting.command);
                callers.push(waiting.answer);
            }
        }
        if commands.is_empty() {
            return;
        }
        metrics::batch(commands.len());
        let answers = self.answers(&commands).await;
        for (caller, outcome) in callers.into_iter().zip(answers) {
            answer(caller, outcome);
        }
    }

    /// One for each command, in order.
    async fn answers(&self, commands: &[Command]) -> Vec<Answer> {
        match self.writer.write(commands).await {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            Err(Failure::Guilty) if commands.len() > 1 => self.one_by_one(commands).await,
            Err(failure) => vec![Err(failure.for_caller()); commands.len()],
        }
    }

    /// Something in the batch can't be written: alone, only the guilty command fails.
    async fn one_by_one(&self, commands: &[Command]) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(commands.len());
        let mut down = None;
        for command in commands {
            if let Some(error) = down {
                answers.push(Err(error));
                continue;
            }
            match self.writer.write(std::slice::from_ref(command)).await {
                Ok(outcomes) => answers.extend(outcomes.into_iter().map(Ok)),
                Err(failure) => {
                    if failure == Failure::Down {
                        // Waiting for a database that is down once is enough.
                        down = Some(failure.for_caller());
                    }
                    answers.push(Err(failure.for_caller()));
                }
            }
        }
        answers
    }
}

fn answer(caller: oneshot::Sender<Answer>, answer: Answer) {
    if caller.send(answer).is_err() {
        tracing::debug!("a caller left before the answer");
    }
}
