//! Running an image with whatever engine there is.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use reqwest::Client;
use sandbox::system::free_address;
use serde_json::Value;
use tempfile::TempDir;

use crate::until;

/// As the pods of k8s/ are restricted, as far as an engine knows such restrictions. Limits are named because an engine that
/// runs in a container itself may not raise them to its defaults.
const RESTRICTED: [&str; 10] = [
    "--network=host",
    "--read-only",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--ulimit=nofile=4096:4096",
    "--ulimit=nproc=4096:4096",
    // No HTTP proxy of this machine: everything is on loopback.
    "--env=http_proxy=",
    "--env=https_proxy=",
    "--env=HTTP_PROXY=",
    "--env=HTTPS_PROXY=",
];

/// The engine's command with these arguments.
pub(crate) fn engine(arguments: &[&str]) -> Output {
    let engine = std::env::var("IMAGE_ENGINE").expect("run these tests with `make image-test`");
    let mut words = engine.split(' ');
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(arguments).output().expect("the engine")
}

/// What the engine prints; it must succeed.
pub(crate) fn ask(arguments: &[&str]) -> String {
    let output = engine(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The image's name with its version.
pub(crate) fn image(program: &str) -> String {
    format!("kopilka/{program}:{}", env!("CARGO_PKG_VERSION"))
}

/// The image's configuration, as the engine tells it.
pub(crate) fn inspect(program: &str) -> Value {
    let told = ask(&["image", "inspect", &image(program)]);
    serde_json::from_str::<Value>(&told).unwrap()[0].clone()
}

/// What is run: a program, its environment, its arguments.
pub(crate) struct Run {
    flags: Vec<String>,
    image: String,
    arguments: Vec<String>,
}

impl Run {
    pub(crate) fn of(program: &str) -> Self {
        let mut flags = RESTRICTED.map(str::to_owned).to_vec();
        // Else podman mounts a writable /tmp, /run and /dev/shm, which Kubernetes does not.
        if std::env::var("IMAGE_ENGINE").is_ok_and(|engine| engine.starts_with("podman")) {
            flags.push("--read-only-tmpfs=false".to_owned());
        }
        Self { flags, image: image(program), arguments: Vec::new() }
    }

    pub(crate) fn env(self, name: &str, value: impl std::fmt::Display) -> Self {
        self.flag(format!("--env={name}={value}"))
    }

    pub(crate) fn flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }

    pub(crate) fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self
    }

    /// The only folder that can be written, at /data.
    pub(crate) fn data(self, folder: &Path) -> Self {
        self.flag(format!("--volume={}:/data", folder.display()))
    }

    /// Runs it to its end.
    pub(crate) fn output(self) -> Output {
        engine(&self.words("--rm").iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Starts it.
    pub(crate) fn start(self) -> Container {
        let words = self.words("--detach");
        let id = ask(&words.iter().map(String::as_str).collect::<Vec<_>>());
        Container { id: id.lines().last().unwrap().to_owned() }
    }

    fn words(self, how: &str) -> Vec<String> {
        let run = ["run".to_owned(), how.to_owned()];
        run.into_iter().chain(self.flags).chain([self.image]).chain(self.arguments).collect()
    }
}

/// A container that runs; it is removed when this is dropped.
pub(crate) struct Container {
    id: String,
}

impl Container {
    /// SIGTERM; the exit code.
    pub(crate) fn stop(&self) -> String {
        ask(&["kill", "--signal=TERM", &self.id]);
        ask(&["wait", &self.id])
    }

    /// What it said.
    pub(crate) fn logs(&self) -> String {
        let output = engine(&["logs", &self.id]);
        [output.stdout, output.stderr]
            .map(|part| String::from_utf8_lossy(&part).into_owned())
            .concat()
    }

    /// Returns once `/readyz` at this address answers 200.
    pub(crate) async fn ready(&self, http: SocketAddr) {
        let client = Client::new();
        let answered = until("it is ready", async || {
            let answer = client.get(format!("http://{http}/readyz")).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return Some(Ok(()));
            }
            let running = ask(&["inspect", "--format={{.State.Running}}", &self.id]);
            (running != "true").then(|| Err(self.logs()))
        });
        if let Err(logs) = answered.await {
            panic!("it ended:\n{logs}");
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        engine(&["rm", "--force", &self.id]);
    }
}

/// A folder that the images' user may write.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    folder
}

/// Where a service listens.
pub(crate) struct Ports {
    pub(crate) grpc: SocketAddr,
    pub(crate) http: SocketAddr,
}

impl Ports {
    pub(crate) fn free() -> Self {
        Self { grpc: free_address().unwrap(), http: free_address().unwrap() }
    }
}
