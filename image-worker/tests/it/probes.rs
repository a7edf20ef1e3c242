//! What probes are told: by gRPC, on the port where jobs come in.

use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::System;

#[tokio::test]
async fn callers_are_told_when_the_worker_is_ready_and_when_it_ends() {
    let mut system = System::start().await;
    let names =
        ["", "readiness", "images.v1.ImageService"].map(|name| (system.address.clone(), name));
    let mut watches = Vec::new();
    for (url, name) in names {
        let channel = Channel::from_shared(url).unwrap().connect_lazy();
        let request = HealthCheckRequest { service: name.to_owned() };
        let mut watch = HealthClient::new(channel).watch(request).await.unwrap().into_inner();
        while watch.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}
        watches.push(watch);
    }
    // Who only watches holds nothing up.
    system.stop().await;
    for mut watch in watches {
        let mut last = None;
        while let Ok(Some(said)) = watch.message().await {
            last = Some(said.status());
        }
        assert_eq!(last, Some(ServingStatus::NotServing));
    }
}
