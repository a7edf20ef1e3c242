// A real billing-svc on a SQLite file of its own, for what is tried against one: the examples of the documentation
// (they `include!` this file), the tests of this crate and those of `examples/rust`.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Who may call: the token of each role is its name and `-token`.
const CALLERS: [(&str, &str); 4] = [
    ("admin", "10a4c7c9fc5206d6f36dc6944a81bb6f4a3cb0e25014ae3b12e6c3e52712292a"),
    ("gateway", "f15ae5b5899f8327f52779c081b7b25d5217f62042ae4b6d677b0f25096e2141"),
    ("service", "784c8e01994654a577f492116789bb8d9153c8774836fc8cb6bfa2cc773ae549"),
    ("worker", "dedd02022dba76562722a9463558e4124c82c5e6a09e925e6b11eec9a7042bf7"),
];

/// A billing-svc that serves until it is dropped.
pub struct Live {
    /// Where it listens.
    pub url: String,
    process: Child,
    _folder: tempfile::TempDir,
}

impl Live {
    /// Starts it with these variables of its environment.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [grpc, http] = free_addresses();
        let (log, auth) = (folder.path().join("log"), folder.path().join("auth.toml"));
        std::fs::write(&auth, callers()).unwrap();
        let process = Command::new(program())
            .env_clear()
            .env(
                "BILLING_DATABASE_URL",
                format!("sqlite://{}/billing.db?mode=rwc", folder.path().display()),
            )
            .env("BILLING_AUTH_FILE", auth)
            .env("BILLING_LISTEN", &grpc)
            .env("BILLING_HTTP_LISTEN", &http)
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut live = Self { process, url: format!("http://{grpc}"), _folder: folder };
        live.wait_until_ready(&http, &log);
        live
    }

    /// How a client with that role reaches it.
    pub fn config(&self, role: &str) -> proto::client::ClientConfig {
        proto::client::ClientConfig::new(&self.url, Some(format!("{role}-token").into()))
    }

    /// Gives a user money.
    pub async fn top_up(&self, user_id: &str, rubles: i64) {
        let admin = proto::client::AdminClient::new(&self.config("admin")).unwrap();
        let request = proto::billing::v1::AdjustBalanceRequest {
            request_id: format!("top-up-{user_id}-{rubles}"),
            user_id: user_id.to_owned(),
            amount: Some(proto::money::from_micros(rubles * 1_000_000, "RUB")),
            reason: "a test".to_owned(),
        };
        admin.adjust_balance(request).await.unwrap();
    }

    /// Ends it with SIGKILL, and waits until it is gone.
    pub fn kill(&mut self) {
        // Fails where it is gone already.
        drop(self.process.kill());
        drop(self.process.wait());
    }

    fn wait_until_ready(&mut self, http: &str, log: &Path) {
        let begun = Instant::now();
        while !is_ready(http) {
            let ended = self.process.try_wait().unwrap();
            if ended.is_some() || begun.elapsed() > Duration::from_secs(60) {
                panic!(
                    "billing-svc does not serve ({ended:?}):\n{}",
                    std::fs::read_to_string(log).unwrap()
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.kill();
    }
}

fn callers() -> String {
    let caller = |(role, hash)| {
        format!("[[caller]]\nname = \"{role}\"\nrole = \"{role}\"\ntoken_sha256 = \"{hash}\"\n")
    };
    CALLERS.map(caller).concat()
}

/// Where cargo put it; `make test` builds it before.
fn program() -> PathBuf {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file())
        .unwrap();
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace.join("target"), PathBuf::from);
    let nearby = target.join(profile).join("billing-svc");
    let program = std::env::var_os("KOPILKA_BILLING_SVC").map_or(nearby, PathBuf::from);
    assert!(
        program.is_file(),
        "{} is missing: run `cargo build --workspace --bins` first, or name it in KOPILKA_BILLING_SVC",
        program.display()
    );
    program
}

fn free_addresses() -> [String; 2] {
    // Both are held until both are known: they differ.
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().to_string())
}

fn is_ready(http: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(http) else { return false };
    let mut answer = String::new();
    let asked = stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n");
    asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.contains(" 200 ")
}
