//! `grpc.health.v1`, on the HTTP side and on the gRPC port.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use service_kit::{
    health::{Health, LIVENESS, READINESS},
    http::{Readiness, router, serve},
    telemetry,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

const SERVICE: &str = "test.v1.Test";

/// A service that does nothing but tell how it is.
struct Subject {
    works: Arc<AtomicBool>,
    health: Health,
    client: HealthClient<Channel>,
    address: std::net::SocketAddr,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Subject {
    async fn start() -> Self {
        let works = Arc::new(AtomicBool::new(true));
        let check = works.clone();
        let readiness = Readiness::new(move || {
            let works = check.load(Ordering::Relaxed);
            async move { if works { Ok(()) } else { Err("broken".to_owned()) } }
        });
        let health = Health::new(readiness.clone(), &[SERVICE]).await;
        let stop = CancellationToken::new();
        tokio::spawn(health.clone().keep(stop.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = router(telemetry::metrics().unwrap(), readiness).merge(health.routes());
        let serving = tokio::spawn(serve(listener, routes, stop.clone()));
        let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        Self { works, health, client: HealthClient::new(channel), address, stop, serving }
    }

    async fn says(&self, name: &str) -> ServingStatus {
        let request = HealthCheckRequest { service: name.to_owned() };
        self.client.clone().check(request).await.unwrap().into_inner().status()
    }

    async fn all_say(&self, expected: ServingStatus) {
        for name in ["", READINESS, SERVICE] {
            assert_eq!(self.says(name).await, expected, "{name:?}");
        }
        assert_eq!(self.says(LIVENESS).await, ServingStatus::Serving);
    }
}

#[tokio::test]
async fn the_http_side_tells_the_truth_by_grpc_without_tls() {
    let subject = Subject::start().await;
    subject.all_say(ServingStatus::NotServing).await;
    subject.health.ready().await;
    subject.all_say(ServingStatus::Serving).await;

    let request = HealthCheckRequest { service: READINESS.to_owned() };
    let mut watch = subject.client.clone().watch(request).await.unwrap().into_inner();
    let mut next = async || watch.message().await.unwrap().map(|said| said.status());
    assert_eq!(next().await, Some(ServingStatus::Serving));
    subject.works.store(false, Ordering::Relaxed);
    assert_eq!(next().await, Some(ServingStatus::NotServing));
    subject.all_say(ServingStatus::NotServing).await;
    subject.works.store(true, Ordering::Relaxed);
    assert_eq!(next().await, Some(ServingStatus::Serving));
    subject.all_say(ServingStatus::Serving).await;

    let unknown = HealthCheckRequest { service: "nobody".to_owned() };
    let status = subject.client.clone().check(unknown).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn who_watches_is_told_of_the_end_and_does_not_hold_it_up() {
    let subject = Subject::start().await;
    subject.health.ready().await;
    let request = HealthCheckRequest::default();
    let mut watch = subject.client.clone().watch(request).await.unwrap().into_inner();
    subject.health.drain().await;
    subject.all_say(ServingStatus::NotServing).await;
    let mut last = None;
    while let Some(said) = watch.message().await.unwrap() {
        last = Some(said.status());
    }
    assert_eq!(last, Some(ServingStatus::NotServing));
    subject.stop.cancel();
    subject.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_same_port_speaks_http_1_to_everybody_else() {
    let subject = Subject::start().await;
    let mut stream = TcpStream::connect(subject.address).await.unwrap();
    let request = "GET /nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}
