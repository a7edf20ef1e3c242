//! `POST /payments/yookassa`: what YooKassa says reaches billing-svc, and is answered so that nothing is lost.

use futures::StreamExt;
use proto::billing::v1::PaymentProvider;
use reqwest::{Response, StatusCode};
use tonic::Code;

use crate::harness::{Gateway, World};

const PAID: &str =
    r#"{"type": "notification", "event": "payment.succeeded", "object": {"id": "22d6d597"}}"#;

async fn post(gateway: &Gateway, body: impl Into<reqwest::Body>) -> Response {
    post_by(&reqwest::Client::new(), gateway, body).await
}

async fn post_by(
    client: &reqwest::Client,
    gateway: &Gateway,
    body: impl Into<reqwest::Body>,
) -> Response {
    let url = format!("{}/payments/yookassa", gateway.http_url);
    let request = client.post(url).header("Content-Type", "application/json");
    request.header("X-Forwarded-For", "1.1.1.1, 185.71.76.1").body(body).send().await.unwrap()
}

#[tokio::test]
async fn billing_gets_a_notification_as_it_came_and_who_sent_it() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    // Not even JSON: what it is worth is for billing-svc to say.
    for body in [PAID.as_bytes(), b"\xff\x00", b""] {
        assert_eq!(post(&gateway, body).await.status(), StatusCode::OK);
        let kept = world.bank.books().notifications.pop().unwrap();
        assert_eq!(kept.provider(), PaymentProvider::Yookassa);
        assert_eq!(kept.body, body);
        assert_eq!(kept.source_ip, "127.0.0.1", "nobody is believed about their own address");
        assert_eq!(kept.headers["content-type"], "application/json");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn behind_a_proxy_the_sender_is_whom_it_saw() {
    let world = World::new().await;
    let gateway = world.gateway(&["--proxy-hops".to_owned(), "1".to_owned()]).await;
    assert_eq!(post(&gateway, PAID).await.status(), StatusCode::OK);
    assert_eq!(world.bank.books().notifications[0].source_ip, "185.71.76.1");
    gateway.stop().await;
}

#[tokio::test]
async fn only_what_is_stored_is_answered_with_200() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    for (code, reason, status) in [
        (Code::PermissionDenied, "FORBIDDEN", StatusCode::FORBIDDEN),
        (Code::InvalidArgument, "INVALID_FIELD", StatusCode::BAD_REQUEST),
        (Code::FailedPrecondition, "PROVIDER_NOT_CONFIGURED", StatusCode::SERVICE_UNAVAILABLE),
        (Code::Unavailable, "STORE_UNAVAILABLE", StatusCode::SERVICE_UNAVAILABLE),
        (Code::Unavailable, "OVERLOADED", StatusCode::SERVICE_UNAVAILABLE),
        (Code::Internal, "INTERNAL", StatusCode::SERVICE_UNAVAILABLE),
        (Code::Unauthenticated, "UNAUTHENTICATED", StatusCode::SERVICE_UNAVAILABLE),
        (Code::Unimplemented, "", StatusCode::SERVICE_UNAVAILABLE),
    ] {
        world.bank.fails_with(Some((code, reason)));
        let answer = post(&gateway, PAID).await;
        assert_eq!(answer.status(), status, "{reason}");
        let asked_to_wait = answer.headers().contains_key("retry-after");
        assert_eq!(asked_to_wait, status == StatusCode::SERVICE_UNAVAILABLE, "{reason}");
    }
    world.bank.fails_with(None);
    assert_eq!(post(&gateway, PAID).await.status(), StatusCode::OK);
    assert_eq!(world.bank.books().notifications.len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn a_sender_has_an_answer_even_when_billing_has_none() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    world.bank.books().hangs = true;
    assert_eq!(post(&gateway, PAID).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_too_large_for_a_notification_is_none() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let fits = vec![b' '; 64 << 10];
    assert_eq!(post(&gateway, fits).await.status(), StatusCode::OK);
    let large = vec![b' '; (64 << 10) + 1];
    assert_eq!(post(&gateway, large).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(world.bank.books().notifications.len(), 1);
    let url = format!("{}/payments/yookassa", gateway.http_url);
    assert_eq!(reqwest::get(url).await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
    gateway.stop().await;
}

#[tokio::test]
async fn a_crowd_is_taken_in_turn() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    // More at once than are handed on at once.
    let client = reqwest::Client::new();
    let posts = (0..300).map(|number| post_by(&client, &gateway, number.to_string()));
    let answers: Vec<_> = futures::stream::iter(posts).buffer_unordered(100).collect().await;
    assert!(answers.iter().all(|answer| answer.status() == StatusCode::OK));
    let mut kept: Vec<_> =
        world.bank.books().notifications.iter().map(|kept| kept.body.clone()).collect();
    kept.sort();
    kept.dedup();
    assert_eq!(kept.len(), 300);
    gateway.stop().await;
}
