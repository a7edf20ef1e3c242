//! One service as a process: started with its environment, awaited until ready, stopped politely or killed.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

/// How long a service may take to be ready, or to stop after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often readiness is asked for.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// One of the three programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// `billing-svc`.
    Billing,
    /// `bot-gateway`.
    Gateway,
    /// `image-worker`.
    Worker,
}

impl Service {
    /// In the order in which they start; they stop in the reverse.
    pub const ALL: [Self; 3] = [Self::Billing, Self::Worker, Self::Gateway];

    /// The name of the program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Billing => "billing-svc",
            Self::Gateway => "bot-gateway",
            Self::Worker => "image-worker",
        }
    }

    /// What its environment variables begin with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Billing => "BILLING",
            Self::Gateway => "GATEWAY",
            Self::Worker => "WORKER",
        }
    }
}

/// Where a program lies: beside this one, or, for a test, one folder above.
///
/// # Errors
/// It has not been built.
pub fn find(program: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("this program's own path")?;
    let beside = own.parent().map(Path::to_owned).unwrap_or_default();
    let above = beside.parent().map(Path::to_owned).unwrap_or_default();
    for folder in [&beside, &above] {
        let path = folder.join(program);
        if path.is_file() {
            return Ok(path);
        }
    }
    bail!(
        "{program} has not been built: run `cargo build --workspace --bins` (make run and make test do)"
    )
}

/// A running service. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    service: Service,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a service with exactly this environment; its output is appended to `log`.
    ///
    /// # Errors
    /// It has not been built, or can't be started.
    pub fn start(
        service: Service,
        environment: &BTreeMap<String, String>,
        log: &Path,
    ) -> Result<Self> {
        let program = find(service.program())?;
        let output = File::options().create(true).append(true).open(log);
        let output = output.with_context(|| format!("the log {}", log.display()))?;
        // The kernel ends the service if this program is killed, so that none is orphaned.
        let mut command = match Path::new("/usr/bin/setpriv").exists() {
            true => {
                let mut command = Command::new("/usr/bin/setpriv");
                command.args(["--pdeathsig", "TERM"]).arg(&program);
                command
            }
            false => Command::new(&program),
        };
        let child = command
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(output.try_clone().context("the log")?)
            .stderr(output)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} can't be started", program.display()))?;
        Ok(Self { service, child, log: log.to_owned() })
    }

    /// Returns once `/readyz` at `http` (host:port) says ok.
    ///
    /// # Errors
    /// The service ended, or did not become ready in a minute; the error has the end of its log.
    pub async fn ready(&mut self, http: &str) -> Result<()> {
        let url = format!("http://{http}/readyz");
        let asked = async {
            loop {
                if let Some(status) = self.child.try_wait()? {
                    bail!("{} ended with {status}", self.service.program());
                }
                if reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
                    return Ok(());
                }
                tokio::time::sleep(ASK_EVERY).await;
            }
        };
        let asked = tokio::time::timeout(PATIENCE, asked).await;
        let end = asked.unwrap_or_else(|_| {
            bail!("{} was not ready within {PATIENCE:?}", self.service.program())
        });
        end.with_context(|| format!("its log ends with:\n{}", self.log_end()))
    }

    /// SIGKILL, at once.
    ///
    /// # Errors
    /// The system refused.
    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("SIGKILL")
    }

    /// SIGTERM, then waits for the end; SIGKILL where that takes over a minute.
    ///
    /// # Errors
    /// It had to be killed, or ended with another code than 0.
    pub async fn terminate(mut self) -> Result<()> {
        if let Some(id) = self.child.id() {
            kill(Pid::from_raw(i32::try_from(id)?), Signal::SIGTERM).context("SIGTERM")?;
        }
        match tokio::time::timeout(PATIENCE, self.child.wait()).await {
            Ok(status) => {
                let status = status?;
                if !status.success() {
                    bail!("{} ended with {status}:\n{}", self.service.program(), self.log_end());
                }
                Ok(())
            }
            Err(_) => {
                self.child.kill().await.context("SIGKILL")?;
                bail!("{} did not stop on SIGTERM:\n{}", self.service.program(), self.log_end())
            }
        }
    }

    /// Returns once it has ended by itself.
    ///
    /// # Errors
    /// The system refused.
    pub async fn ended(&mut self) -> Result<std::process::ExitStatus> {
        Ok(self.child.wait().await?)
    }

    /// The last lines of the log.
    pub fn log_end(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}
