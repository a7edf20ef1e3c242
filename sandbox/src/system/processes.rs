//! The three services as processes, wired to each other.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, bail};
use proto::client::{ClientConfig, ImagesClient};
use tokio::process::Command;

use super::callers::AsGateway;
use super::instance::Instance;
use super::operator::Operator;
use super::ports::free_address;
use super::process::{Process, Service, Start};
use super::wiring::{Addresses, Outside, Wiring};

/// The services that run, and what it takes to start one again.
#[derive(Debug)]
pub struct Processes {
    wiring: Wiring,
    echo: bool,
    running: BTreeMap<Service, Process>,
    operator: Operator,
    as_gateway: AsGateway,
}

impl Processes {
    /// Prepares tokens and files in `folder`; starts nothing. With `echo`, errors in the logs are shown on the terminal
    /// as well. `settings` are environment variables of the services; they can't change who listens where.
    ///
    /// # Errors
    /// The folder can't be written; an address is missing.
    pub fn new(
        folder: PathBuf,
        addresses: BTreeMap<Service, Addresses>,
        outside: Outside,
        settings: BTreeMap<String, String>,
        echo: bool,
    ) -> anyhow::Result<Self> {
        let wiring = Wiring::new(folder, addresses, outside, settings)?;
        let url = format!("http://{}", wiring.address(Service::Billing)?.grpc);
        let operator = Operator::new(&url, wiring.admin_token())?;
        let as_gateway = AsGateway::new(&url, wiring.gateway_token())?;
        Ok(Self { wiring, echo, running: BTreeMap::new(), operator, as_gateway })
    }

    /// Starts all that don't run, and returns once all are ready.
    ///
    /// # Errors
    /// A program is missing, ended, or was not ready in a minute.
    pub async fn start_all(&mut self) -> anyhow::Result<()> {
        for service in Service::ALL {
            if !self.running.contains_key(&service) {
                self.launch(service).await?;
            }
        }
        for process in self.running.values_mut() {
            process.ready().await?;
        }
        Ok(())
    }

    /// Starts one and returns once it is ready.
    ///
    /// # Errors
    /// It runs already; its program is missing, ended, or was not ready in a minute.
    pub async fn start(&mut self, service: Service) -> anyhow::Result<()> {
        self.launch(service).await?;
        let ready = match self.running.get_mut(&service) {
            Some(process) => process.ready().await,
            None => Ok(()),
        };
        if ready.is_err() {
            // Dropped, and so killed: what is not ready does not run.
            self.running.remove(&service);
        }
        ready
    }

    async fn launch(&mut self, service: Service) -> anyhow::Result<()> {
        if self.running.contains_key(&service) {
            bail!("{} runs already", service.program());
        }
        let start = Start {
            service,
            env: self.wiring.env(service)?,
            health: self.wiring.address(service)?.http,
            log: self.wiring.folder.join("logs").join(format!("{}.log", service.program())),
            echo: self.echo,
        };
        self.running.insert(service, Process::start(&start).await?);
        Ok(())
    }

    /// Starts one more instance of a service, on ports of its own, with the same database, settings and neighbours; the
    /// others don't know of it. Returns once it is ready.
    ///
    /// # Errors
    /// Its program is missing, ended, or was not ready in a minute.
    pub async fn start_another(&self, service: Service) -> anyhow::Result<Instance> {
        let addresses = Addresses { grpc: free_address()?, http: free_address()? };
        self.start_another_at(service, addresses).await
    }

    /// The same at these addresses, for example those of one that was stopped.
    ///
    /// # Errors
    /// Its program is missing, ended, or was not ready in a minute.
    pub async fn start_another_at(
        &self,
        service: Service,
        addresses: Addresses,
    ) -> anyhow::Result<Instance> {
        let mut env = self.wiring.env(service)?;
        let prefix = service.prefix();
        env.insert(format!("{prefix}_LISTEN"), addresses.grpc.to_string());
        env.insert(format!("{prefix}_HTTP_LISTEN"), addresses.http.to_string());
        let name = format!("{}-{}.log", service.program(), addresses.grpc.port());
        let log = self.wiring.folder.join("logs").join(name);
        let start = Start { service, env, health: addresses.http, log, echo: self.echo };
        let mut process = Process::start(&start).await?;
        process.ready().await?;
        let url = format!("http://{}", addresses.grpc);
        let as_gateway = AsGateway::new(&url, self.wiring.gateway_token())?;
        Ok(Instance { process, addresses, as_gateway })
    }

    /// SIGKILL; returns once the process is gone.
    ///
    /// # Errors
    /// It does not run.
    pub async fn kill(&mut self, service: Service) -> anyhow::Result<()> {
        self.take(service)?.kill().await
    }

    /// SIGTERM; returns once the process is gone.
    ///
    /// # Errors
    /// It does not run; it did not drain in half a minute, or ended with another code than 0.
    pub async fn stop(&mut self, service: Service) -> anyhow::Result<()> {
        let process = self.take(service)?;
        let log = process.log();
        let status = process.stop().await?;
        if !status.success() {
            bail!("{} ended with {status}\n{log}", service.program());
        }
        Ok(())
    }

    /// Stops all that run, in the order gateway, worker, billing; the last error is answered once all are gone.
    ///
    /// # Errors
    /// As [`Self::stop`].
    pub async fn stop_all(&mut self) -> anyhow::Result<()> {
        let mut result = Ok(());
        for service in [Service::Gateway, Service::Worker, Service::Billing] {
            if self.running.contains_key(&service)
                && let Err(error) = self.stop(service).await
            {
                result = Err(error);
            }
        }
        result
    }

    /// Services that ended by themselves since the last call, with how; they count as not running from now on.
    ///
    /// # Errors
    /// The system can't tell.
    pub fn ended(&mut self) -> anyhow::Result<Vec<(Service, String)>> {
        let mut ended = Vec::new();
        for (service, process) in &mut self.running {
            if let Some(status) = process.ended()? {
                ended.push((*service, format!("{status}\n{}", process.log())));
            }
        }
        for (service, _) in &ended {
            self.running.remove(service);
        }
        Ok(ended)
    }

    /// The services that don't run, in the order in which they start.
    pub fn missing(&self) -> Vec<Service> {
        let missing = |service: &Service| !self.running.contains_key(service);
        Service::ALL.into_iter().filter(missing).collect()
    }

    /// `billing-svc verify` on the database, next to the live service.
    ///
    /// # Errors
    /// An invariant does not hold: the error is what verify printed.
    pub async fn verify(&self) -> anyhow::Result<()> {
        self.check("verify").await.map(drop)
    }

    /// `billing-svc reconcile` on the database and the providers, next to the live service; answers what it printed.
    ///
    /// # Errors
    /// Something was paid and not credited, or credited and not paid; a provider did not answer. The error is what
    /// reconcile printed.
    pub async fn reconcile(&self) -> anyhow::Result<String> {
        self.check("reconcile").await
    }

    async fn check(&self, command: &str) -> anyhow::Result<String> {
        let output = Command::new(Service::Billing.path()?)
            .arg(command)
            .env_clear()
            .envs(self.wiring.env(Service::Billing)?)
            .stdin(Stdio::null())
            .output()
            .await
            .with_context(|| format!("can't run billing-svc {command}"))?;
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let err = String::from_utf8_lossy(&output.stderr);
            bail!("billing-svc {command} ended with {}\n{out}{err}", output.status);
        }
        Ok(out)
    }

    /// Where a service listens.
    ///
    /// # Errors
    /// Never for a service that was given an address.
    pub fn address(&self, service: Service) -> anyhow::Result<Addresses> {
        self.wiring.address(service)
    }

    /// A client of billing-svc with the role `admin`.
    pub fn operator(&self) -> &Operator {
        &self.operator
    }

    /// Clients of billing-svc with the role `gateway`.
    pub fn as_gateway(&self) -> &AsGateway {
        &self.as_gateway
    }

    /// A client of image-worker with the role `gateway`, which connects at the first call.
    ///
    /// # Errors
    /// Never for a system whose worker was given an address.
    pub fn images(&self) -> anyhow::Result<ImagesClient> {
        let url = format!("http://{}", self.wiring.address(Service::Worker)?.grpc);
        Ok(ImagesClient::new(&ClientConfig::new(&url, Some(self.wiring.gateway_token())))?)
    }

    /// The id of a running service's process.
    pub fn id(&self, service: Service) -> Option<u32> {
        self.running.get(&service).and_then(Process::id)
    }

    /// The last lines of a running service's log.
    pub fn log(&self, service: Service) -> String {
        self.running.get(&service).map(Process::log).unwrap_or_default()
    }

    /// Where databases, logs and files are.
    pub fn folder(&self) -> &std::path::Path {
        &self.wiring.folder
    }

    fn take(&mut self, service: Service) -> anyhow::Result<Process> {
        let process = self.running.remove(&service);
        process.with_context(|| format!("{} does not run", service.program()))
    }
}
