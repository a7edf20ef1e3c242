//! What `make run` starts: it keeps its state, starts again what died, and leaves nothing behind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on stops here"
)]

mod settings;
mod stand_ins;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::Client;
use sandbox::system::free_address;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(60);
const USER: &str = "5000000001";
const LISTENERS: [&str; 10] = [
    "SANDBOX_LISTEN",
    "SANDBOX_TELEGRAM_LISTEN",
    "SANDBOX_FAL_LISTEN",
    "BILLING_LISTEN",
    "BILLING_HTTP_LISTEN",
    "GATEWAY_LISTEN",
    "GATEWAY_HTTP_LISTEN",
    "WORKER_LISTEN",
    "WORKER_HTTP_LISTEN",
    "SANDBOX_YOOKASSA_LISTEN",
];

/// A folder to run in, with ports of its own.
struct Place {
    folder: TempDir,
    addresses: Vec<String>,
}

impl Place {
    fn new() -> Self {
        let addresses = LISTENERS.map(|_| free_address().unwrap().to_string()).to_vec();
        Self { folder: tempfile::tempdir().unwrap(), addresses }
    }

    fn address(&self, listener: &str) -> &str {
        let place = LISTENERS.iter().position(|name| *name == listener).unwrap();
        &self.addresses[place]
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sandbox"));
        for (name, _) in std::env::vars() {
            if ["TELEGRAM_", "FAL_", "YOOKASSA_", "SANDBOX_"]
                .iter()
                .any(|ours| name.starts_with(ours))
            {
                command.env_remove(name);
            }
        }
        command
            .current_dir(self.folder.path())
            .envs(LISTENERS.iter().zip(&self.addresses))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Starts the launcher and returns once it says that everything runs.
    async fn start(&self) -> Launcher {
        std::fs::write(
            self.folder.path().join(".env"),
            "TELEGRAM_BOT_TOKEN=\nSANDBOX_FAL_PACE=200ms\n",
        )
        .unwrap();
        let mut child = self.command().spawn().unwrap();
        let mut launcher = Launcher {
            page: format!("http://{}", self.addresses[0]),
            pid: pid(child.id().unwrap()),
            output: BufReader::new(child.stdout.take().unwrap()).lines(),
            errors: BufReader::new(child.stderr.take().unwrap()).lines(),
            child,
            http: Client::new(),
        };
        launcher.says("Kopilka is running").await;
        launcher
    }
}

struct Launcher {
    child: Child,
    pid: Pid,
    page: String,
    output: Lines<BufReader<ChildStdout>>,
    errors: Lines<BufReader<ChildStderr>>,
    http: Client,
}

impl Launcher {
    async fn says(&mut self, part: &str) {
        let reading = async {
            while let Some(line) = self.output.next_line().await.unwrap() {
                if line.contains(part) {
                    return;
                }
            }
            panic!("it ended without saying {part:?}");
        };
        timeout(PATIENCE, reading).await.expect(part);
    }

    async fn complains(&mut self, part: &str) {
        let reading = async {
            while let Some(line) = self.errors.next_line().await.unwrap() {
                if line.contains(part) {
                    return;
                }
            }
            panic!("it ended without saying {part:?}");
        };
        timeout(PATIENCE, reading).await.expect(part);
    }

    async fn post(&self, path: &str, body: Value) {
        let request = self.http.post(format!("{}/api/users/{USER}/{path}", self.page));
        let response = request.json(&body).send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
    }

    /// The next snapshots of the page's stream, until one fits.
    async fn shows(&self, event: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let url = format!("{}/api/events?user={USER}", self.page);
        let mut response = self.http.get(url).send().await.unwrap();
        let reading = async {
            let mut text = String::new();
            loop {
                text.push_str(&String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()));
                while let Some((block, rest)) = text.split_once("\n\n") {
                    let data = block.strip_prefix(&format!("event: {event}\ndata: "));
                    let value: Value =
                        data.map_or(Value::Null, |data| serde_json::from_str(data).unwrap());
                    let rest = rest.to_owned();
                    if fits(&value) {
                        return value;
                    }
                    text = rest;
                }
            }
        };
        timeout(PATIENCE, reading).await.expect(event)
    }

    /// Ctrl-C.
    async fn interrupt(mut self) {
        kill(self.pid, Signal::SIGINT).unwrap();
        let status = timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
    }
}

fn pid(pid: u32) -> Pid {
    Pid::from_raw(pid.try_into().unwrap())
}

/// Processes with this parent, as pairs of id and name.
fn children(parent: Pid) -> BTreeSet<(i32, String)> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        let Ok(status) = std::fs::read_to_string(path.join("status")) else {
            continue;
        };
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim().to_owned()).unwrap_or_default()
        };
        if field("PPid:") == parent.to_string() {
            found.insert((field("Pid:").parse().unwrap(), field("Name:")));
        }
    }
    found
}

async fn gone(processes: BTreeSet<(i32, String)>) {
    let waiting = async {
        while processes.iter().any(|(pid, name)| {
            let now =
                std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("comm"));
            // A zombie of a parent that died is reaped by whoever adopted it; it runs no more.
            let stat =
                std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
            let zombie = stat.is_ok_and(|stat| stat.contains(") Z "));
            now.is_ok_and(|now| now.trim() == name) && !zombie
        }) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("orphans are left");
}

fn done(money: &Value) -> bool {
    money["operations"][0]["state"] == "COMPLETED"
}

#[tokio::test]
async fn ctrl_c_stops_everything_and_a_restart_has_the_chat_and_the_money() {
    let place = Place::new();
    let launcher = place.start().await;
    let services = children(launcher.pid);
    assert_eq!(services.len(), 3);
    launcher.post("text", json!({"text": "/start"})).await;
    launcher.post("text", json!({"text": "кот"})).await;
    launcher.post("money", json!({"units": 100})).await;
    let money = launcher.shows("money", done).await;
    assert_eq!(money["user"]["free_left"], 2);
    let photo = |chat: &Value| {
        let messages = chat["messages"].as_array().cloned().unwrap_or_default();
        messages.iter().any(|message| message.get("photo").is_some())
    };
    let before = launcher.shows("chat", photo).await;
    launcher.interrupt().await;
    gone(services).await;

    let launcher = place.start().await;
    let after = launcher.shows("chat", photo).await;
    assert_eq!(after["messages"], before["messages"]);
    let file_id =
        after["messages"].as_array().unwrap().last().unwrap()["photo"][0]["file_id"].clone();
    let file = format!("{}/api/files/{}", launcher.page, file_id.as_str().unwrap());
    assert_eq!(launcher.http.get(file).send().await.unwrap().status(), 200);
    let money = launcher.shows("money", done).await;
    assert_eq!(money["user"]["balance"], "100.00");
    launcher.interrupt().await;
}

#[tokio::test]
async fn killed_it_leaves_no_service_behind() {
    let place = Place::new();
    let mut launcher = place.start().await;
    let services = children(launcher.pid);
    assert_eq!(services.len(), 3);
    launcher.child.kill().await.unwrap();
    gone(services).await;
}

#[tokio::test]
async fn a_service_that_dies_is_started_again_with_a_message() {
    let place = Place::new();
    let mut launcher = place.start().await;
    let services = children(launcher.pid);
    let (billing, _) = services.iter().find(|(_, name)| name == "billing-svc").unwrap();
    kill(Pid::from_raw(*billing), Signal::SIGKILL).unwrap();
    launcher.complains("billing-svc ended").await;
    launcher.complains("billing-svc is back").await;
    launcher.post("money", json!({"units": 5})).await;
    launcher.interrupt().await;
}

#[tokio::test]
async fn a_port_in_use_is_named_with_what_to_do() {
    let place = Place::new();
    let taken = TcpListener::bind(&place.addresses[5]).await.unwrap();
    let output = place.command().output().await.unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let port = taken.local_addr().unwrap().port().to_string();
    assert!(said.contains(&port) && said.contains("GATEWAY_LISTEN="), "{said}");
}

#[tokio::test]
async fn the_tokens_between_the_services_are_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let launcher = place.start().await;
    for file in
        ["billing-callers.toml", "gateway-callers.toml", "worker-callers.toml", "admin.token"]
    {
        let path = place.folder.path().join("data").join(file);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    launcher.interrupt().await;
}
