//! A server behind TLS and authentication, and those who knock.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, Once},
};

use http::uri::PathAndQuery;
use service_kit::{
    auth::{Access, AccessError, AccessFiles, AuthLayer},
    grpc::{connections, health_and_reflection, server_builder},
    health::Health,
    http::Readiness,
    tls::TlsFiles,
};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{
    Code, Request, Status,
    transport::{Channel, ClientTlsConfig, Endpoint},
};
use tonic_health::pb::HealthCheckRequest;
use tracing_subscriber::fmt::MakeWriter;

use crate::certificates::{Ca, Files, Pair};

/// What all servers' certificates are for.
pub const HOST: &str = "billing.test";

/// `[[caller]]` with that role; `known` is the rest.
pub fn caller(name: &str, known: &str) -> String {
    format!("[[caller]]\nname = {name:?}\nrole = \"gateway\"\n{known}\n")
}

pub fn hash(token: &str) -> String {
    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A running server, until it is dropped.
pub struct Server {
    pub address: SocketAddr,
    _stop: DropGuard,
}

impl Server {
    /// Reads `cert.pem`, `key.pem`, `ca.pem` and `auth.toml`, and looks at them from then on. Lets nobody do anything: the
    /// refusal says who it was.
    pub async fn start(files: &Files) -> Self {
        let access = load(files).unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(access.clone().follow(stop.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let health = Health::new(Readiness::new(|| async { Ok(()) }), &[]).await;
        let routes = health_and_reflection(&health, tonic_health::pb::FILE_DESCRIPTOR_SET).unwrap();
        let served = server_builder(None)
            .layer(AuthLayer::new(access.callers, |_, _| false, "test.kopilka"))
            .add_routes(routes)
            .serve_with_incoming_shutdown(
                connections(listener, access.tls, None),
                stop.clone().cancelled_owned(),
            );
        tokio::spawn(served);
        Self { address, _stop: stop.drop_guard() }
    }

    /// A new connection over TLS.
    pub async fn connect(&self, trusts: &Ca, shows: Option<&Pair>) -> Option<Channel> {
        let mut tls = ClientTlsConfig::new().ca_certificate(trusts.trusted()).domain_name(HOST);
        if let Some(pair) = shows {
            tls = tls.identity(pair.identity());
        }
        let endpoint = Endpoint::from_shared(format!("https://{}", self.address)).unwrap();
        endpoint.tls_config(tls).unwrap().connect().await.ok()
    }

    /// Who the server thinks that calls over a new connection; `None`: no connection.
    pub async fn knock(
        &self,
        trusts: &Ca,
        shows: Option<&Pair>,
        token: Option<&str>,
    ) -> Option<Result<String, Code>> {
        let channel = self.connect(trusts, shows).await?;
        match who(channel, token).await {
            Ok(name) => Some(Ok(name)),
            Err(status) if status.code() == Code::Unauthenticated => Some(Err(status.code())),
            // In TLS 1.3 a client hears only now that its certificate was refused.
            Err(_) => None,
        }
    }
}

pub fn load(files: &Files) -> Result<Access, AccessError> {
    let path = |name: &str| Some(files.path(name)).filter(|path| path.exists());
    let (auth, cert, key, ca) =
        (path("auth.toml"), path("cert.pem"), path("key.pem"), path("ca.pem"));
    let tls = TlsFiles {
        prefix: "TEST",
        cert: cert.as_deref(),
        key: key.as_deref(),
        client_ca: ca.as_deref(),
    };
    Access::load(AccessFiles { auth: auth.as_deref(), tls }, "127.0.0.1:1".parse().unwrap())
}

/// Who the server thinks that this is.
pub async fn who(channel: Channel, token: Option<&str>) -> Result<String, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let codec = tonic_prost::ProstCodec::<HealthCheckRequest, HealthCheckRequest>::default();
    let mut request = Request::new(HealthCheckRequest::default());
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    let path = PathAndQuery::from_static("/test.v1.Test/WhoAmI");
    let status = client.unary(request, path, codec).await.unwrap_err();
    let name = status.message().split('"').nth(1).map(str::to_owned);
    if status.code() == Code::PermissionDenied { Ok(name.unwrap()) } else { Err(status) }
}

/// What is logged in this thread from now on.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn open() -> (Self, tracing::subscriber::DefaultGuard) {
        // While there is one subscriber, tracing asks that of the thread which comes to a line first whether anybody wants
        // the line, once for all threads: and a thread of another test has none.
        static EVERYWHERE: Once = Once::new();
        EVERYWHERE.call_once(|| {
            tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
        });
        let log = Self::default();
        let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish();
        (log, tracing::subscriber::set_default(lines))
    }

    /// The first line with all of these, once there is one.
    pub async fn line(&self, parts: &[&str]) -> String {
        let appears = async {
            loop {
                let text = self.text();
                let line = text.lines().find(|line| parts.iter().all(|part| line.contains(part)));
                if let Some(line) = line {
                    return line.to_owned();
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        let patience = std::time::Duration::from_secs(60);
        match tokio::time::timeout(patience, appears).await {
            Ok(line) => line,
            Err(_) => panic!("no line with {parts:?} in\n{}", self.text()),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
