//! billing-svc out of its image: it charges, keeps what it did, and ends when it is told to.

use std::path::Path;
use std::time::{Duration, Instant};

use proto::billing::v1::ChargeRequest;
use reqwest::Client;
use sandbox::system::Operator;
use secrecy::SecretString;
use tempfile::TempDir;

use crate::container::{Container, Ports, Run, folder, inspect};

/// How often the start is measured.
const STARTS: usize = 5;

pub(crate) fn billing(folder: &Path, ports: &Ports) -> Run {
    Run::of("billing-svc")
        .data(folder)
        .env("BILLING_LISTEN", ports.grpc)
        .env("BILLING_HTTP_LISTEN", ports.http)
}

pub(crate) fn operator(ports: &Ports) -> Operator {
    let url = format!("http://{}", ports.grpc);
    Operator::new(&url, SecretString::from("nobody-looks-at-it")).unwrap()
}

async fn started(folder: &TempDir) -> (Ports, Container) {
    let ports = Ports::free();
    let container = billing(folder.path(), &ports).start();
    container.ready(ports.http).await;
    (ports, container)
}

#[tokio::test]
#[ignore = "needs the images: make image-test"]
async fn billing_charges_drains_and_starts_again_with_what_it_kept() {
    let folder = folder();
    let charge = ChargeRequest {
        request_id: "from-an-image".to_owned(),
        user_id: "tg:5000000001".to_owned(),
        kind: "generate".to_owned(),
        ..Default::default()
    };
    let (ports, container) = started(&folder).await;
    let alive = Client::new().get(format!("http://{}/healthz", ports.http)).send().await.unwrap();
    assert_eq!(alive.status(), 200);
    let first = operator(&ports).billing.charge(charge.clone()).await.unwrap();
    assert!(!first.replayed);
    assert_eq!(container.stop(), "0", "{}", container.logs());

    let (ports, container) = started(&folder).await;
    let again = operator(&ports).billing.charge(charge).await.unwrap();
    assert!(again.replayed, "what was charged is in the folder");
    assert_eq!(again.operation.unwrap().operation_id, first.operation.unwrap().operation_id);
    assert_eq!(container.stop(), "0", "{}", container.logs());

    let output = Run::of("billing-svc").data(folder.path()).arguments(&["verify"]).output();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let status = ["billing", "status", "--database-url", "sqlite:///data/billing.db"];
    let output = Run::of("migrations").data(folder.path()).arguments(&status).output();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said.contains("applied") && !said.contains("pending"),
        "{said}"
    );
}

/// Prints the numbers that the README states; nothing is asserted of time.
#[tokio::test]
#[ignore = "needs the images: make image-test"]
async fn billing_starts() {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let folder = folder();
        let begun = Instant::now();
        let (_, container) = started(&folder).await;
        times.push(begun.elapsed());
        assert_eq!(container.stop(), "0", "{}", container.logs());
    }
    times.sort_unstable();
    let median = times.get(STARTS / 2).copied().unwrap_or(Duration::ZERO);
    let size = inspect("billing-svc")["Size"].as_f64().unwrap() / 1e6;
    println!(
        "billing-svc: image of {size:.1} MB, ready {:.2} s after the engine was asked (a new database, median of {STARTS})",
        median.as_secs_f64()
    );
}
