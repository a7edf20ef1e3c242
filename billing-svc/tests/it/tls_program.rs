//! The program itself, behind certificates, and what it says meanwhile.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tonic::client::Grpc;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

use crate::certificates::{Ca, Files, Pair};
use crate::harness::Database;

/// What its certificate is for.
pub const HOST: &str = "billing.test";

/// A running billing-svc, killed when dropped.
pub struct Program {
    pub address: String,
    log: Log,
    _child: Child,
    _database: Database,
}

impl Program {
    /// With those of `callers.toml`, `cert.pem`, `key.pem` and `ca.pem` that are there.
    pub async fn start(files: &Files) -> Self {
        Self::start_with(files, &[]).await
    }

    /// The same, with further flags.
    pub async fn start_with(files: &Files, flags: &[&str]) -> Self {
        let database = Database::sqlite();
        let mut command = Command::new(env!("CARGO_BIN_EXE_billing-svc"));
        command
            .env_clear()
            .args(flags)
            .env("BILLING_DATABASE_URL", database.url())
            .env("BILLING_LISTEN", "127.0.0.1:0")
            .env("BILLING_HTTP_LISTEN", "127.0.0.1:0")
            .env("LOG_FORMAT", "json");
        let all = [
            ("BILLING_AUTH_FILE", "callers.toml"),
            ("BILLING_TLS_CERT", "cert.pem"),
            ("BILLING_TLS_KEY", "key.pem"),
            ("BILLING_TLS_CLIENT_CA", "ca.pem"),
        ];
        for (variable, name) in all {
            if files.path(name).exists() {
                command.env(variable, files.path(name));
            }
        }
        let mut child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let log = Log::of(child.stderr.take().unwrap());
        let serving: Value = serde_json::from_str(&log.line(&["serving gRPC"]).await).unwrap();
        let address = serving["address"].as_str().unwrap().to_owned();
        Self { address, log, _child: child, _database: database }
    }

    /// A new connection, without TLS.
    pub async fn plain(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    /// A new connection to the server of that name. Certificates of clients are looked at after it stands.
    pub async fn secure(
        &self,
        host: &str,
        trusts: &Ca,
        shows: Option<&Pair>,
    ) -> Result<Channel, tonic::transport::Error> {
        let mut tls = ClientTlsConfig::new().ca_certificate(trusts.trusted()).domain_name(host);
        if let Some(pair) = shows {
            tls = tls.identity(pair.identity());
        }
        let endpoint = Endpoint::from_shared(format!("https://{}", self.address))?;
        endpoint.tls_config(tls)?.connect().await
    }

    /// The first line of its log with all of these, once there is one.
    pub async fn logged(&self, parts: &[&str]) -> String {
        self.log.line(parts).await
    }

    /// All that it has logged.
    pub fn log(&self) -> String {
        self.log.0.lock().unwrap().join("\n")
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn of(stderr: ChildStderr) -> Self {
        let log = Self::default();
        let kept = log.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Some(line) = lines.next_line().await.unwrap() {
                kept.0.lock().unwrap().push(line);
            }
        });
        log
    }

    async fn line(&self, parts: &[&str]) -> String {
        let found = || {
            let lines = self.0.lock().unwrap();
            lines.iter().find(|line| parts.iter().all(|part| line.contains(part))).cloned()
        };
        let waiting = async {
            loop {
                if let Some(line) = found() {
                    return line;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        let limit = std::time::Duration::from_secs(60);
        let said = || panic!("no line with {parts:?} in:\n{}", self.0.lock().unwrap().join("\n"));
        tokio::time::timeout(limit, waiting).await.unwrap_or_else(|_| said())
    }
}

/// Calls any RPC with a message that has no fields. What it answers first counts.
pub async fn call(channel: &Channel, rpc: &str, token: Option<&str>) -> Result<(), Status> {
    let mut client = Grpc::new(channel.clone());
    client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let mut request = Request::new(());
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let answer = client.server_streaming(request, rpc.parse().unwrap(), codec).await?;
    answer.into_inner().message().await.map(drop)
}

/// `[[caller]]`, with what it is known by.
pub fn caller(name: &str, role: &str, token: Option<&str>, san: Option<&str>) -> String {
    let token = token.map(|token| format!("token_sha256 = {:?}\n", hash(token)));
    let san = san.map(|san| format!("san = {san:?}\n"));
    let known = token.unwrap_or_default() + &san.unwrap_or_default();
    format!("[[caller]]\nname = {name:?}\nrole = {role:?}\n{known}")
}

pub fn hash(token: &str) -> String {
    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A server's certificate of `ca`, its clients' CA, and who may call.
pub fn mutual(ca: &Ca, callers: &str) -> Files {
    let files = Files::new();
    files.write_pair(&ca.sign(HOST));
    files.write("ca.pem", &ca.pem());
    files.write("callers.toml", callers);
    files
}
