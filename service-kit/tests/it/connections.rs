//! The age of connections, and the end of a server.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Extension, Router, routing::any};
use http::uri::PathAndQuery;
use service_kit::{
    grpc::{connections, server_builder},
    tls::{Peer, incoming},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status, body::Body, service::Routes, transport::Channel};
use tonic_health::pb::HealthCheckRequest;

/// A server with an RPC that waits and one that doesn't.
struct Server {
    address: SocketAddr,
    /// A call began to wait.
    waiting: mpsc::UnboundedReceiver<()>,
    /// Lets them end.
    release: watch::Sender<bool>,
    /// Whence calls came.
    peers: Arc<Mutex<BTreeSet<SocketAddr>>>,
    stop: CancellationToken,
    served: JoinHandle<Result<(), tonic::transport::Error>>,
}

/// When connections are told to end, and when they are cut.
struct Ages {
    max: Option<Duration>,
    longest: Option<Duration>,
}

impl Server {
    async fn start(ages: Ages) -> Self {
        let (arrived, waiting) = mpsc::unbounded_channel();
        let (release, released) = watch::channel(false);
        let wait = move || {
            let (arrived, mut released) = (arrived.clone(), released.clone());
            async move {
                arrived.send(()).unwrap();
                released.wait_for(|released| *released).await.unwrap();
                done()
            }
        };
        let peers: Arc<Mutex<BTreeSet<SocketAddr>>> = Arc::default();
        let seen = peers.clone();
        let ping = move |Extension(peer): Extension<Peer>| {
            seen.lock().unwrap().insert(peer.address);
            async { done() }
        };
        let router = Router::new()
            .route("/test.v1.Test/Wait", any(wait))
            .route("/test.v1.Test/Ping", any(ping));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let server = server_builder(ages.max).add_routes(Routes::from(router));
        let end = stop.clone().cancelled_owned();
        let served = match ages.longest {
            Some(longest) => {
                let accepted = incoming(listener, None, Some(longest));
                tokio::spawn(server.serve_with_incoming_shutdown(accepted, end))
            }
            None => {
                let accepted = connections(listener, None, ages.max);
                tokio::spawn(server.serve_with_incoming_shutdown(accepted, end))
            }
        };
        Self { address, waiting, release, peers, stop, served }
    }

    fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address)).unwrap().connect_lazy()
    }

    fn peers(&self) -> usize {
        self.peers.lock().unwrap().len()
    }
}

/// The answer of both RPCs.
fn done() -> http::Response<Body> {
    Status::already_exists("done").into_http()
}

async fn call(channel: Channel, path: &'static str) -> Status {
    let mut client = tonic::client::Grpc::new(channel);
    if let Err(error) = client.ready().await {
        return Status::unavailable(error.to_string());
    }
    let codec = tonic_prost::ProstCodec::<HealthCheckRequest, HealthCheckRequest>::default();
    let request = Request::new(HealthCheckRequest::default());
    client.unary(request, PathAndQuery::from_static(path), codec).await.unwrap_err()
}

#[tokio::test]
async fn who_is_served_at_the_end_is_answered_and_nobody_new_gets_in() {
    let mut server = Server::start(Ages { max: None, longest: None }).await;
    let under_way = tokio::spawn(call(server.channel(), "/test.v1.Test/Wait"));
    server.waiting.recv().await.unwrap();
    server.stop.cancel();
    while TcpStream::connect(server.address).await.is_ok() {}
    assert!(!server.served.is_finished());
    server.release.send(true).unwrap();
    assert_eq!(under_way.await.unwrap().code(), Code::AlreadyExists);
    server.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_old_connection_is_replaced_and_what_is_under_way_on_it_is_answered() {
    let age = Some(Duration::from_millis(100));
    let mut server = Server::start(Ages { max: age, longest: None }).await;
    let channel = server.channel();
    let under_way = tokio::spawn(call(channel.clone(), "/test.v1.Test/Wait"));
    server.waiting.recv().await.unwrap();
    while server.peers() < 3 {
        call(channel.clone(), "/test.v1.Test/Ping").await;
    }
    server.release.send(true).unwrap();
    assert_eq!(under_way.await.unwrap().code(), Code::AlreadyExists);
}

#[tokio::test]
async fn a_connection_is_cut_in_the_end() {
    let longest = Some(Duration::from_millis(100));
    let server = Server::start(Ages { max: None, longest }).await;
    let status = call(server.channel(), "/test.v1.Test/Wait").await;
    assert_ne!(status.code(), Code::AlreadyExists);
    // The server itself lives on.
    while call(server.channel(), "/test.v1.Test/Ping").await.code() != Code::AlreadyExists {}
}
