//! The whole system in one folder: the three services as processes, against the stand-ins of Telegram and fal.ai.
//!
//! For whole-system tests and benchmarks. Each [`System`] has its own ports, databases, tokens and stand-ins; dropping
//! it kills its processes. A service can be killed and started again at any point, on the same data.

mod environment;
mod ports;
mod process;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use proto::client::{AdminClient, BillingClient, ClientConfig, ImagesClient};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio::process::Command;

pub use environment::{Addresses, Environment, Tokens};
pub use process::{Process, Service, find};

use crate::fal::FalStandIn;
use crate::telegram::TelegramStandIn;

/// How the gateway gets its updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updates {
    /// It asks.
    Polling,
    /// It is told.
    Webhook,
}

/// What a system is to be like.
#[derive(Debug, Clone)]
pub struct Builder {
    overrides: BTreeMap<Service, BTreeMap<String, String>>,
    updates: Updates,
}

impl Builder {
    /// Sets an environment variable of one service.
    #[must_use]
    pub fn set(mut self, service: Service, name: &str, value: impl Into<String>) -> Self {
        self.overrides.entry(service).or_default().insert(name.to_owned(), value.into());
        self
    }

    /// Puts the databases of the three services elsewhere than into SQLite files of their own, in the order of
    /// [`Service::ALL`], and lets the services make their tables.
    #[must_use]
    pub fn databases(mut self, urls: [String; 3]) -> Self {
        for (service, url) in Service::ALL.into_iter().zip(urls) {
            let prefix = service.prefix();
            self = self.set(service, &format!("{prefix}_DATABASE_URL"), url);
            self = self.set(service, &format!("{prefix}_MIGRATE"), "auto");
        }
        self
    }

    /// How the gateway gets its updates; polling unless told.
    #[must_use]
    pub fn updates(mut self, updates: Updates) -> Self {
        self.updates = updates;
        self
    }

    /// Starts the stand-ins and the services, and returns once all are ready.
    ///
    /// # Errors
    /// A program has not been built, or does not become ready: the error has the end of its log.
    pub async fn start(self) -> Result<System> {
        let mut system = self.prepare().await?;
        for service in Service::ALL {
            system.start_service(service).await?;
        }
        Ok(system)
    }

    /// Everything but the services: stand-ins, folder, tokens, addresses.
    ///
    /// # Errors
    /// The folder or the listeners can't be made.
    pub async fn prepare(mut self) -> Result<System> {
        let folder = tempfile::Builder::new().prefix("kopilka-").tempdir()?;
        let listener = || TcpListener::bind("127.0.0.1:0");
        let telegram = TelegramStandIn::start(listener().await?);
        let fal = FalStandIn::start(listener().await?);

        let mut addresses = BTreeMap::new();
        for service in Service::ALL {
            let [grpc, http] = [ports::free()?, ports::free()?];
            let local = |port| format!("127.0.0.1:{port}");
            addresses.insert(service, Addresses { grpc: local(grpc), http: local(http) });
        }
        let gateway_http = addresses[&Service::Gateway].http.clone();

        let mut set = |service, name: &str, value: String| {
            self.overrides.entry(service).or_default().entry(name.to_owned()).or_insert(value);
        };
        let token = telegram.token().expose_secret().to_owned();
        set(Service::Gateway, "TELEGRAM_BOT_TOKEN", token);
        set(Service::Gateway, "TELEGRAM_API_URL", telegram.url());
        if self.updates == Updates::Webhook {
            let url = format!("http://{gateway_http}/telegram/webhook");
            set(Service::Gateway, "TELEGRAM_WEBHOOK_URL", url);
            let secret = uuid::Uuid::new_v4().simple().to_string();
            set(Service::Gateway, "TELEGRAM_WEBHOOK_SECRET", secret);
        }
        set(Service::Worker, "FAL_QUEUE_URL", fal.url());
        set(Service::Worker, "FAL_KEY", fal.key().expose_secret().to_owned());

        let environment = Environment {
            folder: folder.path().to_owned(),
            addresses,
            tokens: Tokens::random(),
            overrides: self.overrides,
        };
        environment.write_auth_files()?;
        Ok(System { processes: BTreeMap::new(), environment, telegram, fal, folder })
    }
}

/// A running system.
#[derive(Debug)]
pub struct System {
    // Dropped first: the processes end before what they talk to and write to.
    processes: BTreeMap<Service, Process>,
    environment: Environment,
    telegram: TelegramStandIn,
    fal: FalStandIn,
    folder: tempfile::TempDir,
}

impl System {
    /// One on SQLite files, with updates by polling.
    pub fn builder() -> Builder {
        Builder { overrides: BTreeMap::new(), updates: Updates::Polling }
    }

    /// The stand-in of Telegram.
    pub fn telegram(&self) -> &TelegramStandIn {
        &self.telegram
    }

    /// The stand-in of fal.ai.
    pub fn fal(&self) -> &FalStandIn {
        &self.fal
    }

    /// Where the system keeps its files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Addresses, tokens, environment variables.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Starts a service that is not running and returns once it is ready.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub async fn start_service(&mut self, service: Service) -> Result<()> {
        let variables = self.variables(service);
        let mut process = Process::start(service, &variables, &self.log(service))?;
        let http = self.environment.addresses[&service].http.clone();
        let ready = process.ready(&http).await;
        self.processes.insert(service, process);
        ready
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// It does not run.
    pub async fn kill(&mut self, service: Service) -> Result<()> {
        self.take(service)?.kill().await
    }

    /// SIGTERM; returns once it has ended.
    ///
    /// # Errors
    /// It does not run, or did not end well.
    pub async fn terminate(&mut self, service: Service) -> Result<()> {
        self.take(service)?.terminate().await
    }

    /// Another value for an environment variable, from the service's next start on.
    pub fn set(&mut self, service: Service, name: &str, value: impl Into<String>) {
        let overrides = self.environment.overrides.entry(service).or_default();
        overrides.insert(name.to_owned(), value.into());
    }

    /// What a service has logged.
    pub fn logged(&self, service: Service) -> String {
        std::fs::read_to_string(self.log(service)).unwrap_or_default()
    }

    /// Billing, as an administrator sees it.
    ///
    /// # Errors
    /// The address is not one.
    pub fn billing(&self) -> Result<BillingClient> {
        Ok(BillingClient::new(&self.client(Service::Billing, &self.environment.tokens.admin))?)
    }

    /// Billing's AdminService.
    ///
    /// # Errors
    /// The address is not one.
    pub fn admin(&self) -> Result<AdminClient> {
        Ok(AdminClient::new(&self.client(Service::Billing, &self.environment.tokens.admin))?)
    }

    /// The worker, as an administrator sees it.
    ///
    /// # Errors
    /// The address is not one.
    pub fn images(&self) -> Result<ImagesClient> {
        Ok(ImagesClient::new(&self.client(Service::Worker, &self.environment.tokens.admin))?)
    }

    /// Runs `billing-svc verify` beside whatever runs.
    ///
    /// # Errors
    /// It found an invariant broken, or could not check: the error has what it printed.
    pub async fn verify(&self) -> Result<()> {
        let program = find(Service::Billing.program())?;
        let mut variables = self.variables(Service::Billing);
        variables.insert("RUST_LOG".to_owned(), "warn".to_owned());
        let output = Command::new(program).arg("verify").env_clear().envs(variables).output();
        let output = output.await.context("billing-svc verify")?;
        if !output.status.success() {
            let printed = [output.stdout, output.stderr].concat();
            bail!("verify: {}\n{}", output.status, String::from_utf8_lossy(&printed));
        }
        Ok(())
    }

    fn client(&self, service: Service, token: &str) -> ClientConfig {
        let token = SecretString::from(token.to_owned());
        let mut config = ClientConfig::new(self.environment.url(service), Some(token));
        config.deadline = Duration::from_secs(10);
        config
    }

    fn variables(&self, service: Service) -> BTreeMap<String, String> {
        let mut variables = self.environment.of(service);
        variables.entry("RUST_LOG".to_owned()).or_insert_with(|| "info".to_owned());
        variables
    }

    fn log(&self, service: Service) -> PathBuf {
        self.folder.path().join(format!("{}.log", service.program()))
    }

    fn take(&mut self, service: Service) -> Result<Process> {
        let process = self.processes.remove(&service);
        process.with_context(|| format!("{} does not run", service.program()))
    }
}
