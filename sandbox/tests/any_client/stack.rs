//! What `make run` starts, in a folder and on ports of its own.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sandbox::system::free_address;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);
const LISTENERS: [&str; 10] = [
    "BILLING_LISTEN",
    "BILLING_HTTP_LISTEN",
    "GATEWAY_LISTEN",
    "GATEWAY_HTTP_LISTEN",
    "WORKER_LISTEN",
    "WORKER_HTTP_LISTEN",
    "SANDBOX_LISTEN",
    "SANDBOX_TELEGRAM_LISTEN",
    "SANDBOX_FAL_LISTEN",
    "SANDBOX_YOOKASSA_LISTEN",
];

/// A whole Kopilka; its token is in `data` below the folder.
pub struct Stack {
    pub folder: TempDir,
    /// Where billing-svc is called.
    pub billing: String,
    launcher: Child,
}

impl Stack {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let addresses = LISTENERS.map(|_| free_address().unwrap().to_string());
        let mut command = Command::new(env!("CARGO_BIN_EXE_sandbox"));
        for (name, _) in std::env::vars() {
            let ours = ["TELEGRAM_", "FAL_", "YOOKASSA_", "SANDBOX_", "BILLING_"];
            if ours.iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        let mut launcher = command
            .current_dir(folder.path())
            .envs(LISTENERS.iter().zip(&addresses))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(launcher.stdout.take().unwrap()).lines();
        let reading = async {
            while let Some(line) = output.next_line().await.unwrap() {
                if line.contains("Kopilka is running") {
                    return;
                }
            }
            panic!("it ended before it ran");
        };
        timeout(PATIENCE, reading).await.unwrap();
        // Whoever reads no more must not stop who writes.
        tokio::spawn(async move { while let Ok(Some(_)) = output.next_line().await {} });
        let [billing, ..] = addresses;
        Self { folder, billing, launcher }
    }

    /// Ctrl-C.
    pub async fn stop(mut self) {
        let pid = self.launcher.id().unwrap().try_into().unwrap();
        kill(Pid::from_raw(pid), Signal::SIGINT).unwrap();
        let status = timeout(PATIENCE, self.launcher.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
    }
}
