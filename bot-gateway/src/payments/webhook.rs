//! `POST /payments/yookassa`: a notification of YooKassa, handed on to billing-svc.
//!
//! | answer | when |
//! |---|---|
//! | 200 | billing-svc has stored it, and only then |
//! | 400 | it is no notification |
//! | 403 | the sender's address is not among those that billing-svc allows |
//! | 408 | the body takes longer than 5 s |
//! | 413 | the body is larger than 64 KiB |
//! | 503 | billing-svc did not store it, or there is no room: YooKassa repeats it, for 24 hours |
//!
//! The route is there whether or not this deployment takes payments by YooKassa now: a webhook route that is gone when a
//! provider is switched off loses the money of who pays late.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, FromRequest, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use proto::{
    billing::v1::{PaymentProvider, SubmitProviderNotificationRequest},
    client::{CallError, PaymentClient},
};
use tokio::{sync::Semaphore, time::timeout};
use tracing::{Instrument, field};

use crate::metrics;

/// The path of the route.
pub const PATH: &str = "/payments/yookassa";

/// What billing-svc takes; notifications have about 2 KB.
const MAX_BODY_BYTES: usize = 64 << 10;
/// How long a body may take to come in.
const READING: Duration = Duration::from_secs(5);
/// Notifications at once on their way to billing-svc.
const CONCURRENCY: usize = 64;
/// How long a notification waits for room.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long billing-svc may take: the sender must not give up before it has an answer.
const DEADLINE: Duration = Duration::from_secs(8);
/// What the sender is asked to wait, in seconds.
const RETRY_AFTER: &str = "10";
/// Headers that are handed on, in number and in bytes of all; less than billing-svc takes.
const MAX_HEADERS: usize = 32;
const MAX_HEADER_BYTES: usize = 8 << 10;

#[derive(Clone)]
struct Webhook {
    payments: PaymentClient,
    proxy_hops: usize,
    room: Arc<Semaphore>,
}

/// The route. `proxy_hops`: how many proxies of ours stand before this gateway.
pub fn router(payments: PaymentClient, proxy_hops: usize) -> Router {
    let room = Arc::new(Semaphore::new(CONCURRENCY));
    Router::new()
        .route(PATH, post(receive))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(Webhook { payments, proxy_hops, room })
}

async fn receive(
    State(webhook): State<Webhook>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    // A trace begins here; the notification is followed in it, whenever billing does so.
    let span = tracing::info_span!(
        parent: None,
        "notification",
        otel.name = "yookassa notification",
        otel.kind = "server",
        outcome = field::Empty
    );
    let (status, outcome) = webhook.take(peer.ip(), request).instrument(span.clone()).await;
    span.record("outcome", outcome);
    metrics::payment_notification(outcome);
    match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            (status, [(header::RETRY_AFTER, RETRY_AFTER)]).into_response()
        }
        status => status.into_response(),
    }
}

impl Webhook {
    /// The status, and what became of the notification in a word.
    async fn take(&self, peer: IpAddr, request: Request) -> (StatusCode, &'static str) {
        let headers = handed_on(request.headers());
        let source_ip = source(peer, request.headers(), self.proxy_hops).to_string();
        // Before there is room for it: who sends slowly takes nobody's place.
        let body = match timeout(READING, Bytes::from_request(request, &())).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(rejection)) => return (rejection.status(), "unreadable"),
            Err(_elapsed) => return (StatusCode::REQUEST_TIMEOUT, "unreadable"),
        };
        let Ok(Ok(_room)) = timeout(PATIENCE, self.room.acquire()).await else {
            return (StatusCode::SERVICE_UNAVAILABLE, "overloaded");
        };
        let bytes = body.len();
        let notification = SubmitProviderNotificationRequest {
            provider: PaymentProvider::Yookassa.into(),
            body,
            headers,
            source_ip: source_ip.clone(),
        };
        let answer = self.payments.submit_provider_notification(notification);
        match timeout(DEADLINE, answer).await {
            Ok(Ok(_)) => (StatusCode::OK, "stored"),
            Ok(Err(error)) => refused(&error, &source_ip, bytes),
            Err(_elapsed) => {
                tracing::warn!("billing does not answer: a notification is to come again");
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
            }
        }
    }
}

fn refused(error: &CallError, source_ip: &str, bytes: usize) -> (StatusCode, &'static str) {
    match error.reason.as_str() {
        "FORBIDDEN" => {
            tracing::warn!(source_ip, "a notification from an address that is not allowed");
            (StatusCode::FORBIDDEN, "forbidden")
        }
        "INVALID_FIELD" => {
            tracing::warn!(source_ip, bytes, %error, "a notification that is none");
            (StatusCode::BAD_REQUEST, "not_a_notification")
        }
        // It comes again for a day: time enough to configure what was forgotten.
        "PROVIDER_NOT_CONFIGURED" => {
            tracing::warn!(source_ip, "a notification of a provider that is not configured");
            (StatusCode::SERVICE_UNAVAILABLE, "not_configured")
        }
        _ => {
            tracing::warn!(%error, "a notification was not stored: it is to come again");
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        }
    }
}

/// Who sent it: the peer, or, behind `hops` proxies that each append whom they were called by, that entry from the right.
/// Entries further left are the sender's own words. With fewer entries than proxies, or one that is no address, the peer.
fn source(peer: IpAddr, headers: &HeaderMap, hops: usize) -> IpAddr {
    let Some(from_right) = hops.checked_sub(1) else { return peer.to_canonical() };
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
    let entries: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let entry = entries.iter().rev().nth(from_right).and_then(|entry| address(entry));
    entry.unwrap_or(peer).to_canonical()
}

/// `1.2.3.4`, `1.2.3.4:5678`, `2001:db8::1` or `[2001:db8::1]:5678`.
fn address(entry: &str) -> Option<IpAddr> {
    let socket = || entry.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    entry.parse().ok().or_else(socket).or_else(bracketed)
}

/// What billing-svc may want to know of the headers, names in lower case; never what would let somebody in.
fn handed_on(headers: &HeaderMap) -> BTreeMap<String, String> {
    let secret = [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE];
    let mut room = MAX_HEADER_BYTES;
    let mut kept = BTreeMap::new();
    for (name, value) in headers {
        let Ok(value) = value.to_str() else { continue };
        let bytes = name.as_str().len() + value.len();
        if secret.contains(name) || bytes > room || kept.len() == MAX_HEADERS {
            continue;
        }
        room -= bytes;
        kept.insert(name.as_str().to_owned(), value.to_owned());
    }
    kept
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn forwarded(lines: &[&'static str]) -> HeaderMap {
        let line = |line: &&'static str| {
            (HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static(line))
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn the_sender_is_whom_our_outermost_proxy_saw() {
        let peer = "10.0.0.1";
        for (lines, hops, sender) in [
            (&[] as &[&str], 0, peer),
            // Without a proxy the header is anybody's own word.
            (&["185.71.76.1"], 0, peer),
            (&["185.71.76.1"], 1, "185.71.76.1"),
            (&["1.1.1.1, 185.71.76.1"], 1, "185.71.76.1"),
            (&["1.1.1.1, 185.71.76.1, 10.0.0.2"], 2, "185.71.76.1"),
            (&["1.1.1.1", "185.71.76.1", "10.0.0.2"], 2, "185.71.76.1"),
            (&["185.71.76.1:443"], 1, "185.71.76.1"),
            (&["2a02:5180::1"], 1, "2a02:5180::1"),
            (&["[2a02:5180::1]:443"], 1, "2a02:5180::1"),
            (&["[2a02:5180::1]"], 1, "2a02:5180::1"),
            (&["::ffff:185.71.76.1"], 1, "185.71.76.1"),
            // Not through all proxies, or nonsense: not to be trusted with a choice.
            (&["185.71.76.1"], 2, peer),
            (&["unknown"], 1, peer),
            (&[""], 1, peer),
        ] {
            let found = source(peer.parse().unwrap(), &forwarded(lines), hops);
            assert_eq!(found.to_string(), sender, "{lines:?} behind {hops}");
        }
        let mapped = source("::ffff:10.0.0.1".parse().unwrap(), &HeaderMap::new(), 0);
        assert_eq!(mapped.to_string(), peer);
    }

    #[test]
    fn secrets_and_what_is_too_much_stay_here() {
        let mut headers = HeaderMap::new();
        headers.insert("Content-Type", HeaderValue::from_static("application/json"));
        headers.insert("authorization", HeaderValue::from_static("Bearer secret"));
        headers.insert("cookie", HeaderValue::from_static("session=secret"));
        headers.insert("x-long", HeaderValue::from_str(&"x".repeat(MAX_HEADER_BYTES)).unwrap());
        headers.insert("x-bytes", HeaderValue::from_bytes(b"\xff").unwrap());
        let kept = handed_on(&headers);
        assert_eq!(
            kept.into_iter().collect::<Vec<_>>(),
            [("content-type".to_owned(), "application/json".to_owned())]
        );
        for number in 0..100 {
            let name = HeaderName::try_from(format!("x-{number}")).unwrap();
            headers.insert(name, HeaderValue::from_static("1"));
        }
        assert_eq!(handed_on(&headers).len(), MAX_HEADERS);
    }
}
