//! The calls.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use proto::images::v1::image_service_server::ImageService;
use proto::images::v1::{
    CancelJobRequest, CancelJobResponse, GetJobRequest, GetJobResponse, GetResultRequest,
    GetResultResponse, RetryDeliveriesRequest, RetryDeliveriesResponse, SubmitJobRequest,
    SubmitJobResponse, UploadInputRequest, UploadInputResponse, WatchJobRequest, WatchJobResponse,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::status::Refusal;
use super::{download, reply, upload, validate, watch};
use crate::blobs::{BlobError, Blobs};
use crate::clock::Time;
use crate::fal::Models;
use crate::jobs::{FailReason, Held, Job, JobRow, Jobs, Phase, Spec, Submitted};
use crate::run::{KEEP_INPUT, Runner};

/// Uploads at once; each may hold 20 MB.
const MAX_UPLOADS: usize = 32;
/// Watched jobs at once; each looks at the database twice a second.
const MAX_WATCHES: usize = 256;
/// How long CancelJob waits for the refund.
const CANCEL_WAIT: Duration = Duration::from_secs(5);
const CANCEL_LOOK: Duration = Duration::from_millis(50);

type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// `ImageService`.
#[derive(Debug, Clone)]
pub struct Images {
    jobs: Jobs,
    blobs: Blobs,
    models: Arc<Models>,
    runner: Runner,
    lease: Duration,
    stop: CancellationToken,
    uploads: Arc<Semaphore>,
    watches: Arc<Semaphore>,
}

impl Images {
    /// The service. `lease` is what a job is leased for that is called off; streams break off at `stop`.
    pub fn new(
        jobs: Jobs,
        blobs: Blobs,
        models: Arc<Models>,
        runner: Runner,
        lease: Duration,
        stop: CancellationToken,
    ) -> Self {
        Self {
            jobs,
            blobs,
            models,
            runner,
            lease,
            stop,
            uploads: Arc::new(Semaphore::new(MAX_UPLOADS)),
            watches: Arc::new(Semaphore::new(MAX_WATCHES)),
        }
    }

    async fn job(&self, operation_id: &str) -> Result<JobRow, Refusal> {
        validate::operation_id(operation_id)?;
        self.jobs.get(operation_id).await?.ok_or(Refusal::JobNotFound)
    }

    /// Every input is there, belongs to the user, and will be there as long as a job may need it.
    async fn check_inputs(&self, spec: &Spec, now: Time) -> Result<(), Refusal> {
        for input_id in &spec.input_ids {
            match self.blobs.input_time(&spec.user_id, input_id).await {
                Ok(uploaded) if now.since(uploaded) <= KEEP_INPUT => {}
                Ok(_) | Err(BlobError::NotFound) => {
                    return Err(Refusal::InputNotFound { input_id: input_id.clone() });
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn submit(&self, request: SubmitJobRequest) -> Result<JobRow, Refusal> {
        let operation_id = request.operation_id.clone();
        let spec = validate::submit(request, &self.models)?;
        // Before the inputs: those of a job that is known may be gone.
        let submitted = match self.jobs.known(&operation_id, &spec).await? {
            Some(known) => known,
            None => {
                let now = Time::now();
                self.check_inputs(&spec, now).await?;
                self.jobs.submit(&Job::new(operation_id, spec, now)).await?
            }
        };
        match submitted {
            Submitted::Taken(row) => Ok(*row),
            Submitted::OtherContent(field) => Err(Refusal::OperationIdReused { field }),
            Submitted::Overloaded => Err(Refusal::Overloaded { what: "too many jobs wait" }),
        }
    }

    async fn cancel(&self, operation_id: &str) -> Result<JobRow, Refusal> {
        let row = self.job(operation_id).await?;
        if !is_canceled(&row) {
            let claimed = self.jobs.claim_queued(operation_id, self.lease).await?;
            let (leased, mut job) = claimed.ok_or(Refusal::JobStarted)?;
            job.phase = Phase::Refunding { reason: FailReason::Canceled };
            if self.jobs.save(&leased, &job).await? == Held::Lost {
                return Err(Refusal::JobStarted);
            }
            self.runner.adopt(leased, job);
        }
        // The intent is stored: should billing be away, the refund follows, and the answer says RUNNING till then.
        let until = Time::now().plus(CANCEL_WAIT);
        loop {
            let row = self.job(operation_id).await?;
            if reply::settled(&row) || Time::now() > until {
                return Ok(row);
            }
            tokio::time::sleep(CANCEL_LOOK).await;
        }
    }
}

fn is_canceled(row: &JobRow) -> bool {
    matches!(
        row.job.phase,
        Phase::Refunding { reason: FailReason::Canceled }
            | Phase::Telling { reason: FailReason::Canceled, .. }
            | Phase::Failed { reason: FailReason::Canceled }
    )
}

fn room(semaphore: &Arc<Semaphore>, what: &'static str) -> Result<OwnedSemaphorePermit, Refusal> {
    semaphore.clone().try_acquire_owned().map_err(|_| Refusal::Overloaded { what })
}

#[tonic::async_trait]
impl ImageService for Images {
    type WatchJobStream = BoxStream<WatchJobResponse>;
    type GetResultStream = BoxStream<GetResultResponse>;

    async fn upload_input(
        &self,
        request: Request<Streaming<UploadInputRequest>>,
    ) -> Result<Response<UploadInputResponse>, Status> {
        let _permit = room(&self.uploads, "too many uploads at once")?;
        let (user_id, picture) = upload::receive(request.into_inner()).await?;
        let input_id = self.blobs.put_input(&user_id, picture).await.map_err(Refusal::from)?;
        Ok(Response::new(UploadInputResponse { input_id }))
    }

    async fn submit_job(
        &self,
        request: Request<SubmitJobRequest>,
    ) -> Result<Response<SubmitJobResponse>, Status> {
        let row = self.submit(request.into_inner()).await?;
        Ok(Response::new(SubmitJobResponse { job: Some(reply::job(&row)) }))
    }

    async fn get_job(
        &self,
        request: Request<GetJobRequest>,
    ) -> Result<Response<GetJobResponse>, Status> {
        let row = self.job(&request.into_inner().operation_id).await?;
        Ok(Response::new(GetJobResponse { job: Some(reply::job(&row)) }))
    }

    async fn cancel_job(
        &self,
        request: Request<CancelJobRequest>,
    ) -> Result<Response<CancelJobResponse>, Status> {
        let row = self.cancel(&request.into_inner().operation_id).await?;
        Ok(Response::new(CancelJobResponse { job: Some(reply::job(&row)) }))
    }

    async fn watch_job(
        &self,
        request: Request<WatchJobRequest>,
    ) -> Result<Response<Self::WatchJobStream>, Status> {
        let operation_id = request.into_inner().operation_id;
        self.job(&operation_id).await?;
        let permit = room(&self.watches, "too many jobs are watched")?;
        let changes = watch::watch(self.jobs.clone(), operation_id, self.stop.clone());
        Ok(Response::new(holding(permit, changes)))
    }

    async fn get_result(
        &self,
        request: Request<GetResultRequest>,
    ) -> Result<Response<Self::GetResultStream>, Status> {
        let request = request.into_inner();
        let index = validate::index(request.index)?;
        let row = self.job(&request.operation_id).await?;
        let picture = row.job.pictures.get(index).ok_or(Refusal::ResultNotFound)?;
        let mime_type = picture.mime_type.clone();
        let parts =
            download::send(self.blobs.clone(), request.operation_id, index, mime_type).await?;
        Ok(Response::new(Box::pin(parts)))
    }

    async fn retry_deliveries(
        &self,
        request: Request<RetryDeliveriesRequest>,
    ) -> Result<Response<RetryDeliveriesResponse>, Status> {
        let user_id = request.into_inner().user_id;
        validate::user_id("user_id", &user_id)?;
        let woken = self.jobs.wake_waiting(&user_id).await.map_err(Refusal::from)?;
        let count = i32::try_from(woken).unwrap_or(i32::MAX);
        Ok(Response::new(RetryDeliveriesResponse { count }))
    }
}

/// The stream, with the permit it runs under.
fn holding<T: 'static>(
    permit: OwnedSemaphorePermit,
    stream: impl Stream<Item = Result<T, Status>> + Send + 'static,
) -> BoxStream<T> {
    use futures::StreamExt;
    Box::pin(stream.map(move |item| {
        let _held = &permit;
        item
    }))
}
