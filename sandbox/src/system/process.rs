//! One service as a process: where its program is, how it starts, ends and is waited for, where its log goes.

use std::collections::{BTreeMap, VecDeque};
use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// How long a service may take from its start to its first `ok` at `/readyz`.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long a service may take to drain before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// Lines of the log that a failure to start shows.
const LINES_KEPT: usize = 60;
/// util-linux: ends the child when its parent dies, even by SIGKILL.
const SETPRIV: &str = "/usr/bin/setpriv";

/// One of the three services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// billing-svc.
    Billing,
    /// bot-gateway.
    Gateway,
    /// image-worker.
    Worker,
}

impl Service {
    /// In the order in which they start; the reverse of what depends on what.
    pub const ALL: [Self; 3] = [Self::Billing, Self::Worker, Self::Gateway];

    /// The name of the program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Billing => "billing-svc",
            Self::Gateway => "bot-gateway",
            Self::Worker => "image-worker",
        }
    }

    /// The prefix of its environment variables.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Billing => "BILLING",
            Self::Gateway => "GATEWAY",
            Self::Worker => "WORKER",
        }
    }

    /// The program beside the running one: `target/debug` both for a binary and for a test in `target/debug/deps`.
    pub(super) fn path(self) -> anyhow::Result<PathBuf> {
        let own = env::current_exe().context("where is this program?")?;
        let mut folder = own.parent().unwrap_or(Path::new("."));
        if folder.ends_with("deps") {
            folder = folder.parent().unwrap_or(folder);
        }
        let path = folder.join(self.program());
        if !path.is_file() {
            bail!(
                "{} is missing in {}: run `cargo build --workspace` first",
                self.program(),
                folder.display()
            );
        }
        Ok(path)
    }
}

/// What a process needs to start.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub(super) service: Service,
    pub(super) env: BTreeMap<String, String>,
    pub(super) health: SocketAddr,
    pub(super) log: PathBuf,
    /// Errors in the log are shown on the terminal too.
    pub(super) echo: bool,
}

/// A running service. Dropping it kills the process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) service: Service,
    child: Child,
    health: SocketAddr,
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl Process {
    /// Starts the program; it is not ready yet.
    pub(super) async fn start(start: &Start) -> anyhow::Result<Self> {
        let program = start.service.path()?;
        let mut command = if Path::new(SETPRIV).exists() {
            let mut command = Command::new(SETPRIV);
            command.args(["--pdeathsig", "TERM", "--"]).arg(&program);
            command
        } else {
            Command::new(&program)
        };
        let mut child = command
            .env_clear()
            .envs(&start.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C at the terminal is for the sandbox, which stops its children in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("can't start {}", program.display()))?;
        let file = OpenOptions::new().create(true).append(true).open(&start.log).await;
        let file = file.with_context(|| format!("can't write {}", start.log.display()))?;
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let log = Log { service: start.service, lines: lines.clone(), echo: start.echo };
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(log.clone().keep(stdout, file.try_clone().await?));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(log.keep(stderr, file));
        }
        Ok(Self { service: start.service, child, health: start.health, lines })
    }

    /// Returns once `/readyz` says ok.
    ///
    /// # Errors
    /// The process ended, or was not ready in a minute; the error shows the end of its log.
    pub(super) async fn ready(&mut self) -> anyhow::Result<()> {
        let url = format!("http://{}/readyz", self.health);
        let http = reqwest::Client::builder().timeout(Duration::from_secs(2)).build()?;
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Some(status) = self.child.try_wait()? {
                sleep(Duration::from_millis(100)).await;
                bail!("{} ended with {status}\n{}", self.service.program(), self.log());
            }
            if let Ok(response) = http.get(&url).send().await
                && response.status().is_success()
            {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("{} is not ready after a minute\n{}", self.service.program(), self.log());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// SIGKILL; returns once the process is gone.
    pub(super) async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("kill")
    }

    /// SIGTERM; returns once the process is gone, which is forced after half a minute.
    pub(super) async fn stop(mut self) -> anyhow::Result<ExitStatus> {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            signal::kill(Pid::from_raw(pid), Signal::SIGTERM).context("SIGTERM")?;
        }
        match tokio::time::timeout(STOP_WITHIN, self.child.wait()).await {
            Ok(status) => Ok(status?),
            Err(_) => {
                self.child.kill().await?;
                bail!(
                    "{} had not stopped after half a minute and was killed",
                    self.service.program()
                )
            }
        }
    }

    /// Has it ended by itself?
    pub(super) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// The process's id, while it runs.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// The last lines that it wrote.
    pub(super) fn log(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|line| format!("  | {line}\n")).collect()
    }
}

#[derive(Clone)]
struct Log {
    service: Service,
    lines: Arc<Mutex<VecDeque<String>>>,
    echo: bool,
}

impl Log {
    async fn keep(self, from: impl AsyncRead + Unpin, mut file: File) {
        let mut from = BufReader::new(from).lines();
        while let Ok(Some(line)) = from.next_line().await {
            if let Err(error) = file.write_all(format!("{line}\n").as_bytes()).await {
                tracing::warn!(%error, "a log could not be written");
            }
            if self.echo && (line.contains(" ERROR ") || line.contains("panicked at")) {
                eprintln!("{}: {line}", self.service.program());
            }
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push_back(line);
            if lines.len() > LINES_KEPT {
                lines.pop_front();
            }
        }
    }
}
