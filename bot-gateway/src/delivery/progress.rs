//! Keeps «Генерирую…» messages alive while their jobs run.
//!
//! Every `UPKEEP` the chat shows "sending a photo"; at the growing marks of `EDITS` the message is edited with the
//! time that has passed. What is due is a matter of the table, so a restart goes on where it was, and of several
//! gateways one does it. A message that can't be edited is left alone: this is a courtesy, its failure stops nothing.

use std::time::{Duration, SystemTime};

use futures::StreamExt;
use proto::{
    client::ImagesClient,
    images::v1::{GetJobRequest, JobState},
};
use teloxide::{
    Bot,
    prelude::Requester,
    requests::Request as _,
    types::{ChatAction, ChatId, MessageId},
};
use tokio_util::sync::CancellationToken;

use crate::{
    bot::render,
    metrics,
    store::{DueProgress, Store, StoreError},
};

/// Telegram shows an action for 5 s.
const UPKEEP: Duration = Duration::from_secs(5);
/// After how many seconds the message is edited; not again after the last.
const EDITS: [u64; 10] = [10, 30, 60, 120, 180, 300, 600, 1200, 1800, 3600];
/// How often the table is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Due rows per look, and how many of them at once.
const LIMIT: u32 = 200;
const CONCURRENCY: usize = 8;
/// For the worker's word on the job.
const ASK: Duration = Duration::from_secs(3);
/// Longer than asking and editing can take: the client's timeout, and teloxide's wait on a 5xx.
const BUSY: Duration = Duration::from_secs(35);

/// Runs until `shutdown`.
pub async fn run(bot: Bot, images: ImagesClient, store: Store, shutdown: CancellationToken) {
    let upkeep = Upkeep { bot, images, store };
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = shutdown.cancelled() => return,
        }
        // Not cut short by a shutdown: an edit under way ends, so that no delivery has to wait for it.
        if let Err(error) = upkeep.round(SystemTime::now()).await {
            tracing::warn!(%error, "running jobs can't be read");
        }
    }
}

struct Upkeep {
    bot: Bot,
    images: ImagesClient,
    store: Store,
}

impl Upkeep {
    async fn round(&self, now: SystemTime) -> Result<(), StoreError> {
        let due = self.store.due_progress(now, LIMIT).await?;
        futures::stream::iter(due)
            .for_each_concurrent(CONCURRENCY, |due| async move {
                if let Err(error) = self.tend(&due, now).await {
                    tracing::warn!(%error, request_id = due.request.request_id, "the message can't be kept alive");
                }
            })
            .await;
        Ok(())
    }

    async fn tend(&self, due: &DueProgress, now: SystemTime) -> Result<(), StoreError> {
        let request = &due.request;
        let elapsed = now.duration_since(request.create_time).unwrap_or_default();
        let reached = steps_after(elapsed);
        let next =
            now + if reached as usize == EDITS.len() { Duration::from_secs(3600) } else { UPKEEP };
        if !self.store.claim_progress(due, now, next, reached, now + BUSY).await? {
            return Ok(());
        }
        self.show(due, elapsed, reached > due.step).await;
        self.store.end_progress(&request.request_id).await
    }

    async fn show(&self, due: &DueProgress, elapsed: Duration, edit: bool) {
        let request = &due.request;
        let chat = ChatId(request.chat_id);
        if let Err(error) = self.bot.send_chat_action(chat, ChatAction::UploadPhoto).send().await {
            tracing::debug!(%error, "the chat action was not shown");
        }
        let (Some(message_id), true) = (request.message_id, edit) else { return };
        let text = render::progress(
            request,
            elapsed,
            self.job_state(request.operation_id.as_deref()).await,
        );
        let mut change = self.bot.edit_message_text(chat, MessageId(message_id), text.text);
        change.reply_markup = text.keyboard;
        // A single try: by the time that Telegram takes it the text would be old.
        match change.send().await {
            Ok(_) => metrics::progress_edit(),
            Err(error) => tracing::debug!(%error, "the message was not edited"),
        }
    }

    async fn job_state(&self, operation_id: Option<&str>) -> Option<JobState> {
        let request = GetJobRequest { operation_id: operation_id?.to_owned() };
        let answer = tokio::time::timeout(ASK, self.images.get_job(request)).await.ok()?.ok()?;
        JobState::try_from(answer.job?.state).ok()
    }
}

/// How many edits should have been made by then.
fn steps_after(elapsed: Duration) -> i32 {
    let reached = EDITS.iter().filter(|mark| **mark <= elapsed.as_secs()).count();
    i32::try_from(reached).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_become_rarer_and_end() {
        let steps = |seconds| steps_after(Duration::from_secs(seconds));
        assert_eq!(
            [steps(0), steps(9), steps(10), steps(29), steps(30), steps(3600), steps(90_000)],
            [0, 0, 1, 1, 2, 10, 10]
        );
    }
}
