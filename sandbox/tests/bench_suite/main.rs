//! The baselines do what they are said to do: a figure of a server that cheats is worth nothing.
//!
//! `cargo build -p sandbox --bins` makes the program that is started here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::process::{Command, Stdio};

use proto::billing::v1::billing_service_client::BillingServiceClient;
use proto::billing::v1::{ChargeRequest, CompleteRequest, GetUserInfoRequest};
use sandbox::bench::servers::Standing;
use sandbox::bench::servers::baseline::{Kind, prepare};
use secrecy::SecretString;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use test_postgres::TestDatabase;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

const TOKEN: &str = "a-token-of-the-tests";

/// The one-transaction service on a database of its own.
struct OneTransaction {
    client: BillingServiceClient<Channel>,
    database: PgConnection,
    _standing: Standing,
    _folder: TempDir,
    _postgres: TestDatabase,
}

impl OneTransaction {
    async fn start() -> Self {
        let postgres = TestDatabase::new().await;
        let url = SecretString::from(postgres.url());
        prepare(&url, 2).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let token = SecretString::from(TOKEN);
        let standing =
            Standing::start(folder.path(), Kind::OneTransaction, Some(&url), Some(&token))
                .await
                .unwrap();
        let client = BillingServiceClient::connect(standing.url()).await.unwrap();
        let database = PgConnection::connect(&postgres.url()).await.unwrap();
        Self { client, database, _standing: standing, _folder: folder, _postgres: postgres }
    }

    async fn charge(&self, request_id: &str, user_id: &str) -> Result<(String, i64, bool), Status> {
        let mut request = Request::new(charge(request_id, user_id));
        let token = format!("Bearer {TOKEN}").parse().unwrap();
        request.metadata_mut().insert("authorization", token);
        let answer = self.client.clone().charge(request).await?.into_inner();
        let balance = answer.user.unwrap().balance.unwrap().units;
        Ok((answer.operation.unwrap().operation_id, balance, answer.replayed))
    }

    async fn set_balance(&mut self, micros: i64) {
        sqlx::query("UPDATE users SET balance = $1")
            .bind(micros)
            .execute(&mut self.database)
            .await
            .unwrap();
    }

    /// Operations, entries, and what everybody has, in micros.
    async fn books(&mut self) -> (i64, i64, i64) {
        sqlx::query_as(
            "SELECT (SELECT count(*) FROM operations), (SELECT count(*) FROM entries), \
             (SELECT sum(balance)::bigint FROM users)",
        )
        .fetch_one(&mut self.database)
        .await
        .unwrap()
    }
}

fn charge(request_id: &str, user_id: &str) -> ChargeRequest {
    ChargeRequest {
        request_id: request_id.to_owned(),
        user_id: user_id.to_owned(),
        kind: "generate".to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn one_transaction_charges_once_and_refuses_who_has_too_little() {
    let mut service = OneTransaction::start().await;
    service.set_balance(25_000_000).await;

    let (first, balance, replayed) = service.charge("a", "bench:0").await.unwrap();
    assert_eq!((balance, replayed), (15, false));
    let again = service.charge("a", "bench:0").await.unwrap();
    assert_eq!(again, (first, 15, true));
    assert_eq!(service.charge("b", "bench:0").await.unwrap().1, 5);
    let refused = service.charge("c", "bench:0").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let refused = service.charge("d", "nobody").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);

    assert_eq!(service.books().await, (2, 2, 5_000_000 + 25_000_000));
}

#[tokio::test]
async fn one_transaction_loses_no_charge_of_many_at_once() {
    let mut service = OneTransaction::start().await;
    service.set_balance(1_000_000_000).await;
    let ids: Vec<_> = (0..50).map(|n| format!("request-{n}")).collect();
    let charges = ids.iter().map(|id| service.charge(id, "bench:0"));
    for charged in futures::future::join_all(charges).await {
        assert!(!charged.unwrap().2);
    }
    assert_eq!(service.books().await, (50, 50, 500_000_000 + 1_000_000_000));
}

#[tokio::test]
async fn one_transaction_asks_for_the_token() {
    let service = OneTransaction::start().await;
    for token in [None, Some("Bearer another"), Some(TOKEN)] {
        let mut request = Request::new(charge("a", "bench:0"));
        if let Some(token) = token {
            request.metadata_mut().insert("authorization", token.parse().unwrap());
        }
        let refused = service.client.clone().charge(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{token:?}");
    }
}

#[tokio::test]
async fn echo_answers_what_was_asked() {
    let folder = tempfile::tempdir().unwrap();
    let standing = Standing::start(folder.path(), Kind::Echo, None, None).await.unwrap();
    let mut client = BillingServiceClient::connect(standing.url()).await.unwrap();
    let charged = client.charge(charge("a", "bench:7")).await.unwrap().into_inner();
    assert_eq!(charged.operation.unwrap().request_id, "a");
    let asked = GetUserInfoRequest { user_id: "bench:7".to_owned() };
    let user = client.get_user_info(asked).await.unwrap().into_inner().user.unwrap();
    assert_eq!(user.user_id, "bench:7");
    let refused = client.complete(CompleteRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
}

#[test]
fn what_can_not_be_measured_is_said_before_anything_starts() {
    let program = env!("CARGO_BIN_EXE_kopilka-bench");
    let suite = |arguments: &[&str], variable: (&str, &str)| {
        let output = Command::new(program)
            .arg("suite")
            .args(arguments)
            .env(variable.0, variable.1)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = suite(&["--quick", "--only", "charge_pg_65"], ("X", ""));
    assert!(said.contains("there is no \"charge_pg_65\"; there are charge_pg_64, "), "{said}");
    let said = suite(&["--quick"], ("TMPDIR", "/dev/shm"));
    assert!(said.contains("/dev/shm is memory") && said.contains("set TMPDIR"), "{said}");
    let said = suite(&["--quick"], ("TMPDIR", "/nowhere"));
    assert!(said.contains("/nowhere"), "{said}");
}
