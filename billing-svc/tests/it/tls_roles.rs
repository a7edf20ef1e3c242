//! Who may call what, walked RPC by RPC at the program itself: by token, by certificate, and by both.

use prost::Message;
use prost_types::FileDescriptorSet;
use tokio_stream::once;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::auth::{ROLES, TABLE};
use crate::certificates::{Ca, Files};
use crate::refusals::{because, why};
use crate::tls_program::{HOST, Program, call, caller, hash, mutual};

/// How a request fared at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Passed,
    Forbidden,
    Stranger,
}

impl Door {
    fn of(answer: Result<(), Status>) -> Self {
        match answer {
            Err(status) if status.code() == Code::PermissionDenied => {
                assert_eq!(
                    why(Err::<Response<()>, _>(status)),
                    because(Code::PermissionDenied, "FORBIDDEN", &[])
                );
                Self::Forbidden
            }
            Err(status) if status.code() == Code::Unauthenticated => {
                let stranger = because(Code::Unauthenticated, "UNAUTHENTICATED", &[]);
                assert_eq!(why(Err::<Response<()>, _>(status)), stranger);
                Self::Stranger
            }
            // What it says of an empty request shows that it was read.
            Err(status) => {
                let said = [Code::InvalidArgument, Code::Unimplemented, Code::FailedPrecondition];
                assert!(said.contains(&status.code()), "{status:?}");
                Self::Passed
            }
            Ok(()) => Self::Passed,
        }
    }
}

/// Every RPC of every service that we have words for, also those of the other programs.
fn all_rpcs() -> Vec<String> {
    let files = FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap().file;
    let of_service = |file: &prost_types::FileDescriptorProto| -> Vec<String> {
        let rpcs = file.service.iter().flat_map(|service| {
            let name = format!("/{}.{}", file.package(), service.name());
            service.method.iter().map(move |rpc| format!("{name}/{}", rpc.name()))
        });
        rpcs.collect()
    };
    files.iter().flat_map(of_service).collect()
}

/// What the table says; nobody but an admin may what it does not name.
fn expected(rpc: &str, column: usize) -> Door {
    let row = TABLE.iter().find(|(name, _)| rpc == format!("/billing.v1.{name}"));
    let may = row.map_or(ROLES[column] == "admin", |(_, may)| may[column]);
    if may { Door::Passed } else { Door::Forbidden }
}

async fn walk(
    program: &Program,
    channel: &Channel,
    token: Option<&str>,
    column: usize,
    name: &str,
) {
    for rpc in all_rpcs() {
        let door = Door::of(call(channel, &rpc, token).await);
        assert_eq!(door, expected(&rpc, column), "{name} {rpc}");
        if door == Door::Forbidden {
            program.logged(&["refused: not allowed", &rpc, &format!("{name:?}")]).await;
        }
    }
}

/// One caller for each role and way; the token of each is its name turned round.
fn callers() -> String {
    let of_role = |role: &&str| {
        let name = |way: &str| format!("{role} by {way}");
        let san = |way: &str| format!("{role}.{way}.test");
        [
            caller(&name("token"), role, Some(&token(role, "token")), None),
            caller(&name("certificate"), role, None, Some(&san("certificate"))),
            caller(&name("both"), role, Some(&token(role, "both")), Some(&san("both"))),
        ]
        .concat()
    };
    ROLES.iter().map(of_role).collect()
}

fn token(role: &str, way: &str) -> String {
    format!("{role} by {way}").chars().rev().collect()
}

fn no_secrets_in(log: &str, way: &str) {
    for role in ROLES {
        let token = token(role, way);
        assert!(!log.contains(&token) && !log.contains(&hash(&token)), "{role} {way}");
    }
    assert!(!log.contains("PRIVATE KEY") && !log.contains("Bearer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_what_the_table_says_by_token_over_a_plain_connection() {
    let files = Files::new();
    let of_role = |role: &&str| caller(role, role, Some(&token(role, "token")), None);
    files.write("callers.toml", &ROLES.iter().map(of_role).collect::<String>());
    let program = Program::start(&files).await;
    let channel = program.plain().await;
    for (column, role) in ROLES.iter().enumerate() {
        walk(&program, &channel, Some(&token(role, "token")), column, role).await;
    }
    no_secrets_in(&program.log(), "token");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_what_the_table_says_over_mutual_tls() {
    let ca = Ca::new("ours");
    let program = Program::start(&mutual(&ca, &callers())).await;
    for (column, role) in ROLES.iter().enumerate() {
        for way in ["token", "certificate", "both"] {
            // Nobody is known by a name of the first kind: there the token alone decides.
            let pair = ca.sign(&format!("{role}.{way}.test"));
            let channel = program.secure(HOST, &ca, Some(&pair)).await.unwrap();
            let token = Some(token(role, way)).filter(|_| way != "certificate");
            let name = format!("{role} by {way}");
            walk(&program, &channel, token.as_deref(), column, &name).await;
        }
    }
    for way in ["token", "both"] {
        no_secrets_in(&program.log(), way);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_may_anything_but_ask_whether_it_lives_and_what_it_speaks() {
    let ca = Ca::new("ours");
    let program = Program::start(&mutual(&ca, &callers())).await;
    let pair = ca.sign("nobody.test");
    let channel = program.secure(HOST, &ca, Some(&pair)).await.unwrap();
    for token in [None, Some("guessed"), Some("")] {
        for rpc in all_rpcs() {
            let door = Door::of(call(&channel, &rpc, token).await);
            assert_eq!(door, Door::Stranger, "{rpc} {token:?}");
            program.logged(&["refused: unknown caller", &rpc, "nobody.test"]).await;
        }
    }
    assert!(!program.log().contains("guessed"));

    let mut health = HealthClient::new(channel.clone());
    let request = HealthCheckRequest { service: "billing.v1.BillingService".to_owned() };
    let status = health.check(request).await.unwrap().into_inner().status();
    assert_eq!(status, ServingStatus::Serving);
    let question = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answer = ServerReflectionClient::new(channel).server_reflection_info(once(question)).await;
    let answer = answer.unwrap().into_inner().message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}");
    };
    assert!(list.service.iter().any(|service| service.name == "billing.v1.BillingService"));
}
