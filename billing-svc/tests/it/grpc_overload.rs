//! The limits of one instance, as callers meet them.

use futures::stream::pending;
use http::uri::PathAndQuery;
use proto::billing::v1::*;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_prost::ProstCodec;

use crate::grpc_limits::{is_counted, reason};
use crate::harness::Database;
use crate::refusals::{Why, bad, because, why};
use crate::service::{Service, charge_request, http_get};

on_both!(
    a_message_is_as_large_as_is_configured,
    further_calls_of_a_connection_wait,
    who_begins_to_ask_for_health_and_never_ends_keeps_nobody_out,
);

const USER: &str = "tg:1";

async fn a_message_is_as_large_as_is_configured(database: Database) {
    let flags = ["--max-message-bytes=131072"];
    let service = Service::start_with(database.url(), &flags).await.unwrap();
    let charge = |bytes: usize| {
        let mut request = charge_request("1", USER, "generate");
        request.labels.insert("k".to_owned(), "v".repeat(bytes));
        request
    };
    let refused = service.billing().charge(charge(131_072)).await;
    assert!(refused.as_ref().unwrap_err().message().contains("at most 131072 bytes"));
    assert_eq!(why(refused), bad("message"));
    // Read, and then found too long by the field's own rule.
    assert_eq!(why(service.billing().charge(charge(130_000)).await), bad("labels"));
    let mut payments = service.payments();
    let notification = SubmitProviderNotificationRequest {
        body: vec![b' '; 131_072].into(),
        ..Default::default()
    };
    assert_eq!(why(payments.submit_provider_notification(notification).await), bad("message"));
    is_counted(&service, "message_bytes").await;
    service.finish().await;
}

async fn further_calls_of_a_connection_wait(database: Database) {
    let service = Service::start_with(database.url(), &["--max-streams=2"]).await.unwrap();
    let watch = async |consumer: &str| {
        let request = WatchEventsRequest { consumer: consumer.to_owned(), ..Default::default() };
        service.events().watch_events(request).await.unwrap().into_inner()
    };
    let first = watch("first").await;
    let second = watch("second").await;
    let client = service.caller("nobody in particular");
    let third = tokio::spawn(async move { client.user(USER).await });
    // On another connection the service answers meanwhile.
    http_get(&service.http, "/healthz").await;
    assert!(!third.is_finished());
    drop(first);
    third.await.unwrap();
    drop(second);
    service.stop().await;
}

/// Anybody may ask for health, so anybody may begin to ask and never end the message.
async fn who_begins_to_ask_for_health_and_never_ends_keeps_nobody_out(database: Database) {
    let service = Service::start_with(database.url(), &["--max-calls=2"]).await.unwrap();
    let begun: Vec<_> =
        (0..8).map(|_| tokio::spawn(begin_to_ask(service.channel.clone()))).collect();
    // On the same connection, and after those: they have arrived.
    for _ in 0..8 {
        HealthClient::new(service.channel.clone())
            .check(HealthCheckRequest::default())
            .await
            .unwrap();
    }
    service.user(USER).await;
    assert!(begun.iter().all(|call| !call.is_finished()));
    begun.iter().for_each(tokio::task::JoinHandle::abort);
    service.stop().await;
}

async fn begin_to_ask(channel: Channel) -> Result<(), Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let endless = Request::new(pending::<HealthCheckRequest>());
    let path = PathAndQuery::from_static("/grpc.health.v1.Health/Check");
    let codec = ProstCodec::<HealthCheckRequest, HealthCheckResponse>::default();
    client.client_streaming(endless, path, codec).await.map(drop)
}

/// The row of a user is held by somebody else: a charge waits for it, and takes the only place.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_too_many_is_told_to_come_back() {
    use sea_orm::{ConnectionTrait, TransactionTrait};
    let database = Database::postgres().await;
    let service = Service::start_with(database.url(), &["--max-calls=1"]).await.unwrap();
    service.top_up(USER, 10).await;
    let connection = sea_orm::Database::connect(database.url()).await.unwrap();
    let lock = connection.begin().await.unwrap();
    lock.execute_unprepared("SELECT 1 FROM users WHERE user_id = 'tg:1' FOR UPDATE").await.unwrap();
    let client = service.caller("nobody in particular");
    // Sent again until it, and not the other one, has the place.
    let waiting = tokio::spawn(async move {
        while let Err(status) = client.billing().charge(charge_request("1", USER, "generate")).await
        {
            assert_eq!(status.code(), Code::Unavailable, "{status}");
        }
    });
    let refused = loop {
        let ask = GetUserInfoRequest { user_id: "tg:2".to_owned() };
        if let Err(status) = service.billing().get_user_info(ask).await {
            break status;
        }
    };
    let overloaded = Why { retry: true, ..because(Code::Unavailable, "OVERLOADED", &[]) };
    assert_eq!(reason(&refused), overloaded);
    is_counted(&service, "calls").await;
    lock.rollback().await.unwrap();
    waiting.await.unwrap();
    service.finish().await;
}
