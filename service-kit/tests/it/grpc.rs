//! The server around a service's own RPCs.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use prost::Message;
use prost_types::{
    EnumDescriptorProto, EnumValueDescriptorProto, FileDescriptorProto, FileDescriptorSet,
};
use service_kit::{
    auth::{AuthLayer, Callers},
    grpc::{MetricsLayer, Refusal, connections, health_and_reflection, server_builder},
    health::Health,
    http::Readiness,
    telemetry,
};
use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Code, Status, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::{v1, v1alpha};
use tonic_types::StatusExt;
use tower::{Layer, ServiceExt};

/// Health's own descriptors stand in for a service's.
const DESCRIPTORS: &[u8] = tonic_health::pb::FILE_DESCRIPTOR_SET;

/// A server with our layers and no services of its own, on loopback, until the guard is dropped.
async fn server() -> (SocketAddr, DropGuard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let health = Health::new(Readiness::new(|| async { Ok(()) }), &[]).await;
    health.ready().await;
    let routes = health_and_reflection(&health, DESCRIPTORS).unwrap();
    let serving = server_builder(None)
        .layer(MetricsLayer::with_reasons(DESCRIPTORS, &["FORBIDDEN"]).unwrap())
        .layer(AuthLayer::new(
            Callers::local(),
            |_, path| path != "/for.bidden/Path",
            "test.kopilka",
        ))
        .add_routes(routes)
        .serve_with_incoming_shutdown(
            connections(listener, None, None),
            stop.clone().cancelled_owned(),
        );
    tokio::spawn(serving);
    (address, stop.drop_guard())
}

async fn connect(address: SocketAddr) -> Channel {
    Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

#[tokio::test]
async fn health_and_both_reflections_answer() {
    let (address, _stop) = server().await;
    let channel = connect(address).await;

    let mut health = HealthClient::new(channel.clone());
    let answer = health.check(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(answer.status().as_str_name(), "SERVING");

    let mut client = v1::server_reflection_client::ServerReflectionClient::new(channel.clone());
    let request = v1::ServerReflectionRequest {
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(
            String::new(),
        )),
        ..Default::default()
    };
    let mut answers =
        client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    let said = format!("{:?}", answers.next().await.unwrap().unwrap());
    assert!(said.contains("grpc.health.v1.Health"), "{said}");

    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
    let request = v1alpha::ServerReflectionRequest {
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::ListServices(
            String::new(),
        )),
        ..Default::default()
    };
    let mut answers =
        client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    let said = format!("{:?}", answers.next().await.unwrap().unwrap());
    assert!(said.contains("grpc.health.v1.Health"), "{said}");
}

#[tokio::test]
async fn requests_are_counted_by_rpc_and_code_with_bounded_labels() {
    let metrics = telemetry::metrics().unwrap();
    let (address, _stop) = server().await;
    let channel = connect(address).await;
    let mut health = HealthClient::new(channel.clone());
    health.check(HealthCheckRequest::default()).await.unwrap();
    let unknown = HealthCheckRequest { service: "nobody".to_owned() };
    assert_eq!(health.check(unknown).await.unwrap_err().code(), Code::NotFound);
    for (path, code) in
        [("/made.up/Path", Code::Unimplemented), ("/for.bidden/Path", Code::PermissionDenied)]
    {
        let mut other = tonic::client::Grpc::new(channel.clone());
        other.ready().await.unwrap();
        let path = http::uri::PathAndQuery::from_static(path);
        let codec = tonic_prost::ProstCodec::<HealthCheckRequest, HealthCheckRequest>::default();
        let request = tonic::Request::new(HealthCheckRequest::default());
        assert_eq!(other.unary(request, path, codec).await.unwrap_err().code(), code);
    }

    let rendered = metrics.render();
    for expected in [
        r#"grpc_requests_total{rpc="grpc.health.v1.Health/Check",code="Ok",reason=""}"#,
        r#"grpc_requests_total{rpc="grpc.health.v1.Health/Check",code="NotFound",reason=""}"#,
        r#"grpc_requests_total{rpc="other",code="Unimplemented",reason=""}"#,
        r#"grpc_requests_total{rpc="other",code="PermissionDenied",reason="FORBIDDEN"}"#,
        r#"grpc_request_seconds_bucket{rpc="grpc.health.v1.Health/Check",le="#,
    ] {
        assert!(rendered.contains(expected), "{expected} is missing in\n{rendered}");
    }
    assert!(!rendered.contains("made.up"));
}

/// Answers every path with an error that bears the path as its reason.
async fn refuse(request: http::Request<()>) -> Result<http::Response<()>, Infallible> {
    let reason = request.uri().path().trim_start_matches('/').to_owned();
    Ok(Refusal::new(Code::Unavailable, "test.kopilka", reason, "no").into_status().into_http())
}

#[tokio::test]
async fn a_reason_is_named_only_if_it_is_a_known_one() {
    let metrics = telemetry::metrics().unwrap();
    let set = FileDescriptorSet {
        file: vec![FileDescriptorProto {
            enum_type: vec![EnumDescriptorProto {
                name: Some("ErrorReason".to_owned()),
                value: vec![EnumValueDescriptorProto {
                    name: Some("ERROR_REASON_OF_THE_ENUM".to_owned()),
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        }],
    };
    let layer = MetricsLayer::with_reasons(&set.encode_to_vec(), &["OF_THE_LIST"]).unwrap();
    let service = layer.layer(tower::service_fn(refuse));
    for reason in ["OF_THE_ENUM", "OF_THE_LIST", "made_up_by_a_user"] {
        let request = http::Request::get(format!("/{reason}")).body(()).unwrap();
        service.clone().oneshot(request).await.unwrap();
    }
    let rendered = metrics.render();
    for reason in ["OF_THE_ENUM", "OF_THE_LIST", "other"] {
        let line = format!(r#"{{rpc="other",code="Unavailable",reason="{reason}"}} 1"#);
        assert!(rendered.contains(&line), "{line} is missing in\n{rendered}");
    }
    assert!(!rendered.contains("made_up_by_a_user"));
}

#[test]
fn a_refusal_carries_all_that_a_program_can_act_on() {
    let pause = Duration::from_millis(1500);
    let status: Status =
        Refusal::new(Code::InvalidArgument, "test.kopilka", "INVALID_FIELD", "bad")
            .metadata("field", "quantity")
            .bad_field("quantity", "1 to 100")
            .retry_after(pause)
            .into();
    assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "bad"));
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("INVALID_FIELD", "test.kopilka"));
    assert_eq!(info.metadata["field"], "quantity");
    let violation = &details.bad_request().unwrap().field_violations[0];
    assert_eq!(
        (violation.field.as_str(), violation.description.as_str()),
        ("quantity", "1 to 100")
    );
    assert_eq!(details.retry_info().unwrap().retry_delay, Some(pause));
    let plain = Refusal::new(Code::NotFound, "test.kopilka", "X", "x").into_status();
    assert!(
        plain.get_error_details().bad_request().is_none()
            && plain.get_error_details().retry_info().is_none()
    );
}
