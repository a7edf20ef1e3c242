//! Which failures are repeated, and that the request stays the same.

use std::{collections::HashMap, time::Duration};

use proto::{
    billing::v1::ChargeRequest,
    client::{BillingClient, ClientConfig, ClientError, MAX_TRIES},
    money,
};
use secrecy::SecretString;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::server::{Answer, Billing};

pub fn charge() -> ChargeRequest {
    ChargeRequest {
        request_id: "tg-1-2".to_owned(),
        user_id: "tg:7".to_owned(),
        kind: "generate".to_owned(),
        quantity: 1,
        max_price: Some(money::from_micros(10_000_000, "RUB")),
        ..ChargeRequest::default()
    }
}

fn refused(code: Code) -> Answer {
    Answer::Refused(Status::new(code, "no"))
}

/// An error of ours, with what it says of the rule.
fn with_metadata(code: Code, reason: &str, metadata: &[(&str, &str)]) -> Status {
    let metadata: HashMap<String, String> =
        metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let details = ErrorDetails::with_error_info(reason, "billing.kopilka", metadata);
    Status::with_error_details(code, "no", details)
}

fn client(url: String, deadline: Duration) -> BillingClient {
    let token = SecretString::from("t-1");
    let mut config = ClientConfig::new(url, Some(token));
    config.deadline = deadline;
    BillingClient::new(&config).unwrap()
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_very_same_request_is_sent_until_it_is_answered_once() {
    let script = [
        refused(Code::Unavailable),
        Answer::Refused(with_metadata(Code::Unavailable, "OUTCOME_UNKNOWN", &[])),
        refused(Code::DeadlineExceeded),
        Answer::Refused(with_metadata(
            Code::ResourceExhausted,
            "LIMIT_EXCEEDED",
            &[("limit", "caller_rate")],
        )),
    ];
    let billing = Billing::new(script);
    let running = billing.start().await;
    let response = client(running.url(), LONG).charge(charge()).await.unwrap();
    assert!(response.replayed);
    let seen = billing.seen();
    assert_eq!(seen.len(), 5);
    for one in seen {
        assert_eq!(one.request, charge());
        assert_eq!(one.metadata.get("authorization").unwrap(), "Bearer t-1");
        assert!(one.metadata.contains_key("grpc-timeout"));
    }
}

#[tokio::test]
async fn a_server_that_stays_away_is_asked_a_limited_number_of_times() {
    let billing = Billing::new((0..20).map(|_| refused(Code::Unavailable)));
    let running = billing.start().await;
    let error = client(running.url(), LONG).charge(charge()).await.unwrap_err();
    assert_eq!(error.code, Code::Unavailable);
    assert!(error.is_retryable());
    assert_eq!(billing.seen().len(), MAX_TRIES);
}

#[tokio::test]
async fn a_refusal_by_a_rule_is_final() {
    let funds =
        with_metadata(Code::FailedPrecondition, "INSUFFICIENT_FUNDS", &[("missing", "2.50")]);
    let limit =
        with_metadata(Code::ResourceExhausted, "LIMIT_EXCEEDED", &[("limit", "open_holds")]);
    let plain = [
        Code::InvalidArgument,
        Code::NotFound,
        Code::PermissionDenied,
        Code::Internal,
        Code::AlreadyExists,
    ];
    for status in [funds, limit].into_iter().chain(plain.map(|code| Status::new(code, "no"))) {
        let code = status.code();
        let billing = Billing::new([Answer::Refused(status)]);
        let running = billing.start().await;
        let error = client(running.url(), LONG).charge(charge()).await.unwrap_err();
        assert_eq!(error.code, code);
        assert!(!error.is_retryable(), "{error}");
        assert_eq!(billing.seen().len(), 1, "{error}");
    }
}

#[tokio::test]
async fn a_call_that_hangs_is_given_up_and_repeated() {
    let billing = Billing::new([Answer::Nothing, Answer::Nothing]);
    let running = billing.start().await;
    let client = client(running.url(), Duration::from_millis(300));
    assert!(client.charge(charge()).await.unwrap().replayed);
    assert_eq!(billing.seen().len(), 3);
}

#[tokio::test]
async fn a_call_that_always_hangs_ends_with_its_deadline() {
    let billing = Billing::new((0..20).map(|_| Answer::Nothing));
    let running = billing.start().await;
    let client = client(running.url(), Duration::from_millis(100));
    let error = client.charge(charge()).await.unwrap_err();
    assert_eq!(error.code, Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_connection_that_breaks_within_a_call_is_made_anew() {
    let billing = Billing::default();
    let running = billing.start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let upstream = running.address;
    let proxy = tokio::spawn(async move {
        // The first connection takes the call and breaks, the next one works.
        let (mut first, _) = listener.accept().await.unwrap();
        first.read_exact(&mut [0; 64]).await.unwrap();
        drop(first);
        let (mut next, _) = listener.accept().await.unwrap();
        let mut server = TcpStream::connect(upstream).await.unwrap();
        tokio::io::copy_bidirectional(&mut next, &mut server).await.unwrap();
    });
    assert!(client(url, LONG).charge(charge()).await.unwrap().replayed);
    assert_eq!(billing.seen().len(), 1);
    proxy.abort();
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(url, LONG).charge(charge()).await.unwrap_err();
    assert_eq!(error.code, Code::Unavailable);
}

#[test]
fn a_bad_configuration_is_refused_without_showing_the_token() {
    for url in ["", "not a url"] {
        let error = BillingClient::new(&ClientConfig::new(url, None)).unwrap_err();
        assert!(matches!(error, ClientError::BadUrl(_)), "{error}");
    }
    let token = SecretString::from("secret\ntoken");
    let config = ClientConfig::new("http://127.0.0.1:1", Some(token));
    assert!(!format!("{config:?}").contains("secret"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let error = BillingClient::new(&config).unwrap_err();
    assert!(matches!(error, ClientError::BadToken));
    assert!(!error.to_string().contains("secret"));
}
