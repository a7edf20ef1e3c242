//! The whole product on one machine: the three real programs as processes, against stand-ins.
//!
//! [`System`] is for tests: free ports, a temporary folder, everything gone when it is dropped. [`Processes`] is the
//! part that the launcher of `make run` shares. A child ends when its parent dies, however it dies (setpriv).
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use sandbox::system::{Service, System};
//!
//! let mut system = System::builder().setting("BILLING_FREE_OPERATIONS", "1").start().await?;
//! let user = system.telegram().user(5_000_000_001);
//! user.send_text("кот");
//! system.fal().accepted(1).await;
//! system.kill(Service::Worker).await?;
//! system.start(Service::Worker).await?;
//! user.sees_photos(1).await?;
//! assert_eq!(system.billing().user("tg:5000000001").await?.free_operations_left, 0);
//! system.verify().await?;
//! # Ok(())
//! # }
//! ```

mod operator;
mod ports;
mod process;
mod processes;
mod wiring;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

pub use operator::Operator;
pub use ports::free_address;
pub use process::Service;
pub use processes::Processes;
pub use wiring::{ADMIN_TOKEN, Addresses, Outside};

use crate::fal::FalStandIn;
use crate::page::Stage;
use crate::telegram::TelegramStandIn;

/// How long [`System::until`] waits.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a system starts with.
#[derive(Debug, Default)]
pub struct Builder {
    settings: BTreeMap<String, String>,
    webhook: bool,
}

impl Builder {
    /// An environment variable of the services, e.g. `BILLING_DATABASE_URL` or `WORKER_MAX_ATTEMPTS`. Addresses, URLs
    /// and tokens are the system's own.
    #[must_use]
    pub fn setting(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.insert(name.to_owned(), value.into());
        self
    }

    /// Updates come by webhook instead of long polling.
    #[must_use]
    pub fn webhook(mut self) -> Self {
        self.webhook = true;
        self
    }

    /// Starts the stand-ins and the services, and returns once all are ready.
    ///
    /// # Errors
    /// A program is missing (`cargo build --workspace`), ended, or was not ready in a minute.
    pub async fn start(mut self) -> anyhow::Result<System> {
        let folder = tempfile::tempdir().context("a temporary folder")?;
        let listener = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let telegram = Arc::new(TelegramStandIn::start(listener().await?));
        let fal = Arc::new(FalStandIn::start(listener().await?));
        let mut addresses = BTreeMap::new();
        for service in Service::ALL {
            let own = Addresses { grpc: free_address()?, http: free_address()? };
            if service == Service::Gateway && self.webhook {
                let url = format!("http://{}/telegram/webhook", own.http);
                self.settings.insert("TELEGRAM_WEBHOOK_URL".to_owned(), url);
                let secret = "secret-of-the-webhook".to_owned();
                self.settings.insert("TELEGRAM_WEBHOOK_SECRET".to_owned(), secret);
            }
            addresses.insert(service, own);
        }
        let outside = Outside {
            telegram_url: Some(telegram.url()),
            telegram_token: telegram.token(),
            fal_url: Some(fal.url()),
            fal_key: fal.key(),
        };
        let mut processes =
            Processes::new(folder.path().to_owned(), addresses, outside, self.settings, false)?;
        processes.start_all().await?;
        Ok(System { processes, telegram, fal, _folder: folder })
    }
}

/// Stand-ins and services that run. Dropping it kills the services and removes the folder.
#[derive(Debug)]
pub struct System {
    // Dropped first: no service outlives its folder.
    processes: Processes,
    telegram: Arc<TelegramStandIn>,
    fal: Arc<FalStandIn>,
    _folder: TempDir,
}

impl System {
    /// SQLite, long polling, defaults.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Telegram.
    pub fn telegram(&self) -> &TelegramStandIn {
        &self.telegram
    }

    /// fal.ai.
    pub fn fal(&self) -> &FalStandIn {
        &self.fal
    }

    /// billing-svc, as its administrator.
    pub fn billing(&self) -> &Operator {
        self.processes.operator()
    }

    /// What the chat page shows of this system.
    pub fn stage(&self) -> Stage {
        Stage {
            telegram: Some(self.telegram.clone()),
            fal: Some(self.fal.clone()),
            operator: self.processes.operator().clone(),
        }
    }

    /// SIGKILL; returns once the process is gone.
    ///
    /// # Errors
    /// It does not run.
    pub async fn kill(&mut self, service: Service) -> anyhow::Result<()> {
        self.processes.kill(service).await
    }

    /// SIGTERM; returns once the process has drained and ended with code 0.
    ///
    /// # Errors
    /// It does not run, did not drain in half a minute, or ended otherwise.
    pub async fn stop(&mut self, service: Service) -> anyhow::Result<()> {
        self.processes.stop(service).await
    }

    /// Starts a service that was killed or stopped, on the same ports, and returns once it is ready.
    ///
    /// # Errors
    /// It runs, or did not become ready.
    pub async fn start(&mut self, service: Service) -> anyhow::Result<()> {
        self.processes.start(service).await
    }

    /// `billing-svc verify` holds.
    ///
    /// # Errors
    /// An invariant does not hold: the error is what verify printed.
    pub async fn verify(&self) -> anyhow::Result<()> {
        self.processes.verify().await
    }

    /// The addresses, the folder, the logs.
    pub fn processes(&self) -> &Processes {
        &self.processes
    }

    /// Asks until there is an answer, and gives it.
    ///
    /// # Errors
    /// There was none in a minute; the error names `what` and shows the services' logs.
    pub async fn until<T>(
        &self,
        what: &str,
        mut ask: impl AsyncFnMut() -> Option<T>,
    ) -> anyhow::Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(answer) = ask().await {
                return Ok(answer);
            }
            if Instant::now() > deadline {
                let logs = Service::ALL.map(|service| {
                    format!("{}:\n{}", service.program(), self.processes.log(service))
                });
                bail!("waited a minute in vain: {what}\n{}", logs.concat());
            }
            sleep(Duration::from_millis(25)).await;
        }
    }

    /// Stops everything in order.
    ///
    /// # Errors
    /// A service did not drain, or ended with another code than 0.
    pub async fn shutdown(mut self) -> anyhow::Result<()> {
        self.processes.stop_all().await
    }
}
