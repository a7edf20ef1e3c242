//! A billing-svc in this process, on a port of its own.

use std::ops::Deref;
use std::path::Path;

use billing_svc::config::Config;
use billing_svc::server::{self, Listeners};
use billing_svc::verify;
use clap::Parser;
use proto::billing::v1::admin_service_client::AdminServiceClient;
use proto::billing::v1::billing_service_client::BillingServiceClient;
use proto::billing::v1::event_service_client::EventServiceClient;
use proto::billing::v1::payment_service_client::PaymentServiceClient;
use proto::billing::v1::promotion_service_client::PromotionServiceClient;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

pub use crate::calls::{charge_request, promo, refund_request, rub, seconds};

/// A running service, spoken to as an admin. End it with [`Service::finish`], which proves the invariants.
pub struct Service {
    client: Client,
    /// Where it is called.
    pub grpc: String,
    /// Where `/metrics` and the probes are.
    pub http: String,
    database_url: String,
    shutdown: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
    _auth_file: Option<TempDir>,
}

/// Somebody who calls.
#[derive(Clone)]
pub struct Client {
    pub channel: Channel,
    token: Option<String>,
}

impl Deref for Service {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Puts a bearer token into each call.
#[derive(Clone)]
pub struct Token(Option<String>);

impl Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            let value = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    }
}

pub type Billing = BillingServiceClient<InterceptedService<Channel, Token>>;
pub type Payment = PaymentServiceClient<InterceptedService<Channel, Token>>;
pub type Promotion = PromotionServiceClient<InterceptedService<Channel, Token>>;
pub type Events = EventServiceClient<InterceptedService<Channel, Token>>;
pub type Admin = AdminServiceClient<InterceptedService<Channel, Token>>;

impl Service {
    /// Without an auth file: every caller is an admin.
    pub async fn start(database_url: &str) -> Self {
        Self::start_with(database_url, &[]).await.unwrap()
    }

    /// With further flags. An error is what the service ended with before it answered a call.
    pub async fn start_with(database_url: &str, flags: &[&str]) -> anyhow::Result<Self> {
        let standard = ["billing-svc", "--database-url", database_url];
        // A PostgreSQL of a test has no operator who would prepare its schema.
        let migrate: &[&str] =
            if flags.contains(&"--migrate") { &[] } else { &["--migrate", "auto"] };
        let config = Config::try_parse_from(standard.iter().chain(migrate).chain(flags))?;
        let settings = config.check()?;
        let listeners = Listeners {
            grpc: TcpListener::bind("127.0.0.1:0").await?,
            http: TcpListener::bind("127.0.0.1:0").await?,
        };
        let http = format!("http://{}", listeners.http.local_addr()?);
        let grpc = format!("http://{}", listeners.grpc.local_addr()?);
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(server::run(settings, listeners, shutdown.clone()));
        // The listener is bound, so this connects as soon as the service accepts.
        let channel = Channel::from_shared(grpc.clone())?.connect_lazy();
        if !is_serving(channel.clone()).await {
            // It is ending by itself, which closed the listener.
            anyhow::bail!("{:#}", running.await?.expect_err("it ended by itself"));
        }
        Ok(Self {
            client: Client { channel, token: None },
            grpc,
            http,
            database_url: database_url.to_owned(),
            shutdown,
            running,
            _auth_file: None,
        })
    }

    /// With an auth file that has a caller of each role; the tokens are the roles' names, and `other gateway`.
    pub async fn start_with_callers(database_url: &str) -> Self {
        Self::start_with_callers_and(database_url, &[]).await
    }

    /// The same, with further flags.
    pub async fn start_with_callers_and(database_url: &str, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = auth_file(folder.path());
        let flags = [&["--auth-file", &file], flags].concat();
        let mut service = Self::start_with(database_url, &flags).await.unwrap();
        service.client = service.caller("admin");
        service._auth_file = Some(folder);
        service
    }

    /// Another caller of the same service.
    pub fn caller(&self, token: &str) -> Client {
        Client { channel: self.channel.clone(), token: Some(token.to_owned()) }
    }

    /// A caller who shows no token.
    pub fn stranger(&self) -> Client {
        Client { channel: self.channel.clone(), token: None }
    }

    /// Asks it to stop, as SIGTERM does.
    pub fn ask_to_stop(&self) {
        self.shutdown.cancel();
    }

    /// Stops it and waits for its end.
    pub async fn stop(self) {
        self.shutdown.cancel();
        drop(self.client);
        self.running.await.unwrap().unwrap();
    }

    /// Stops it and proves that the invariants hold.
    pub async fn finish(self) {
        let url = self.database_url.clone();
        self.stop().await;
        let database = service_kit::db::open_read_only(&url).await.unwrap();
        let report = verify::run(&database.connection).await.unwrap();
        assert!(report.is_clean(), "{report}");
        database.connection.close().await.unwrap();
    }
}

/// Waits until the service says that it does its work; false where it ended first.
async fn is_serving(channel: Channel) -> bool {
    let Ok(watch) = HealthClient::new(channel).watch(HealthCheckRequest::default()).await else {
        return false;
    };
    let mut watch = watch.into_inner();
    while let Ok(Some(said)) = watch.message().await {
        if said.status() == ServingStatus::Serving {
            return true;
        }
    }
    false
}

impl Client {
    /// Of a service at this address that takes everybody for an admin.
    pub fn at(url: &str) -> Self {
        let channel = Channel::from_shared(url.to_owned()).unwrap().connect_lazy();
        Self { channel, token: None }
    }

    pub fn billing(&self) -> Billing {
        let token = Token(self.token.clone());
        BillingServiceClient::with_interceptor(self.channel.clone(), token)
    }

    pub fn payments(&self) -> Payment {
        let token = Token(self.token.clone());
        PaymentServiceClient::with_interceptor(self.channel.clone(), token)
    }

    pub fn promotions(&self) -> Promotion {
        let token = Token(self.token.clone());
        PromotionServiceClient::with_interceptor(self.channel.clone(), token)
    }

    pub fn events(&self) -> Events {
        let token = Token(self.token.clone());
        EventServiceClient::with_interceptor(self.channel.clone(), token)
    }

    pub fn admin(&self) -> Admin {
        let token = Token(self.token.clone());
        AdminServiceClient::with_interceptor(self.channel.clone(), token)
    }
}

/// An auth file with one caller for each role; the token is the role's name.
fn auth_file(folder: &Path) -> String {
    let roles = ["gateway", "worker", "service", "viewer", "admin"];
    let callers: String = roles
        .iter()
        .map(|role| {
            let hash = sha256(role);
            format!(
                "[[caller]]\nname = \"the {role}\"\nrole = \"{role}\"\ntoken_sha256 = \"{hash}\"\n"
            )
        })
        .collect();
    let other = sha256("other gateway");
    let other = format!(
        "[[caller]]\nname = \"other gateway\"\nrole = \"gateway\"\ntoken_sha256 = \"{other}\"\n"
    );
    let path = folder.join("callers.toml");
    std::fs::write(&path, callers + &other).unwrap();
    path.to_str().unwrap().to_owned()
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Does to the database what no caller can: moves times into the past.
pub async fn sql(database_url: &str, statement: &str) {
    use sea_orm::ConnectionTrait;
    let connection = sea_orm::Database::connect(database_url).await.unwrap();
    let done = connection.execute_unprepared(statement).await.unwrap();
    assert!(done.rows_affected() > 0, "{statement}");
    connection.close().await.unwrap();
}

/// A plain GET: status line, headers and body.
pub async fn http_get(base: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = base.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
