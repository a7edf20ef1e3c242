//! What probes are told: by HTTP, and by gRPC on both ports.

use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::Database;
use crate::service::{Service, http_get};
use crate::wire::Wire;

const OF_THE_SERVICE: [&str; 3] = ["", "readiness", "billing.v1.BillingService"];

async fn says(channel: &Channel, name: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: name.to_owned() };
    HealthClient::new(channel.clone()).check(request).await.unwrap().into_inner().status()
}

/// Waits until both ports say so; the process lives all the while.
async fn until(service: &Service, expected: ServingStatus) {
    let http = Channel::from_shared(service.http.clone()).unwrap().connect_lazy();
    let request = HealthCheckRequest { service: "readiness".to_owned() };
    let mut watch = HealthClient::new(http.clone()).watch(request).await.unwrap().into_inner();
    while watch.message().await.unwrap().unwrap().status() != expected {}
    for channel in [&http, &service.channel] {
        for name in OF_THE_SERVICE {
            // They are told one after the other.
            while says(channel, name).await != expected {}
        }
        assert_eq!(says(channel, "liveness").await, ServingStatus::Serving);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_makes_it_not_ready_until_it_is_back() {
    let database = Database::postgres().await;
    let wire = Wire::to(&database).await;
    let service = Service::start(database.through(&wire.address).url()).await;
    until(&service, ServingStatus::Serving).await;
    assert!(http_get(&service.http, "/readyz").await.starts_with("HTTP/1.1 200"));

    wire.go_down();
    until(&service, ServingStatus::NotServing).await;
    assert!(http_get(&service.http, "/readyz").await.starts_with("HTTP/1.1 503"));
    assert!(http_get(&service.http, "/healthz").await.starts_with("HTTP/1.1 200"));

    wire.come_back();
    until(&service, ServingStatus::Serving).await;
    assert!(http_get(&service.http, "/readyz").await.starts_with("HTTP/1.1 200"));
    service.finish().await;
}
