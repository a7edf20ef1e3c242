//! What is not about money: messages that can't be read, health, reflection, probes.

use prost::Message;
use proto::billing::v1::*;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::{v1, v1alpha};

use crate::harness::Database;
use crate::refusals::{bad, why};
use crate::service::{Service, charge_request};

on_both!(
    a_message_that_can_not_be_read_writes_nothing,
    health_and_reflection_are_open_to_all,
    metrics_count_each_rpc_by_its_code,
);

/// Sends bytes as they are.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, bytes: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(buffer, &bytes);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        let length = bytes::Buf::remaining(buffer);
        bytes::Buf::advance(buffer, length);
        Ok(Some(()))
    }
}

async fn send(service: &Service, bytes: Vec<u8>) -> Result<tonic::Response<()>, Status> {
    let mut client = tonic::client::Grpc::new(service.channel.clone());
    client.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/billing.v1.BillingService/Charge");
    client.unary(Request::new(bytes), path, Raw).await
}

async fn a_message_that_can_not_be_read_writes_nothing(database: Database) {
    let service = Service::start(database.url()).await;
    let good = charge_request("1", "tg:1", "generate").encode_to_vec();

    // The last letter of the user and of the request becomes a byte that UTF-8 doesn't know.
    let spoilt = |field: &str| {
        let mut bytes = good.clone();
        let place = bytes.windows(field.len()).position(|part| part == field.as_bytes()).unwrap();
        bytes[place + field.len() - 1] = 0xff;
        bytes
    };
    assert_eq!(why(send(&service, spoilt("tg:1")).await), bad("user_id"));
    assert_eq!(why(send(&service, spoilt("generate")).await), bad("kind"));
    // In a label, and in a nested message.
    let label = [&good[..], b"\x3a\x06\x0a\x01\xff\x12\x01v"].concat();
    assert!(why(send(&service, label).await).metadata["field"].starts_with("labels"));
    let currency = [&good[..], b"\x2a\x05\x0a\x03RU\xff"].concat();
    assert_eq!(why(send(&service, currency).await), bad("max_price.currency_code"));

    // No message at all, half a message, the wrong type in a field.
    assert_eq!(
        why(send(&service, good[..good.len() - 3].to_vec()).await).code,
        Code::InvalidArgument
    );
    assert_eq!(why(send(&service, vec![0xff; 64]).await).code, Code::InvalidArgument);
    assert_eq!(why(send(&service, b"\x08\x01".to_vec()).await), bad("request_id"));
    assert_eq!(why(send(&service, Vec::new()).await), bad("request_id"));

    // Just over 4 MB.
    let mut large = charge_request("1", "tg:1", "generate");
    large.labels.insert("k".to_owned(), "v".repeat(4 << 20));
    assert_eq!(why(send(&service, large.encode_to_vec()).await), bad("message"));

    assert_eq!(service.user("tg:1").await.version, 0);
    assert!(service.operations("tg:1").await.is_empty());
    assert!(send(&service, good).await.is_ok());
    service.finish().await;
}

async fn health_and_reflection_are_open_to_all(database: Database) {
    let service = Service::start_with_callers(database.url()).await;
    let mut health = HealthClient::new(service.channel.clone());
    let ours = [
        "billing.v1.AdminService",
        "billing.v1.BillingService",
        "billing.v1.EventService",
        "billing.v1.PaymentService",
        "billing.v1.PromotionService",
    ];
    for name in ours.into_iter().chain([""]) {
        let request = HealthCheckRequest { service: name.to_owned() };
        let answer = health.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{name}");
    }
    let unknown = HealthCheckRequest { service: "nonsense".to_owned() };
    assert_eq!(health.check(unknown).await.unwrap_err().code(), Code::NotFound);

    let and = |others: [&'static str; 2]| [ours.as_slice(), &others].concat();
    let v1 = and(["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]);
    assert_eq!(listed_v1(&service).await, v1);
    let v1alpha = and(["grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"]);
    assert_eq!(listed_v1alpha(&service).await, v1alpha);
    // What a tool needs to show the details of an error.
    for symbol in ["google.rpc.ErrorInfo", "google.rpc.BadRequest", "billing.v1.ErrorReason"] {
        assert!(knows(&service, symbol).await, "{symbol}");
    }
    assert!(!knows(&service, "images.v1.ImageService").await, "another service's");
    service.finish().await;
}

async fn listed_v1(service: &Service) -> Vec<String> {
    use v1::server_reflection_request::MessageRequest;
    use v1::server_reflection_response::MessageResponse;
    let request = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client =
        v1::server_reflection_client::ServerReflectionClient::new(service.channel.clone());
    let answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}");
    };
    let mut names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    names.sort();
    names
}

async fn knows(service: &Service, symbol: &str) -> bool {
    use v1::server_reflection_request::MessageRequest;
    use v1::server_reflection_response::MessageResponse;
    let request = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::FileContainingSymbol(symbol.to_owned())),
    };
    let mut client =
        v1::server_reflection_client::ServerReflectionClient::new(service.channel.clone());
    let answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap();
    let Ok(Some(answer)) = answers.into_inner().message().await else { return false };
    matches!(answer.message_response, Some(MessageResponse::FileDescriptorResponse(_)))
}

async fn listed_v1alpha(service: &Service) -> Vec<String> {
    use v1alpha::server_reflection_request::MessageRequest;
    use v1alpha::server_reflection_response::MessageResponse;
    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client =
        v1alpha::server_reflection_client::ServerReflectionClient::new(service.channel.clone());
    let answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}");
    };
    let mut names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    names.sort();
    names
}

async fn metrics_count_each_rpc_by_its_code(database: Database) {
    let service = Service::start(database.url()).await;
    let request = GetUserInfoRequest { user_id: String::new() };
    why(service.billing().get_user_info(request).await);
    let metrics = crate::service::http_get(&service.http, "/metrics").await;
    let line = "grpc_requests_total{rpc=\"billing.v1.BillingService/GetUserInfo\",code=\"InvalidArgument\",reason=\"INVALID_FIELD\"}";
    assert!(metrics.contains(line), "{metrics}");
    assert!(crate::service::http_get(&service.http, "/readyz").await.starts_with("HTTP/1.1 200"));
    assert!(crate::service::http_get(&service.http, "/healthz").await.starts_with("HTTP/1.1 200"));
    service.finish().await;
}
