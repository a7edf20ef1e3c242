//! A stream of events outlives every deadline, is opened with the same patience as any call, and tells when it is dead.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use proto::{
    billing::v1::{
        AckEventsRequest, AckEventsResponse, Event, WatchEventsRequest, WatchEventsResponse,
        event_service_server::{EventService, EventServiceServer},
    },
    client::{CallError, ClientConfig, EventClient},
};
use tokio::sync::mpsc;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Code, Request, Response, Status, metadata::MetadataMap};

use crate::server::Running;

/// What a watcher is answered, one for each time it comes.
pub enum Answer {
    Stream(mpsc::Receiver<Result<WatchEventsResponse, Status>>),
    Refused(Status),
    /// Never.
    Nothing,
}

#[derive(Clone)]
pub struct Events {
    script: Arc<Mutex<VecDeque<Answer>>>,
    seen: Arc<Mutex<Vec<(WatchEventsRequest, MetadataMap)>>>,
}

impl Events {
    pub fn new(script: impl IntoIterator<Item = Answer>) -> Self {
        let script = Arc::new(Mutex::new(script.into_iter().collect()));
        Self { script, seen: Arc::default() }
    }

    pub async fn start(&self) -> Running {
        Running::start(tonic::transport::Server::builder().add_service(self.service())).await
    }

    pub fn service(&self) -> EventServiceServer<Self> {
        EventServiceServer::new(self.clone())
    }
}

#[tonic::async_trait]
impl EventService for Events {
    type WatchEventsStream =
        Pin<Box<dyn Stream<Item = Result<WatchEventsResponse, Status>> + Send>>;

    async fn watch_events(
        &self,
        request: Request<WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        let metadata = request.metadata().clone();
        self.seen.lock().unwrap().push((request.into_inner(), metadata));
        let answer = self.script.lock().unwrap().pop_front().unwrap();
        match answer {
            Answer::Stream(events) => Ok(Response::new(Box::pin(ReceiverStream::new(events)))),
            Answer::Refused(status) => Err(status),
            Answer::Nothing => std::future::pending().await,
        }
    }

    async fn ack_events(
        &self,
        request: Request<AckEventsRequest>,
    ) -> Result<Response<AckEventsResponse>, Status> {
        let position = request.into_inner().position;
        Ok(Response::new(AckEventsResponse { position }))
    }
}

fn client(url: String, deadline: Duration) -> EventClient {
    let mut config = ClientConfig::new(url, Some("t-1".into()));
    config.deadline = deadline;
    EventClient::new(&config).unwrap()
}

pub fn request() -> WatchEventsRequest {
    WatchEventsRequest { consumer: "gateway".to_owned(), after: Some(7) }
}

pub fn event(position: i64) -> WatchEventsResponse {
    let event = Event { position, ..Event::default() };
    WatchEventsResponse { event: Some(event), heartbeat: false }
}

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_stream_outlives_the_deadline_of_its_beginning() {
    let (tell, events) = mpsc::channel(8);
    let server = Events::new([Answer::Stream(events)]);
    let running = server.start().await;
    let mut stream = client(running.url(), SHORT).watch_events(request()).await.unwrap();
    tell.send(Ok(event(8))).await.unwrap();
    assert_eq!(stream.message().await.unwrap(), Some(event(8)));

    // Nobody says anything for longer than the deadline.
    assert!(tokio::time::timeout(SHORT * 3, stream.message()).await.is_err());
    tell.send(Ok(event(9))).await.unwrap();
    assert_eq!(stream.message().await.unwrap(), Some(event(9)));
    let seen = server.seen.lock().unwrap();
    let (asked, metadata) = &seen[0];
    assert_eq!(
        (asked, metadata.get("authorization").unwrap().as_bytes()),
        (&request(), &b"Bearer t-1"[..])
    );
    assert!(!metadata.contains_key("grpc-timeout"), "the server would end the stream with it");
}

#[tokio::test]
async fn opening_is_tried_again_with_the_same_request() {
    let (tell, events) = mpsc::channel(8);
    let refused = Answer::Refused(Status::unavailable("not now"));
    let server = Events::new([refused, Answer::Nothing, Answer::Stream(events)]);
    let running = server.start().await;
    let mut stream = client(running.url(), SHORT).watch_events(request()).await.unwrap();
    tell.send(Ok(event(8))).await.unwrap();
    assert_eq!(stream.message().await.unwrap(), Some(event(8)));
    let seen = server.seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|(asked, _)| *asked == request()));
}

#[tokio::test]
async fn a_request_that_is_refused_by_a_rule_is_not_repeated() {
    let server = Events::new([Answer::Refused(Status::invalid_argument("consumer"))]);
    let running = server.start().await;
    let error = client(running.url(), LONG).watch_events(request()).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
    assert_eq!(server.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_end_of_a_stream_is_told_in_the_clients_words() {
    let (tell, events) = mpsc::channel(8);
    let server = Events::new([Answer::Stream(events)]);
    let running = server.start().await;
    let mut stream = client(running.url(), LONG).watch_events(request()).await.unwrap();
    tell.send(Err(Status::unavailable("shutting down"))).await.unwrap();
    let error = CallError::from(stream.message().await.unwrap_err());
    assert!(error.is_retryable(), "{error}");
}
