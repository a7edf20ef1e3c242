//! What probes are told: by gRPC, on both ports.

use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::World;

#[tokio::test]
async fn both_ports_tell_when_the_gateway_is_ready_and_when_it_ends() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let (http, grpc) = (gateway.http_url.clone(), gateway.grpc_url.clone());
    let names = [
        (http.clone(), "readiness"),
        (http, ""),
        (grpc.clone(), ""),
        (grpc, "gateway.v1.DeliveryService"),
    ];
    let mut watches = Vec::new();
    for (url, name) in names {
        let channel = Channel::from_shared(url).unwrap().connect_lazy();
        let request = HealthCheckRequest { service: name.to_owned() };
        let mut watch = HealthClient::new(channel).watch(request).await.unwrap().into_inner();
        while watch.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}
        watches.push(watch);
    }
    // Who only watches holds nothing up.
    gateway.stop().await;
    for mut watch in watches {
        let mut last = None;
        while let Ok(Some(said)) = watch.message().await {
            last = Some(said.status());
        }
        assert_eq!(last, Some(ServingStatus::NotServing));
    }
}
