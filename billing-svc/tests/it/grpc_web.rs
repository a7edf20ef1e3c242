//! Pages of browsers, by gRPC-Web: where it is on everything holds as over HTTP/2, and where it is off there is nothing.

use proto::billing::v1::*;
use reqwest::{Certificate, StatusCode};
use tonic::{Code, Response};

use crate::certificates::{Ca, Files};
use crate::grpc_limits::limited;
use crate::harness::Database;
use crate::program::Program;
use crate::refusals::{bad, because, why};
use crate::service::{Service, charge_request};
use crate::tls_program::{self, HOST, call, caller};
use crate::web_page::{BINARY, CONSOLE, FOREIGN, TEXT, WebPage, is_silent, requests};

const ON: &str = "--grpc-web-origins=http://other.example,https://console.example";
const GET: &str = "BillingService/GetUserInfo";
const CHARGE: &str = "BillingService/Charge";

fn user() -> GetUserInfoRequest {
    GetUserInfoRequest { user_id: "tg:1".to_owned() }
}

async fn with_callers(flags: &[&str]) -> (Service, Database) {
    let database = Database::sqlite();
    let service = Service::start_with_callers_and(database.url(), flags).await;
    (service, database)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_reads_what_every_caller_reads() {
    let (service, _database) = with_callers(&[ON]).await;
    service.top_up("tg:1", 100).await;
    let expected = service.user("tg:1").await;
    for content_type in [BINARY, TEXT] {
        let page = WebPage { content_type, ..WebPage::at(&service.grpc).with("viewer") };
        let answer: GetUserInfoResponse = page.call(GET, &user()).await.unwrap();
        assert_eq!(answer.user.as_ref(), Some(&expected), "{content_type}");
    }
    let page = WebPage::at(&service.grpc).with("gateway");
    let request = charge_request("1", "tg:1", "generate");
    let answer: ChargeResponse = page.call(CHARGE, &request).await.unwrap();
    assert!(!answer.replayed);
    let again = service.caller("gateway").charge_with(request).await;
    assert!(again.replayed, "over HTTP/2 the same request is the same charge");
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_refused_in_the_words_of_every_refusal() {
    let flags = [ON, "--max-message-bytes=131072"];
    let (service, _database) = with_callers(&flags).await;
    let gateway = WebPage::at(&service.grpc).with("gateway");
    let request = ChargeRequest { quantity: 9, ..charge_request("1", "tg:1", "generate") };
    let refused = gateway.call::<ChargeResponse>(CHARGE, &request).await;
    let over_http2 = service.caller("gateway").billing().charge(request).await;
    assert_eq!(why(refused.map(Response::new)), why(over_http2));

    let viewer = WebPage::at(&service.grpc).with("viewer");
    let request = charge_request("2", "tg:1", "generate");
    let refused = viewer.call::<ChargeResponse>(CHARGE, &request).await.map(Response::new);
    assert_eq!(why(refused), because(Code::PermissionDenied, "FORBIDDEN", &[]));

    for page in [WebPage::at(&service.grpc), WebPage::at(&service.grpc).with("guess")] {
        let refused = page.call::<GetUserInfoResponse>(GET, &user()).await.map(Response::new);
        assert_eq!(why(refused), because(Code::Unauthenticated, "UNAUTHENTICATED", &[]));
    }

    let request = GetUserInfoRequest { user_id: "x".repeat(131_073) };
    let refused = viewer.call::<GetUserInfoResponse>(GET, &request).await.map(Response::new);
    assert_eq!(why(refused), bad("message"));
    assert_eq!(service.user("tg:1").await.free_operations_left, 3, "a refusal takes nothing");
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_limited_and_counted_as_every_caller() {
    let (database, files) = (Database::sqlite(), Files::new());
    files.write("callers.toml", &caller("console", "viewer", Some("viewer"), None));
    let callers = files.path("callers.toml");
    let callers = callers.to_str().unwrap();
    let flags = [ON, "--caller-rate=1", "--auth-file", callers];
    let program = Program::start(&database, &flags).await;
    let page = WebPage::at(&program.grpc).with("viewer");
    page.call::<GetUserInfoResponse>(GET, &user()).await.unwrap();
    let refused = page.call::<GetUserInfoResponse>(GET, &user()).await.map(Response::new);
    assert_eq!(why(refused), limited(&[("limit", "caller_rate")]));
    assert_eq!(program.value(&requests(GET, Code::Ok, "")).await, Some(1.0));
    let refusals = requests(GET, Code::ResourceExhausted, "LIMIT_EXCEEDED");
    assert_eq!(program.value(&refusals).await, Some(1.0));
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_asks_first_and_needs_no_token() {
    let (service, _database) = with_callers(&[ON]).await;
    let answer = WebPage::at(&service.grpc).preflight(GET).await;
    assert!(answer.status().is_success());
    assert_eq!(answer.headers()["access-control-allow-origin"], CONSOLE);
    assert_eq!(answer.headers()["access-control-allow-methods"], "POST");
    let allowed = answer.headers()["access-control-allow-headers"].to_str().unwrap();
    let allowed: Vec<_> = allowed.split(',').collect();
    for name in ["authorization", "content-type", "grpc-timeout", "x-grpc-web", "x-user-agent"] {
        assert!(allowed.contains(&name), "{name} is not in {allowed:?}");
    }
    assert!(!answer.headers().contains_key("access-control-allow-credentials"));
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_is_told_nothing_and_does_nothing() {
    let (service, _database) = with_callers(&[ON]).await;
    for origin in [FOREIGN, "null", "http://console.example", "https://console.example:8443"] {
        let page = WebPage::at(&service.grpc).with("gateway");
        let page = WebPage { origin: Some(origin), ..page };
        let asked = page.preflight(CHARGE).await;
        assert_eq!(asked.status(), StatusCode::FORBIDDEN, "{origin}");
        assert!(is_silent(asked.headers()), "{origin}: {:?}", asked.headers());
        let request = charge_request(origin, "tg:1", "generate");
        let called = page.post(CHARGE, &request).await.unwrap();
        assert_eq!(called.status(), StatusCode::FORBIDDEN, "{origin}");
        assert!(is_silent(called.headers()), "{origin}: {:?}", called.headers());
        assert!(called.bytes().await.unwrap().is_empty());
    }
    assert!(service.operations("tg:1").await.is_empty());
    // What is no page says no origin.
    let page = WebPage { origin: None, ..WebPage::at(&service.grpc).with("viewer") };
    let answer = page.post(GET, &user()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http1_only_pages_are_served() {
    let (service, _database) = with_callers(&[ON]).await;
    for content_type in ["application/grpc", "application/json", "text/plain"] {
        let page = WebPage { content_type, ..WebPage::at(&service.grpc).with("gateway") };
        let request = charge_request(content_type, "tg:1", "generate");
        let answer = page.post(CHARGE, &request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{content_type}");
    }
    assert!(service.operations("tg:1").await.is_empty());
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn off_there_is_no_http1_and_no_word_to_browsers() {
    let (service, _database) = with_callers(&[]).await;
    let page = WebPage::at(&service.grpc).with("viewer");
    page.post(GET, &user()).await.expect_err("HTTP/1.1 is not spoken");
    service.user("tg:1").await;
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_tls_http1_is_taken_only_where_pages_may_call() {
    let ca = Ca::new("servers");
    let files = Files::new();
    files.write_pair(&ca.sign(HOST));
    files.write("callers.toml", &caller("console", "viewer", Some("viewer"), None));
    for (flags, expected) in [(&[ON][..], true), (&[], false)] {
        let program = tls_program::Program::start_with(&files, flags).await;
        let address = program.address.parse().unwrap();
        let http = reqwest::Client::builder()
            .http1_only()
            .tls_certs_only([Certificate::from_pem(ca.pem().as_bytes()).unwrap()])
            .resolve(HOST, address)
            .build()
            .unwrap();
        let page = WebPage { http, ..WebPage::at(&format!("https://{HOST}:{}", address.port())) };
        let answer = page.with("viewer").post(GET, &user()).await;
        assert_eq!(answer.is_ok_and(|answer| answer.status() == StatusCode::OK), expected);
        let channel = program.secure(HOST, &ca, None).await.unwrap();
        let refused = call(&channel, "/billing.v1.BillingService/GetUserInfo", Some("viewer"));
        assert_eq!(refused.await.unwrap_err().code(), Code::InvalidArgument, "gRPC is as ever");
    }
}
