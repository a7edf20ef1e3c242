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
//! let payment = system.yookassa().created("tg:5000000001").await;
//! system.yookassa().pay(&payment)?;
//! system.verify().await?;
//! system.reconcile().await?;
//! # Ok(())
//! # }
//! ```

mod callers;
mod forward;
mod instance;
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

pub use callers::AsGateway;
pub use instance::Instance;
pub(crate) use operator::CURRENCY;
pub use operator::Operator;
pub use ports::free_address;
pub use process::Service;
pub use processes::Processes;
pub use wiring::{ADMIN_TOKEN, Addresses, Outside, YookassaShop};

use crate::bank::SandboxBank;
use crate::fal::FalStandIn;
use crate::page::Stage;
use crate::telegram::TelegramStandIn;
use crate::yookassa::{SHOP_ID, YookassaStandIn};
use forward::Forward;

/// What Telegram's updates bear where a system was built with [`Builder::webhook`].
pub const WEBHOOK_SECRET: &str = "secret-of-the-webhook";
/// How long [`System::until`] waits.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a system starts with.
#[derive(Debug, Default)]
pub struct Builder {
    settings: BTreeMap<String, String>,
    webhook: bool,
    bank: bool,
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

    /// The sandbox's own bank is one of the ways to pay.
    #[must_use]
    pub fn bank(mut self) -> Self {
        self.bank = true;
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
        let yookassa = Arc::new(YookassaStandIn::start(listener().await?));
        let bank = SandboxBank::start(listener().await?);
        let mut addresses = BTreeMap::new();
        for service in Service::ALL {
            let own = Addresses { grpc: free_address()?, http: free_address()? };
            if service == Service::Gateway && self.webhook {
                let url = format!("http://{}/telegram/webhook", own.http);
                self.settings.insert("TELEGRAM_WEBHOOK_URL".to_owned(), url);
                let secret = WEBHOOK_SECRET.to_owned();
                self.settings.insert("TELEGRAM_WEBHOOK_SECRET".to_owned(), secret);
            }
            if service == Service::Gateway {
                yookassa.notify_at(format!("http://{}/payments/yookassa", own.http));
            }
            addresses.insert(service, own);
        }
        let outside = Outside {
            telegram_url: Some(telegram.url()),
            telegram_token: telegram.token(),
            fal_url: Some(fal.url()),
            fal_key: fal.key(),
            yookassa: Some(shop_at(&yookassa)),
            bank_url: self.bank.then(|| bank.url()),
        };
        let mut processes =
            Processes::new(folder.path().to_owned(), addresses, outside, self.settings, false)?;
        let forward = Forward::start(listener().await?, processes.as_gateway().payments.clone());
        bank.notify_at(forward.url());
        processes.start_all().await?;
        let (_forward, _folder) = (forward, folder);
        Ok(System { processes, telegram, fal, yookassa, bank, _forward, _folder })
    }
}

/// Stand-ins and services that run. Dropping it kills the services and removes the folder.
#[derive(Debug)]
pub struct System {
    // Dropped first: no service outlives its folder.
    processes: Processes,
    telegram: Arc<TelegramStandIn>,
    fal: Arc<FalStandIn>,
    yookassa: Arc<YookassaStandIn>,
    bank: SandboxBank,
    _forward: Forward,
    _folder: TempDir,
}

/// What billing-svc is told of the shop at a stand-in.
pub(crate) fn shop_at(yookassa: &YookassaStandIn) -> YookassaShop {
    YookassaShop {
        api_url: yookassa.url(),
        shop_id: SHOP_ID.to_owned(),
        secret_key: yookassa.secret_key(),
    }
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

    /// YooKassa. Its notifications go to the gateway.
    pub fn yookassa(&self) -> &YookassaStandIn {
        &self.yookassa
    }

    /// The sandbox's own bank; nothing comes to it unless the system was built with [`Builder::bank`]. Its notifications
    /// go to billing-svc.
    pub fn bank(&self) -> &SandboxBank {
        &self.bank
    }

    /// billing-svc, as its administrator.
    pub fn billing(&self) -> &Operator {
        self.processes.operator()
    }

    /// billing-svc, as the gateway.
    pub fn as_gateway(&self) -> &AsGateway {
        self.processes.as_gateway()
    }

    /// What the chat page shows of this system.
    pub fn stage(&self) -> Stage {
        Stage {
            telegram: Some(self.telegram.clone()),
            fal: Some(self.fal.clone()),
            yookassa: Some(self.yookassa.clone()),
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

    /// One more instance of a service with the same database; see [`Processes::start_another`].
    ///
    /// # Errors
    /// It did not become ready.
    pub async fn start_another(&self, service: Service) -> anyhow::Result<Instance> {
        self.processes.start_another(service).await
    }

    /// The same at these addresses; see [`Processes::start_another_at`].
    ///
    /// # Errors
    /// It did not become ready.
    pub async fn start_another_at(
        &self,
        service: Service,
        addresses: Addresses,
    ) -> anyhow::Result<Instance> {
        self.processes.start_another_at(service, addresses).await
    }

    /// `billing-svc reconcile` finds nothing; answers what it printed.
    ///
    /// # Errors
    /// What was paid and what was credited differ: the error is what reconcile printed.
    pub async fn reconcile(&self) -> anyhow::Result<String> {
        self.processes.reconcile().await
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
