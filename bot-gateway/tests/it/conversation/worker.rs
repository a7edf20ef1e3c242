//! An image service that takes jobs and does nothing about them.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use futures::Stream;
use proto::images::v1::{
    image_service_server::{ImageService, ImageServiceServer},
    *,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status, Streaming, transport::Server};
use tonic_types::{ErrorDetails, StatusExt};

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;
type Answer<T> = Result<Response<T>, Status>;

#[derive(Default)]
pub struct Desk {
    pub jobs: Vec<SubmitJobRequest>,
    /// Type and length of what was uploaded, by input id.
    pub inputs: HashMap<String, (String, usize)>,
    /// The next jobs are refused with this reason.
    pub refuse: Option<&'static str>,
    /// The next job is taken, and its answer never comes.
    pub hang: bool,
    /// Jobs that were canceled.
    pub canceled: Vec<String>,
    /// Users whose waiting results were asked for.
    pub retried: Vec<String>,
    pub state: JobState,
}

#[derive(Clone, Default)]
pub struct Worker(Arc<Mutex<Desk>>);

impl Worker {
    pub async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Server::builder().add_service(ImageServiceServer::new(self.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        url
    }

    pub fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap()
    }

    pub fn jobs(&self) -> Vec<SubmitJobRequest> {
        self.desk().jobs.clone()
    }

    fn take(&self, job: SubmitJobRequest) -> Result<bool, Status> {
        let mut desk = self.desk();
        if let Some(reason) = desk.refuse {
            return Err(refused(Code::InvalidArgument, reason));
        }
        let known = desk.jobs.iter().find(|known| known.operation_id == job.operation_id);
        match known {
            Some(known) if *known == job => {}
            Some(_) => return Err(refused(Code::AlreadyExists, "OPERATION_ID_REUSED")),
            None => desk.jobs.push(job),
        }
        Ok(std::mem::take(&mut desk.hang))
    }
}

fn refused(code: Code, reason: &str) -> Status {
    let details = ErrorDetails::with_error_info(reason, "images.kopilka", HashMap::new());
    Status::with_error_details(code, reason, details)
}

#[tonic::async_trait]
impl ImageService for Worker {
    type WatchJobStream = Answers<WatchJobResponse>;
    type GetResultStream = Answers<GetResultResponse>;

    async fn upload_input(
        &self,
        request: Request<Streaming<UploadInputRequest>>,
    ) -> Answer<UploadInputResponse> {
        let mut parts = request.into_inner();
        let mut mime_type = String::new();
        let mut length = 0;
        while let Some(part) = parts.message().await? {
            match part.part {
                Some(upload_input_request::Part::Header(header)) => mime_type = header.mime_type,
                Some(upload_input_request::Part::Chunk(chunk)) => length += chunk.len(),
                None => {}
            }
        }
        let mut desk = self.desk();
        let input_id = format!("input-{}", desk.inputs.len());
        desk.inputs.insert(input_id.clone(), (mime_type, length));
        Ok(Response::new(UploadInputResponse { input_id }))
    }

    async fn submit_job(&self, request: Request<SubmitJobRequest>) -> Answer<SubmitJobResponse> {
        if self.take(request.into_inner())? {
            std::future::pending::<()>().await;
        }
        Ok(Response::new(SubmitJobResponse { job: Some(Job::default()) }))
    }

    async fn get_job(&self, request: Request<GetJobRequest>) -> Answer<GetJobResponse> {
        let operation_id = request.into_inner().operation_id;
        let mut job = Job { operation_id, ..Job::default() };
        job.set_state(self.desk().state);
        Ok(Response::new(GetJobResponse { job: Some(job) }))
    }

    async fn cancel_job(&self, request: Request<CancelJobRequest>) -> Answer<CancelJobResponse> {
        let mut desk = self.desk();
        if desk.state != JobState::Queued {
            return Err(refused(Code::FailedPrecondition, "JOB_STARTED"));
        }
        desk.canceled.push(request.into_inner().operation_id);
        Ok(Response::new(CancelJobResponse { job: Some(Job::default()) }))
    }

    async fn retry_deliveries(
        &self,
        request: Request<RetryDeliveriesRequest>,
    ) -> Answer<RetryDeliveriesResponse> {
        self.desk().retried.push(request.into_inner().user_id);
        Ok(Response::new(RetryDeliveriesResponse { count: 0 }))
    }

    async fn get_result(&self, _: Request<GetResultRequest>) -> Answer<Self::GetResultStream> {
        let picture = Bytes::from_static(&crate::harness::PNG);
        let header = get_result_response::Header {
            mime_type: "image/png".to_owned(),
            size_bytes: picture.len() as i64,
        };
        let parts =
            [get_result_response::Part::Header(header), get_result_response::Part::Chunk(picture)];
        let answers = parts.map(|part| Ok(GetResultResponse { part: Some(part) }));
        Ok(Response::new(Box::pin(futures::stream::iter(answers))))
    }

    async fn watch_job(&self, _: Request<WatchJobRequest>) -> Answer<Self::WatchJobStream> {
        Err(Status::unimplemented("not asked by the bot"))
    }
}
