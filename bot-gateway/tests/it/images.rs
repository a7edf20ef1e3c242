//! An image service that has the pictures it was given, and no jobs.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures::Stream;
use proto::images::v1::{
    CancelJobRequest, CancelJobResponse, GetJobRequest, GetJobResponse, GetResultRequest,
    GetResultResponse, Job, RetryDeliveriesRequest, RetryDeliveriesResponse, SubmitJobRequest,
    SubmitJobResponse, UploadInputRequest, UploadInputResponse, WatchJobRequest, WatchJobResponse,
    get_result_response,
    image_service_server::{ImageService, ImageServiceServer},
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, Streaming, transport::Server};

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The pictures, by operation.
#[derive(Clone, Default)]
pub struct Images(Arc<Mutex<HashMap<String, Vec<Bytes>>>>);

impl Images {
    /// Serves until the runtime ends; answers the URL.
    pub async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Server::builder().add_service(ImageServiceServer::new(self.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        url
    }

    /// The operation's result.
    pub fn put(&self, operation_id: &str, pictures: Vec<Bytes>) {
        self.0.lock().unwrap().insert(operation_id.to_owned(), pictures);
    }
}

#[tonic::async_trait]
impl ImageService for Images {
    type WatchJobStream = Answers<WatchJobResponse>;
    type GetResultStream = Answers<GetResultResponse>;

    async fn get_result(
        &self,
        request: Request<GetResultRequest>,
    ) -> Result<Response<Self::GetResultStream>, Status> {
        let GetResultRequest { operation_id, index } = request.into_inner();
        let pictures = self.0.lock().unwrap();
        let picture =
            pictures.get(&operation_id).and_then(|pictures| pictures.get(index as usize)).cloned();
        let Some(picture) = picture else { return Err(Status::not_found("no such picture")) };
        let header = get_result_response::Header {
            mime_type: "image/png".to_owned(),
            size_bytes: picture.len() as i64,
        };
        let mut parts = vec![get_result_response::Part::Header(header)];
        for start in (0..picture.len()).step_by(1 << 20) {
            let end = picture.len().min(start + (1 << 20));
            parts.push(get_result_response::Part::Chunk(picture.slice(start..end)));
        }
        let answers = parts.into_iter().map(|part| Ok(GetResultResponse { part: Some(part) }));
        Ok(Response::new(Box::pin(futures::stream::iter(answers.collect::<Vec<_>>()))))
    }

    async fn get_job(
        &self,
        request: Request<GetJobRequest>,
    ) -> Result<Response<GetJobResponse>, Status> {
        let operation_id = request.into_inner().operation_id;
        let count = self.0.lock().unwrap().get(&operation_id).map(Vec::len);
        let Some(count) = count else { return Err(Status::not_found("no such job")) };
        let job = Job { operation_id, result_count: count as i32, ..Job::default() };
        Ok(Response::new(GetJobResponse { job: Some(job) }))
    }

    async fn upload_input(
        &self,
        _: Request<Streaming<UploadInputRequest>>,
    ) -> Result<Response<UploadInputResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn submit_job(
        &self,
        _: Request<SubmitJobRequest>,
    ) -> Result<Response<SubmitJobResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn cancel_job(
        &self,
        _: Request<CancelJobRequest>,
    ) -> Result<Response<CancelJobResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn watch_job(
        &self,
        _: Request<WatchJobRequest>,
    ) -> Result<Response<Self::WatchJobStream>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn retry_deliveries(
        &self,
        _: Request<RetryDeliveriesRequest>,
    ) -> Result<Response<RetryDeliveriesResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }
}
