//! Client of image-worker: jobs, and pictures in chunks both ways.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tonic::{Code, Request, Streaming};

use super::{
    CallError, ClientConfig, ClientError,
    billing::unary,
    connection::{Authorized, Connection, Tried, repeat, within},
};
use crate::images::v1::{
    CancelJobRequest, CancelJobResponse, GetJobRequest, GetJobResponse, GetResultRequest,
    GetResultResponse, RetryDeliveriesRequest, RetryDeliveriesResponse, SubmitJobRequest,
    SubmitJobResponse, UploadInputRequest, WatchJobRequest, WatchJobResponse, get_result_response,
    image_service_client::ImageServiceClient as ImageStub, upload_input_request,
};

/// The longest chunk of a picture's bytes in one message.
pub const MAX_CHUNK_BYTES: usize = 1 << 20;
/// The largest picture that is taken from a worker.
pub const MAX_RESULT_BYTES: usize = 64 << 20;
/// For one attempt of moving one picture.
const TRANSFER_DEADLINE: Duration = Duration::from_secs(60);

/// A picture of a job's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// For example `image/png`.
    pub mime_type: String,
    /// The file.
    pub bytes: Bytes,
}

/// Jobs that make pictures. Cheap to clone; all clones share a connection.
#[derive(Debug, Clone)]
pub struct ImagesClient(Connection);

impl ImagesClient {
    /// Connects at the first call.
    pub fn new(config: &ClientConfig) -> Result<Self, ClientError> {
        Ok(Self(Connection::new(config)?))
    }

    /// Over connections that other clients of the same service use as well.
    pub fn over(connection: &Connection) -> Self {
        Self(connection.clone())
    }

    unary! { ImageStub:
        /// Takes a job; it is durable when this answers.
        submit_job(SubmitJobRequest) -> SubmitJobResponse;
        /// One job.
        get_job(GetJobRequest) -> GetJobResponse;
        /// Ends a job that was not started and refunds its operation.
        cancel_job(CancelJobRequest) -> CancelJobResponse;
        /// The user is back: deliver what waits.
        retry_deliveries(RetryDeliveriesRequest) -> RetryDeliveriesResponse;
    }

    /// Keeps a picture for a job to come and answers its `input_id`. Tried again only while there is no connection: one
    /// that broke half-way may have left an input, which the worker deletes when nobody uses it.
    pub async fn upload_input(
        &self,
        user_id: &str,
        mime_type: &str,
        bytes: Bytes,
    ) -> Result<String, CallError> {
        let header = UploadInputRequest {
            part: Some(upload_input_request::Part::Header(upload_input_request::Header {
                user_id: user_id.to_owned(),
                mime_type: mime_type.to_owned(),
            })),
        };
        let mut messages = vec![header];
        messages.extend(chunks(bytes).map(|chunk| UploadInputRequest {
            part: Some(upload_input_request::Part::Chunk(chunk)),
        }));
        let tried = Tried::default();
        let attempt = || {
            self.0.attempt(&tried, TRANSFER_DEADLINE, |channel| async {
                let mut request = Request::new(tokio_stream::iter(messages.clone()));
                request.set_timeout(TRANSFER_DEADLINE);
                Ok(ImageStub::new(channel).upload_input(request).await?.into_inner().input_id)
            })
        };
        within(TRANSFER_DEADLINE, repeat(attempt, CallError::never_connected)).await
    }

    /// One picture of a job's result, whole.
    pub async fn get_result(&self, operation_id: &str, index: i32) -> Result<Picture, CallError> {
        let tried = Tried::default();
        let attempt = || {
            self.0.attempt(&tried, TRANSFER_DEADLINE, |channel| async {
                let request = GetResultRequest { operation_id: operation_id.to_owned(), index };
                let stream = ImageStub::new(channel).get_result(request).await?;
                collect(stream.into_inner()).await
            })
        };
        repeat(attempt, CallError::is_retryable).await
    }

    /// The job now and at each change, until it ends. The deadline is for the beginning of the stream. One that breaks is
    /// the caller's to open again.
    pub async fn watch_job(
        &self,
        request: WatchJobRequest,
    ) -> Result<Streaming<WatchJobResponse>, CallError> {
        let send = |channel: Authorized, request| async move {
            ImageStub::new(channel).watch_job(request).await
        };
        self.0.open(request, send).await
    }
}

fn chunks(bytes: Bytes) -> impl Iterator<Item = Bytes> {
    (0..bytes.len())
        .step_by(MAX_CHUNK_BYTES)
        .map(move |start| bytes.slice(start..bytes.len().min(start + MAX_CHUNK_BYTES)))
}

async fn collect(mut stream: Streaming<GetResultResponse>) -> Result<Picture, CallError> {
    let broken = |message: &str| CallError::new(Code::DataLoss, message);
    let first = stream.message().await?.and_then(|message| message.part);
    let Some(get_result_response::Part::Header(header)) = first else {
        return Err(broken("the picture doesn't begin with its header"));
    };
    let size = usize::try_from(header.size_bytes).unwrap_or(usize::MAX);
    if size > MAX_RESULT_BYTES {
        return Err(broken("the picture is too large"));
    }
    let mut bytes = BytesMut::with_capacity(size);
    while let Some(message) = stream.message().await? {
        let Some(get_result_response::Part::Chunk(chunk)) = message.part else {
            return Err(broken("the picture has a second header"));
        };
        if bytes.len() + chunk.len() > size {
            return Err(broken("the picture is longer than its header says"));
        }
        bytes.extend_from_slice(&chunk);
    }
    if bytes.len() != size {
        return Err(broken("the picture is shorter than its header says"));
    }
    Ok(Picture { mime_type: header.mime_type, bytes: bytes.freeze() })
}
