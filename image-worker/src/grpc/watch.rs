//! A job now and at each change, until its operation is settled.

use std::time::Duration;

use futures::Stream;
use futures::stream;
use proto::images::v1::{Job, WatchJobResponse};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::reply;
use super::status::Refusal;
use crate::jobs::Jobs;

/// How often the record is looked at: another worker may be the one that changes it.
const LOOK_EVERY: Duration = Duration::from_millis(500);

struct Watch {
    jobs: Jobs,
    operation_id: String,
    seen: Option<Job>,
    ended: bool,
    stop: CancellationToken,
}

/// The stream. It breaks off when the service stops; the caller opens it again.
pub(super) fn watch(
    jobs: Jobs,
    operation_id: String,
    stop: CancellationToken,
) -> impl Stream<Item = Result<WatchJobResponse, Status>> + Send + 'static {
    let watch = Watch { jobs, operation_id, seen: None, ended: false, stop };
    stream::try_unfold(watch, |mut watch| async move {
        let next = watch.next().await.map_err(Status::from)?;
        Ok(next.map(|job| (WatchJobResponse { job: Some(job) }, watch)))
    })
}

impl Watch {
    async fn next(&mut self) -> Result<Option<Job>, Refusal> {
        if self.ended {
            return Ok(None);
        }
        loop {
            let row = self.jobs.get(&self.operation_id).await?.ok_or(Refusal::JobNotFound)?;
            let job = reply::job(&row);
            if self.seen.as_ref().is_none_or(|seen| differs(seen, &job)) {
                self.ended = reply::settled(&row);
                self.seen = Some(job.clone());
                return Ok(Some(job));
            }
            tokio::select! {
                () = self.stop.cancelled() => {
                    return Err(Refusal::Overloaded { what: "the service stops, watch again" });
                }
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }
}

/// The time of the last write alone is no news: a heartbeat is a write.
fn differs(seen: &Job, job: &Job) -> bool {
    Job { update_time: None, ..seen.clone() } != Job { update_time: None, ..job.clone() }
}
