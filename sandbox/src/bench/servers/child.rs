//! A server as a child process: ends with this program, however this program ends; its output is kept in a file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// util-linux: hands the child to another user, and ends it when its parent dies, even by SIGKILL.
const SETPRIV: &str = "/usr/bin/setpriv";
/// How long it may take to end before it is killed.
const END_WITHIN: Duration = Duration::from_secs(20);
/// How long the first line may take.
const SPEAK_WITHIN: Duration = Duration::from_secs(30);
/// How much of the output an error shows.
const SHOWN_BYTES: usize = 4000;

/// What a process needs to start. Of the surroundings it gets `PATH` only, so that no variable of a developer's shell
/// changes what is measured.
#[derive(Debug)]
pub(super) struct Launch<'a> {
    pub(super) program: &'a Path,
    pub(super) arguments: Vec<OsString>,
    pub(super) env: BTreeMap<String, String>,
    /// Who it runs as, where that isn't who we are.
    pub(super) user: Option<&'a str>,
    /// Gets what it writes.
    pub(super) log: PathBuf,
    /// Its standard output is for us ([`Child::first_line`]), not for the log.
    pub(super) speaks: bool,
    /// What tells it to end, quickly and in order.
    pub(super) end_by: Signal,
}

/// A running process. Dropping it ends the process and waits until it is gone.
#[derive(Debug)]
pub(super) struct Child {
    process: std::process::Child,
    stdout: Option<ChildStdout>,
    log: PathBuf,
    end_by: Signal,
}

impl Child {
    /// Starts it.
    ///
    /// # Errors
    /// The program, or what it needs to run as another user, can't be started; the log can't be written.
    pub(super) fn start(launch: Launch<'_>) -> anyhow::Result<Self> {
        let log = OpenOptions::new().create(true).append(true).open(&launch.log);
        let log = log.with_context(|| format!("can't write {}", launch.log.display()))?;
        let stdout = if launch.speaks { Stdio::piped() } else { Stdio::from(log.try_clone()?) };
        let mut process = command(launch.program, launch.user, Some(launch.end_by))?
            .args(&launch.arguments)
            .envs(&launch.env)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(log)
            // A Ctrl-C at the terminal is for us; the children are ended in order.
            .process_group(0)
            .spawn()
            .with_context(|| format!("can't start {}", launch.program.display()))?;
        let stdout = process.stdout.take();
        Ok(Self { process, stdout, log: launch.log, end_by: launch.end_by })
    }

    /// The process.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The first line of its standard output.
    ///
    /// # Errors
    /// It ended, or said nothing in half a minute; the error shows its log.
    pub(super) async fn first_line(&mut self) -> anyhow::Result<String> {
        let Some(stdout) = self.stdout.take() else { bail!("the first line was read before") };
        let read = spawn_blocking(move || {
            let (mut stdout, mut line) = (BufReader::new(stdout), String::new());
            stdout.read_line(&mut line).map(|_| (stdout, line))
        });
        let (stdout, line) = match timeout(SPEAK_WITHIN, read).await {
            Ok(read) => read??,
            Err(_) => bail!("it says nothing\n{}", self.said()),
        };
        self.stdout = Some(stdout.into_inner());
        if line.is_empty() {
            bail!("it ended\n{}", self.said());
        }
        Ok(line.trim().to_owned())
    }

    /// # Errors
    /// It has ended; the error shows the end of its log.
    pub(super) fn alive(&mut self) -> anyhow::Result<()> {
        match self.process.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("it ended with {status}\n{}", self.said()),
        }
    }

    /// The end of its log.
    pub(super) fn said(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let from = text.len().saturating_sub(SHOWN_BYTES);
        let text = String::from_utf8_lossy(text.get(from..).unwrap_or_default()).into_owned();
        text.lines().map(|line| format!("  | {line}\n")).collect()
    }

    /// The most memory that it ever had, in MiB.
    ///
    /// # Errors
    /// It has ended, or this is no Linux.
    pub(super) fn peak_memory(&self) -> anyhow::Result<f64> {
        let path = format!("/proc/{}/status", self.id());
        let text = std::fs::read_to_string(&path).with_context(|| format!("can't read {path}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
        kib.map(|kib| kib / 1024.0).with_context(|| format!("{path} has no VmHWM"))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let pid = i32::try_from(self.process.id()).map(Pid::from_raw);
        // An error says that it is gone already.
        let told = pid.is_ok_and(|pid| signal::kill(pid, self.end_by).is_ok());
        let deadline = Instant::now() + END_WITHIN;
        while told && Instant::now() < deadline {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        if let Err(error) = self.process.kill().and_then(|()| self.process.wait().map(drop)) {
            tracing::debug!(%error, "a process could not be killed: it has ended");
        }
    }
}

/// A command that runs as `user` and is sent `end_by` when this program dies.
///
/// # Errors
/// That needs setpriv, which is missing.
pub(super) fn command(
    program: &Path,
    user: Option<&str>,
    end_by: Option<Signal>,
) -> anyhow::Result<Command> {
    let there = Path::new(SETPRIV).exists();
    if user.is_some() && !there {
        bail!("{SETPRIV} is missing, which hands PostgreSQL to another user than root");
    }
    let mut command = Command::new(if there { Path::new(SETPRIV) } else { program });
    if there {
        if let Some(user) = user {
            command.args(["--reuid", user, "--regid", user, "--init-groups"]);
        }
        if let Some(signal) = end_by {
            command.args(["--pdeathsig", signal.as_str().trim_start_matches("SIG")]);
        }
        command.arg("--").arg(program);
    }
    command.env_clear().env("LC_ALL", "C.UTF-8");
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    Ok(command)
}
