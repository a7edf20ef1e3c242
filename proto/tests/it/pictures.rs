//! Pictures in chunks, both ways.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use proto::{
    client::{ClientConfig, ImagesClient, Picture},
    images::v1::{
        self as images, GetResultResponse, UploadInputRequest, UploadInputResponse,
        get_result_response as result,
        image_service_server::{ImageService, ImageServiceServer},
        upload_input_request as input,
    },
};
use tokio::net::TcpListener;
use tokio_stream::Stream;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::server::Running;

type Messages = Vec<Result<GetResultResponse, Status>>;

/// Keeps what is uploaded (or refuses), and answers results as scripted.
#[derive(Clone, Default)]
struct Images {
    uploads: Arc<Mutex<Vec<Vec<UploadInputRequest>>>>,
    refuse_uploads: bool,
    results: Arc<Mutex<VecDeque<Messages>>>,
}

impl Images {
    async fn start(&self) -> (Running, ImagesClient) {
        let service = ImageServiceServer::new(self.clone());
        let running =
            Running::start(tonic::transport::Server::builder().add_service(service)).await;
        let client = ImagesClient::new(&ClientConfig::new(running.url(), None)).unwrap();
        (running, client)
    }

    fn with_results(results: impl IntoIterator<Item = Messages>) -> Self {
        Self { results: Arc::new(Mutex::new(results.into_iter().collect())), ..Self::default() }
    }
}

fn header(size: i64) -> Result<GetResultResponse, Status> {
    let header = result::Header { mime_type: "image/png".to_owned(), size_bytes: size };
    Ok(GetResultResponse { part: Some(result::Part::Header(header)) })
}

fn chunk(bytes: &'static [u8]) -> Result<GetResultResponse, Status> {
    Ok(GetResultResponse { part: Some(result::Part::Chunk(Bytes::from_static(bytes))) })
}

#[tokio::test]
async fn an_input_travels_as_a_header_and_chunks_of_up_to_a_megabyte() {
    let images = Images::default();
    let (_running, client) = images.start().await;
    let picture: Bytes = (0..2_500_000u32).map(|n| n as u8).collect();
    let id = client.upload_input("tg:7", "image/jpeg", picture.clone()).await.unwrap();
    assert_eq!(id, "input-1");

    let uploads = images.uploads.lock().unwrap().clone();
    assert_eq!(uploads.len(), 1);
    let header = input::Header { user_id: "tg:7".to_owned(), mime_type: "image/jpeg".to_owned() };
    assert_eq!(uploads[0][0].part, Some(input::Part::Header(header)));
    let mut together = Vec::new();
    for message in &uploads[0][1..] {
        let Some(input::Part::Chunk(chunk)) = &message.part else {
            panic!("{message:?}");
        };
        assert!(chunk.len() <= 1 << 20);
        together.extend_from_slice(chunk);
    }
    assert_eq!(picture, together);
}

#[tokio::test]
async fn an_upload_that_was_begun_is_not_repeated() {
    let images = Images { refuse_uploads: true, ..Images::default() };
    let (_running, client) = images.start().await;
    let error =
        client.upload_input("tg:7", "image/png", Bytes::from_static(b"x")).await.unwrap_err();
    assert_eq!(error.code, Code::Unavailable);
    assert_eq!(images.uploads.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_upload_that_reaches_nobody_ends_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = ImagesClient::new(&ClientConfig::new(url, None)).unwrap();
    let error =
        client.upload_input("tg:7", "image/png", Bytes::from_static(b"x")).await.unwrap_err();
    assert_eq!(error.code, Code::Unavailable);
}

#[tokio::test]
async fn a_result_whose_stream_breaks_is_fetched_again() {
    let broken = vec![header(6), chunk(b"abc"), Err(Status::unavailable("restarting"))];
    let whole = vec![header(6), chunk(b"abc"), chunk(b"def")];
    let images = Images::with_results([broken, whole]);
    let (_running, client) = images.start().await;
    let picture = client.get_result("operation", 0).await.unwrap();
    let expected =
        Picture { mime_type: "image/png".to_owned(), bytes: Bytes::from_static(b"abcdef") };
    assert_eq!(picture, expected);
}

#[tokio::test]
async fn a_result_that_is_not_what_its_header_says_is_refused() {
    let table = [
        vec![],
        vec![chunk(b"abc")],
        vec![header(4), chunk(b"abc")],
        vec![header(2), chunk(b"abc")],
        vec![header(-1), chunk(b"abc")],
        vec![header(1 << 40)],
        vec![header(3), header(3), chunk(b"abc")],
    ];
    for messages in table {
        let images = Images::with_results([messages]);
        let (_running, client) = images.start().await;
        let error = client.get_result("operation", 0).await.unwrap_err();
        assert_eq!(error.code, Code::DataLoss, "{error}");
    }
}

fn unused<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("no test asks this"))
}

#[tonic::async_trait]
impl ImageService for Images {
    type WatchJobStream =
        Pin<Box<dyn Stream<Item = Result<images::WatchJobResponse, Status>> + Send>>;
    type GetResultStream = Pin<Box<dyn Stream<Item = Result<GetResultResponse, Status>> + Send>>;

    async fn upload_input(
        &self,
        request: Request<Streaming<UploadInputRequest>>,
    ) -> Result<Response<UploadInputResponse>, Status> {
        let mut stream = request.into_inner();
        let mut messages = Vec::new();
        while let Some(message) = stream.message().await? {
            messages.push(message);
        }
        let mut uploads = self.uploads.lock().unwrap();
        uploads.push(messages);
        if self.refuse_uploads {
            return Err(Status::unavailable("not now"));
        }
        Ok(Response::new(UploadInputResponse { input_id: format!("input-{}", uploads.len()) }))
    }

    async fn get_result(
        &self,
        _: Request<images::GetResultRequest>,
    ) -> Result<Response<Self::GetResultStream>, Status> {
        let messages = self.results.lock().unwrap().pop_front().unwrap_or_default();
        Ok(Response::new(Box::pin(tokio_stream::iter(messages))))
    }

    async fn submit_job(
        &self,
        _: Request<images::SubmitJobRequest>,
    ) -> Result<Response<images::SubmitJobResponse>, Status> {
        unused()
    }

    async fn get_job(
        &self,
        _: Request<images::GetJobRequest>,
    ) -> Result<Response<images::GetJobResponse>, Status> {
        unused()
    }

    async fn cancel_job(
        &self,
        _: Request<images::CancelJobRequest>,
    ) -> Result<Response<images::CancelJobResponse>, Status> {
        unused()
    }

    async fn watch_job(
        &self,
        _: Request<images::WatchJobRequest>,
    ) -> Result<Response<Self::WatchJobStream>, Status> {
        unused()
    }

    async fn retry_deliveries(
        &self,
        _: Request<images::RetryDeliveriesRequest>,
    ) -> Result<Response<images::RetryDeliveriesResponse>, Status> {
        unused()
    }
}
