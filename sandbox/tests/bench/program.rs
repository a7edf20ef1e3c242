//! The program itself, against a real billing-svc and against nothing at all.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

use sandbox::system::{ADMIN_TOKEN, Addresses, Outside, Processes, Service, free_address};
use secrecy::SecretString;
use serde_json::Value;
use tokio::process::Command;

const FREE: i64 = 1_000_000;

/// billing-svc alone, on SQLite.
async fn billing(folder: &Path) -> Processes {
    let mut addresses = BTreeMap::new();
    for service in Service::ALL {
        let (grpc, http) = (free_address().unwrap(), free_address().unwrap());
        addresses.insert(service, Addresses { grpc, http });
    }
    let outside = Outside {
        telegram_url: None,
        telegram_token: SecretString::from("1:nobody"),
        fal_url: None,
        fal_key: SecretString::from("nobody"),
        yookassa: None,
        bank_url: None,
    };
    let settings = BTreeMap::from([("BILLING_FREE_OPERATIONS".to_owned(), FREE.to_string())]);
    let mut processes =
        Processes::new(folder.to_owned(), addresses, outside, settings, false).unwrap();
    processes.start(Service::Billing).await.unwrap();
    processes
}

async fn load(options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kopilka-bench"));
    command.arg("load").args(options).output().await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// It failed, printed nothing, and said why in a line or a few.
fn refused(output: &Output) -> String {
    let said = text(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert_eq!(text(&output.stdout), "");
    assert!(!said.contains("panicked") && !said.contains("backtrace"), "{said}");
    said
}

#[tokio::test]
async fn a_run_against_a_real_billing_ends_in_one_object_that_tells_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let processes = billing(folder.path()).await;
    let url = format!("http://{}", processes.address(Service::Billing).unwrap().grpc);
    let token = folder.path().join(ADMIN_TOKEN);
    let token = token.to_str().unwrap();
    let output = load(&[
        "--url",
        &url,
        "--token-file",
        token,
        "--call=charge-complete",
        "--spread=one",
        "--in-flight=8",
        "--warm-up=0s",
        "--time=1s",
        "--json",
    ])
    .await;
    assert!(output.status.success(), "{}{}", text(&output.stderr), processes.log(Service::Billing));
    assert_eq!(text(&output.stderr), "", "no progress where nobody watches");

    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let calls = found["calls"].as_i64().unwrap();
    assert!(calls > 0);
    assert_eq!(found["failed"], serde_json::json!({}));
    assert!(found["calls_per_second"].as_f64().unwrap() > 0.0);
    let latency = |name: &str| found["latency_us"][name].as_u64().unwrap();
    assert!(0 < latency("p50") && latency("p50") <= latency("p99"));
    assert!(latency("p99") <= latency("p99_9") && latency("p99_9") <= latency("max"));

    let user = processes.operator().user("bench:0").await.unwrap();
    assert_eq!(user.free_operations_left, FREE - calls, "each call is a charge in the books");
    assert_eq!(user.held.unwrap_or_default().units, 0);
    processes.verify().await.unwrap();
}

#[tokio::test]
async fn without_a_token_nothing_is_answered_and_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let processes = billing(folder.path()).await;
    let url = format!("http://{}", processes.address(Service::Billing).unwrap().grpc);
    let output = load(&["--url", &url, "--warm-up=0s", "--time=100ms"]).await;
    assert!(!output.status.success());
    assert!(text(&output.stdout).contains("UNAUTHENTICATED UNAUTHENTICATED"));
    assert!(text(&output.stderr).contains("no call was answered as expected"));
}

#[tokio::test]
async fn where_nothing_listens_it_says_so() {
    let url = format!("http://{}", free_address().unwrap());
    let said = refused(&load(&["--url", &url]).await);
    assert!(said.contains(&format!("nothing answers at {url}: Connection refused")), "{said}");
}

#[tokio::test]
async fn nonsense_is_refused_by_name() {
    let cases = [
        (vec!["--url", "localhost"], "http://host:port"),
        (vec!["--url", "https://localhost:1"], "no TLS"),
        (vec!["--users", "0"], "--users"),
        (vec!["--in-flight", "0"], "--in-flight"),
        (vec!["--connections", "0"], "--connections"),
        (vec!["--rate", "0"], "rate"),
        (vec!["--rate", "NaN"], "rate"),
        (vec!["--rate=-5"], "rate"),
        (vec!["--time", "0s"], "time"),
        (vec!["--time", "2days"], "at most a day"),
        (vec!["--time", "soon"], "--time"),
        (vec!["--call", "steal"], "charge-complete"),
        (vec!["--kind", ""], "kind"),
        (vec!["--token-file", "/nowhere/token"], "/nowhere/token"),
    ];
    for (options, expected) in cases {
        let said = refused(&load(&options).await);
        assert!(said.contains(expected), "{options:?}: {said}");
    }
}
