//! The plain HTTP side.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use axum::{body, http::Request};
use service_kit::{
    db,
    http::{Readiness, router, serve},
    telemetry,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

async fn get(readiness: &Readiness, path: &str) -> (u16, String) {
    let router = router(telemetry::metrics().unwrap(), readiness.clone());
    let request = Request::get(path).body(body::Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn a_service_is_ready_while_it_says_so_and_its_check_succeeds() {
    let works = Arc::new(AtomicBool::new(true));
    let check = works.clone();
    let readiness = Readiness::new(move || {
        let works = check.load(Ordering::Relaxed);
        async move { if works { Ok(()) } else { Err("no database".to_owned()) } }
    });
    assert_eq!(get(&readiness, "/readyz").await.0, 503);
    readiness.set_ready(true);
    assert_eq!(get(&readiness, "/readyz").await, (200, "ok".to_owned()));
    works.store(false, Ordering::Relaxed);
    assert_eq!(get(&readiness, "/readyz").await, (503, "no database".to_owned()));
    works.store(true, Ordering::Relaxed);
    readiness.set_ready(false);
    assert_eq!(get(&readiness, "/readyz").await.0, 503);
    assert_eq!(get(&readiness, "/healthz").await.0, 200);
}

#[tokio::test]
async fn a_check_that_hangs_is_a_failed_one() {
    let readiness = Readiness::new(std::future::pending);
    readiness.set_ready(true);
    assert_eq!(readiness.check().await, Err("the check took too long".to_owned()));
}

#[tokio::test]
async fn a_schema_that_does_not_fit_makes_it_not_ready_until_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("a.db").display());
    let database = db::open(&url, 1).await.unwrap();
    let (fits, looks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (schema, counted) = (fits.clone(), looks.clone());
    let readiness = Readiness::of_database(database.connection.clone(), move |_| {
        let (fits, looks) = (schema.clone(), counted.clone());
        async move {
            looks.fetch_add(1, Ordering::Relaxed);
            if fits.load(Ordering::Relaxed) { Ok(()) } else { Err("too old".to_owned()) }
        }
    });
    readiness.set_ready(true);
    assert_eq!(readiness.check().await, Err("too old".to_owned()));
    fits.store(true, Ordering::Relaxed);
    assert_eq!(readiness.check().await, Ok(()), "what was wrong is looked at again at once");
    assert_eq!(readiness.check().await, Ok(()));
    assert_eq!(looks.load(Ordering::Relaxed), 2, "what fits is believed for a while");
    database.connection.close().await.unwrap();
    assert!(readiness.check().await.unwrap_err().contains("does not answer"));
}

#[tokio::test]
async fn it_serves_until_it_is_told_to_stop() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let readiness = Readiness::new(|| async { Ok(()) });
    let router = router(telemetry::metrics().unwrap(), readiness);
    let serving = tokio::spawn(serve(listener, router, shutdown.clone()));

    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("text/plain; version=0.0.4"),
        "{answer}"
    );

    // An idle connection holds nothing up.
    let _idle = TcpStream::connect(address).await.unwrap();
    shutdown.cancel();
    serving.await.unwrap().unwrap();
}
