//! Image jobs with a fal.ai that answers at once: from SubmitJob until the operation is completed at billing.
//!
//! Each job is charged first, which does not count, then handed in. The worker asks for the hold, submits to the stand-in,
//! fetches and stores the picture, has the gateway deliver it (which fetches it from the worker and sends it to the stand-in
//! of Telegram), and completes the operation. Pictures are small, so that drawing them is not what is measured.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;
use proto::billing::v1::ChargeRequest;
use proto::client::ImagesClient;
use proto::gateway::v1::ReplyTo;
use proto::images::v1::SubmitJobRequest;
use serde::Serialize;

use super::telling::Counter;
use super::usage::{Meter, Usage};
use super::{Databases, Kind};
use crate::system::{Service, System};

/// Users whose jobs they are, and whose chats they go to.
const USERS: u64 = 100;
const FIRST_USER: u64 = 6_100_000_000;
/// What each is given, micros: far more than their jobs cost.
const BALANCE: i64 = 1_000_000_000_000;
/// Jobs before anything is measured.
const WARM_UP: u64 = 100;
/// Calls at once that charge, and then hand in.
const CALLS: usize = 32;
/// The built-in file's kind, but for the size.
const MODELS: &str = r#"
[generate]
app = "fal-ai/flux/dev"
prompt = "{prompt}"
parameters = { num_images = 1, output_format = "png", image_size = { width = 64, height = 64 } }
"#;

/// What image-worker did.
#[derive(Debug, Clone, Serialize)]
pub struct Worker {
    /// Where its queue is.
    pub database: Kind,
    /// How many jobs were handed in.
    pub jobs: u64,
    /// How many the worker runs at once.
    pub concurrency: u32,
    /// Jobs a second that were handed in.
    pub submitted_per_second: f64,
    /// Jobs a second that ended with a completed operation, from the first that was handed in to the last that was done.
    pub done_per_second: f64,
    /// What the worker took.
    pub usage: Usage,
}

impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "image-worker, {}: {:.0} jobs/s handed in, {:.1} jobs/s from the first to the last that was settled ({} at \
             once); {}",
            self.database.name(),
            self.submitted_per_second,
            self.done_per_second,
            self.concurrency,
            self.usage
        )
    }
}

/// Measures it with `jobs` of them; `concurrency` is the worker's WORKER_CONCURRENCY.
///
/// # Errors
/// A service can't be started; a job was refused or failed; money is left held; nothing moved for
/// [`STALL`](super::STALL).
pub async fn worker(
    databases: &Databases,
    jobs: u64,
    concurrency: u32,
    progress: &ProgressBar,
) -> anyhow::Result<Worker> {
    let folder = tempfile::tempdir()?;
    let models = folder.path().join("models.toml");
    tokio::fs::write(&models, MODELS).await?;
    let system = databases
        .system()
        .setting("FAL_MODELS_FILE", models.display().to_string())
        .setting("WORKER_CONCURRENCY", concurrency.to_string())
        .start()
        .await?;
    system.fal().set_pace(Duration::ZERO);
    let users = (FIRST_USER..FIRST_USER + USERS).collect::<Vec<_>>();
    for user in &users {
        system.telegram().user(i64::try_from(*user)?);
        system.billing().adjust(&format!("tg:{user}"), BALANCE).await?;
    }
    let ended =
        Counter::of(&system, Service::Worker, "worker_jobs_ended_total", "outcome=\"succeeded\"")?;
    let images = Arc::new(system.processes().images()?);
    submit(&images, charge(&system, 0..WARM_UP).await?, &ProgressBar::hidden()).await?;
    ended.reach(WARM_UP).await?;

    let charged = charge(&system, WARM_UP..WARM_UP + jobs).await?;
    let process = system.processes().id(Service::Worker).context("image-worker runs")?;
    let meter = Meter::start(process)?;
    progress.set_length(jobs);
    let begun = Instant::now();
    submit(&images, charged, progress).await?;
    let submitted = begun.elapsed();
    ended.reach(WARM_UP + jobs).await?;
    let done = begun.elapsed();
    let usage = meter.read()?;
    for user in &users {
        let held = system.billing().user(&format!("tg:{user}")).await?.held.unwrap_or_default();
        ensure!((held.units, held.nanos) == (0, 0), "something of tg:{user} is left held");
    }
    system.verify().await?;
    system.shutdown().await?;
    Ok(Worker {
        database: databases.kind,
        jobs,
        concurrency,
        submitted_per_second: jobs as f64 / submitted.as_secs_f64(),
        done_per_second: jobs as f64 / done.as_secs_f64(),
        usage,
    })
}

/// Charges one operation for each number; answers its id and its user.
async fn charge(system: &System, numbers: Range<u64>) -> anyhow::Result<Vec<(String, u64)>> {
    let charges = stream::iter(numbers).map(|number| async move {
        let user = FIRST_USER + number % USERS;
        let request = ChargeRequest {
            request_id: format!("bench-{number}"),
            user_id: format!("tg:{user}"),
            kind: "generate".to_owned(),
            ..Default::default()
        };
        let charged = system.as_gateway().billing.charge(request).await?;
        let operation = charged.operation.context("a charge has an operation")?;
        anyhow::Ok((operation.operation_id, user))
    });
    charges.buffer_unordered(CALLS).try_collect().await
}

async fn submit(
    images: &Arc<ImagesClient>,
    charged: Vec<(String, u64)>,
    progress: &ProgressBar,
) -> anyhow::Result<()> {
    let calls = stream::iter(charged).map(|(operation_id, user)| async move {
        let request = SubmitJobRequest {
            operation_id,
            user_id: format!("tg:{user}"),
            kind: "generate".to_owned(),
            prompt: "a cat".to_owned(),
            reply_to: Some(ReplyTo {
                chat_id: i64::try_from(user)?,
                message_id: 0,
                locale: "ru".to_owned(),
            }),
            ..Default::default()
        };
        images.submit_job(request).await?;
        progress.inc(1);
        anyhow::Ok(())
    });
    calls.buffer_unordered(CALLS).try_collect().await
}
