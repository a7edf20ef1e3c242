//! billing-svc as it runs in production: a process of its own, tokens checked, logs at info as JSON, metrics on.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::Signal;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::time::sleep;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use uuid::Uuid;

use super::child::{Child, Launch};
use crate::system::free_address;

/// What every instance is told, besides addresses, the database and who may call.
pub const SETTINGS: [(&str, &str); 5] = [
    ("RUST_LOG", "info"),
    ("LOG_FORMAT", "json"),
    ("BILLING_MIGRATE", "auto"),
    // The benchmark lasts longer than the default hold: the sweeper would give back the charges of one measurement during
    // another.
    ("BILLING_HOLD", "7d"),
    // Reads the whole database once an hour, in whichever measurement that falls.
    ("BILLING_AUDIT_INTERVAL", "0s"),
];
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How often health is asked while it starts: start is measured as well.
const ASK_EVERY: Duration = Duration::from_millis(2);

/// Who may call the instances: made once, known to all of them.
#[derive(Debug)]
pub struct Callers {
    file: PathBuf,
    service: SecretString,
}

impl Callers {
    /// Writes the list into `folder`.
    ///
    /// # Errors
    /// It can't be written.
    pub fn new(folder: &Path) -> anyhow::Result<Self> {
        let service = SecretString::from(Uuid::new_v4().simple().to_string());
        let hash = hex(&Sha256::digest(service.expose_secret()));
        let file = folder.join("callers.toml");
        let text = format!(
            "[[caller]]\nname = \"bench\"\nrole = \"service\"\ntoken_sha256 = \"{hash}\"\n"
        );
        std::fs::write(&file, text).with_context(|| format!("can't write {}", file.display()))?;
        Ok(Self { file, service })
    }

    /// Of a caller with the role `service`: charges, settles, reads.
    pub fn token(&self) -> SecretString {
        self.service.clone()
    }
}

/// A running instance. Dropping it ends the process and waits until it is gone.
#[derive(Debug)]
pub struct Billing {
    child: Child,
    address: SocketAddr,
    started_in: Duration,
}

impl Billing {
    /// Starts it and waits until health answers that it serves.
    ///
    /// # Errors
    /// The program is not beside this one, ended, or did not serve in a minute.
    pub async fn start(
        folder: &Path,
        callers: &Callers,
        database: &SecretString,
    ) -> anyhow::Result<Self> {
        let (address, http) = (free_address()?, free_address()?);
        let program = beside("billing-svc")?;
        let mut env: std::collections::BTreeMap<_, _> =
            SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        env.insert("BILLING_DATABASE_URL".to_owned(), database.expose_secret().to_owned());
        env.insert("BILLING_LISTEN".to_owned(), address.to_string());
        env.insert("BILLING_HTTP_LISTEN".to_owned(), http.to_string());
        env.insert("BILLING_AUTH_FILE".to_owned(), callers.file.display().to_string());
        let started = Instant::now();
        let child = Child::start(Launch {
            program: &program,
            arguments: Vec::new(),
            env,
            user: None,
            log: folder.join(format!("billing-svc-{}.log", address.port())),
            speaks: false,
            end_by: Signal::SIGTERM,
        })?;
        let mut billing = Self { child, address, started_in: Duration::ZERO };
        billing.ready(started + READY_WITHIN).await.context("billing-svc")?;
        billing.started_in = started.elapsed();
        Ok(billing)
    }

    async fn ready(&mut self, deadline: Instant) -> anyhow::Result<()> {
        let endpoint = Endpoint::from_shared(self.url())?;
        loop {
            if let Ok(channel) = endpoint.connect().await {
                let request = HealthCheckRequest { service: String::new() };
                let answer = HealthClient::new(channel).check(request).await;
                // 1 is SERVING.
                if answer.is_ok_and(|answer| answer.get_ref().status == 1) {
                    return Ok(());
                }
            }
            self.child.alive()?;
            if Instant::now() > deadline {
                bail!("it does not serve\n{}", self.child.said());
            }
            sleep(ASK_EVERY).await;
        }
    }

    /// Where gRPC is served.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From the start of the process to the first answer of health that it serves.
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that it ever had, in MiB.
    ///
    /// # Errors
    /// It has ended, or this is no Linux.
    pub fn peak_memory(&self) -> anyhow::Result<f64> {
        self.child.peak_memory()
    }

    /// The end of its log.
    pub fn said(&self) -> String {
        self.child.said()
    }

    /// # Errors
    /// It has ended; the error shows the end of its log.
    pub fn alive(&mut self) -> anyhow::Result<()> {
        self.child.alive().context("billing-svc")
    }
}

/// A program of ours beside the running one: `target/release` both for the binary and for a test in `deps`.
pub(super) fn beside(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("where is this program?")?;
    let mut folder = own.parent().unwrap_or(Path::new("."));
    if folder.ends_with("deps") {
        folder = folder.parent().unwrap_or(folder);
    }
    let path = folder.join(name);
    if !path.is_file() {
        bail!(
            "{name} is missing in {}: run `cargo build --release --workspace --bins` first",
            folder.display()
        );
    }
    Ok(path)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
