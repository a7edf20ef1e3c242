//! Addresses, tokens and environment variables that make three services one system.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::process::Service;

/// Where a service listens, as host:port.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// gRPC.
    pub grpc: String,
    /// Metrics, health; the gateway's webhooks too.
    pub http: String,
}

/// Bearer tokens by which callers know each other; made anew for each system.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The gateway's, at billing and at the worker.
    pub gateway: String,
    /// The worker's, at billing and at the gateway.
    pub worker: String,
    /// An administrator's, at billing.
    pub admin: String,
}

impl Tokens {
    /// New ones.
    pub fn random() -> Self {
        let token = || Uuid::new_v4().simple().to_string();
        Self { gateway: token(), worker: token(), admin: token() }
    }
}

/// What the environment of each service follows from.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Where databases, pictures and auth files go.
    pub folder: PathBuf,
    /// Addresses of each service.
    pub addresses: BTreeMap<Service, Addresses>,
    /// Tokens.
    pub tokens: Tokens,
    /// Set on top for each service, or instead of what is derived here.
    pub overrides: BTreeMap<Service, BTreeMap<String, String>>,
}

impl Environment {
    /// The variables of one service.
    pub fn of(&self, service: Service) -> BTreeMap<String, String> {
        let prefix = service.prefix();
        let mut variables = BTreeMap::new();
        let mut set = |name: String, value: String| {
            variables.insert(name, value);
        };
        if let Some(addresses) = self.addresses.get(&service) {
            set(format!("{prefix}_LISTEN"), addresses.grpc.clone());
            set(format!("{prefix}_HTTP_LISTEN"), addresses.http.clone());
        }
        set(format!("{prefix}_AUTH_FILE"), self.auth_file(service).display().to_string());
        let database = match service {
            Service::Billing => "billing.db",
            Service::Gateway => "gateway.db",
            Service::Worker => "images.db",
        };
        let database = self.folder.join(database);
        set(format!("{prefix}_DATABASE_URL"), format!("sqlite://{}?mode=rwc", database.display()));
        match service {
            Service::Billing => {}
            Service::Gateway => {
                set("BILLING_URL".into(), self.url(Service::Billing));
                set("BILLING_TOKEN".into(), self.tokens.gateway.clone());
                set("WORKER_URL".into(), self.url(Service::Worker));
                set("WORKER_TOKEN".into(), self.tokens.gateway.clone());
            }
            Service::Worker => {
                set("BILLING_URL".into(), self.url(Service::Billing));
                set("BILLING_TOKEN".into(), self.tokens.worker.clone());
                set("GATEWAY_URL".into(), self.url(Service::Gateway));
                set("GATEWAY_TOKEN".into(), self.tokens.worker.clone());
                let blobs = self.folder.join("blobs");
                set("WORKER_BLOB_URL".into(), format!("file://{}", blobs.display()));
            }
        }
        variables.extend(self.overrides.get(&service).cloned().unwrap_or_default());
        variables
    }

    /// The gRPC URL of a service.
    pub fn url(&self, service: Service) -> String {
        let grpc = self.addresses.get(&service).map(|addresses| addresses.grpc.as_str());
        format!("http://{}", grpc.unwrap_or_default())
    }

    /// Writes the auth files of all services, readable by their owner only.
    ///
    /// # Errors
    /// The folder can't be written.
    pub fn write_auth_files(&self) -> Result<()> {
        std::fs::create_dir_all(&self.folder).context("the data folder")?;
        let gateway = caller("gateway", "gateway", &self.tokens.gateway);
        let worker = caller("worker", "worker", &self.tokens.worker);
        let admin = caller("sandbox", "admin", &self.tokens.admin);
        write_secret(&self.auth_file(Service::Billing), &[&gateway, &worker, &admin])?;
        write_secret(&self.auth_file(Service::Gateway), &[&worker, &admin])?;
        write_secret(&self.auth_file(Service::Worker), &[&gateway, &admin])
    }

    fn auth_file(&self, service: Service) -> PathBuf {
        self.folder.join(format!("{}.auth.toml", service.program()))
    }
}

fn caller(name: &str, role: &str, token: &str) -> String {
    let hash: String = Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("[[caller]]\nname = \"{name}\"\nrole = \"{role}\"\ntoken_sha256 = \"{hash}\"\n")
}

fn write_secret(path: &Path, parts: &[&String]) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let text: Vec<&str> = parts.iter().map(|part| part.as_str()).collect();
    let mut options = std::fs::File::options();
    let file = options.create(true).write(true).truncate(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("{}", path.display()))?;
    file.write_all(text.join("\n").as_bytes()).context("an auth file")
}
