//! Who listens where, who knows whose token, and the environment that says so to each service.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::process::Service;

/// Variables that belong to the services; what the surroundings hold of these reaches them only on purpose.
const OURS: [&str; 10] = [
    "BILLING_",
    "GATEWAY_",
    "WORKER_",
    "TELEGRAM_",
    "FAL_",
    "YOOKASSA_",
    "OTEL_",
    "RUST_LOG",
    "LOG_FORMAT",
    "SANDBOX_",
];

/// The file in the folder of the data that holds the administrator's token.
pub const ADMIN_TOKEN: &str = "admin.token";

/// Where a service listens.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// gRPC.
    pub grpc: SocketAddr,
    /// Metrics, health, and the gateway's webhooks.
    pub http: SocketAddr,
}

/// Telegram, fal.ai and YooKassa, real or standing in.
#[derive(Debug, Clone)]
pub struct Outside {
    /// `TELEGRAM_API_URL`; `None` is the real one.
    pub telegram_url: Option<String>,
    /// `TELEGRAM_BOT_TOKEN`.
    pub telegram_token: SecretString,
    /// `FAL_QUEUE_URL`; `None` is the real one.
    pub fal_url: Option<String>,
    /// `FAL_KEY`.
    pub fal_key: SecretString,
    /// The stand-in of YooKassa; `None` leaves `YOOKASSA_*` as the settings say.
    pub yookassa: Option<YookassaShop>,
    /// `BILLING_SANDBOX_BANK_URL`; `None` is no such bank.
    pub bank_url: Option<String>,
}

/// A shop at the stand-in of YooKassa.
#[derive(Debug, Clone)]
pub struct YookassaShop {
    /// `YOOKASSA_API_URL`.
    pub api_url: String,
    /// `YOOKASSA_SHOP_ID`.
    pub shop_id: String,
    /// `YOOKASSA_SECRET_KEY`.
    pub secret_key: SecretString,
}

/// Everything that connects the three services.
#[derive(Debug)]
pub(super) struct Wiring {
    pub(super) folder: PathBuf,
    pub(super) addresses: BTreeMap<Service, Addresses>,
    pub(super) outside: Outside,
    /// Settings of the one who starts the system; they win over the defaults here, not over the wiring.
    pub(super) settings: BTreeMap<String, String>,
    tokens: BTreeMap<Holder, SecretString>,
}

/// Who holds a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Holder {
    Gateway,
    Worker,
    Admin,
}

impl Holder {
    fn role(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Worker => "worker",
            Self::Admin => "admin",
        }
    }
}

impl Wiring {
    /// Makes the tokens and writes each service's list of callers.
    pub(super) fn new(
        folder: PathBuf,
        addresses: BTreeMap<Service, Addresses>,
        outside: Outside,
        settings: BTreeMap<String, String>,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(folder.join("logs"))
            .with_context(|| format!("can't make {}", folder.display()))?;
        let holders = [Holder::Gateway, Holder::Worker, Holder::Admin];
        let tokens: BTreeMap<_, _> =
            holders.into_iter().map(|holder| (holder, random_token())).collect();
        for service in Service::ALL {
            let mut text = String::from("# Written anew at every start of the sandbox.\n");
            for (holder, token) in &tokens {
                let (role, hash) = (holder.role(), hex(&Sha256::digest(token.expose_secret())));
                text.push_str(&format!(
                    "\n[[caller]]\nname = \"{role}\"\nrole = \"{role}\"\ntoken_sha256 = \"{hash}\"\n"
                ));
            }
            write_private(&auth_file(&folder, service), &text)?;
        }
        // For people with grpcurl or a script of their own.
        let admin = tokens.get(&Holder::Admin).map(ExposeSecret::expose_secret).unwrap_or_default();
        write_private(&folder.join(ADMIN_TOKEN), admin)?;
        Ok(Self { folder, addresses, outside, settings, tokens })
    }

    pub(super) fn admin_token(&self) -> SecretString {
        self.token(Holder::Admin)
    }

    pub(super) fn gateway_token(&self) -> SecretString {
        self.token(Holder::Gateway)
    }

    pub(super) fn address(&self, service: Service) -> anyhow::Result<Addresses> {
        self.addresses
            .get(&service)
            .copied()
            .with_context(|| format!("{} has no address", service.program()))
    }

    /// The whole environment of a service's process. A secret reaches only who needs it.
    pub(super) fn env(&self, service: Service) -> anyhow::Result<BTreeMap<String, String>> {
        let mut env: BTreeMap<String, String> = env::vars()
            .filter(|(name, _)| !OURS.iter().any(|ours| name.starts_with(ours)))
            .collect();
        let mut set = |name: &str, value: String| env.insert(name.to_owned(), value);
        set("NO_COLOR", "1".to_owned());
        set("RUST_LOG", "info".to_owned());
        for (service, file) in [
            (Service::Billing, "billing.db"),
            (Service::Gateway, "gateway.db"),
            (Service::Worker, "images.db"),
        ] {
            let path = self.folder.join(file);
            set(
                &format!("{}_DATABASE_URL", service.prefix()),
                format!("sqlite://{}?mode=rwc", path.display()),
            );
        }
        set("WORKER_BLOB_URL", format!("file://{}", self.folder.join("blobs").display()));
        for (name, value) in self.settings.iter().filter(|(name, _)| concerns(service, name)) {
            set(name, value.clone());
        }
        for listener in Service::ALL {
            let (addresses, prefix) = (self.address(listener)?, listener.prefix());
            set(&format!("{prefix}_LISTEN"), addresses.grpc.to_string());
            set(&format!("{prefix}_HTTP_LISTEN"), addresses.http.to_string());
            set(&format!("{prefix}_URL"), format!("http://{}", addresses.grpc));
        }
        let prefix = service.prefix();
        set(&format!("{prefix}_AUTH_FILE"), auth_file(&self.folder, service).display().to_string());
        match service {
            Service::Billing => env.extend(self.outside.telegram().chain(self.outside.money())),
            Service::Gateway => {
                let token = self.token(Holder::Gateway);
                set("BILLING_TOKEN", token.expose_secret().to_owned());
                set("WORKER_TOKEN", token.expose_secret().to_owned());
                env.extend(self.outside.telegram());
            }
            Service::Worker => {
                let token = self.token(Holder::Worker);
                set("BILLING_TOKEN", token.expose_secret().to_owned());
                set("GATEWAY_TOKEN", token.expose_secret().to_owned());
                set("FAL_KEY", self.outside.fal_key.expose_secret().to_owned());
                if let Some(url) = &self.outside.fal_url {
                    set("FAL_QUEUE_URL", url.clone());
                }
            }
        }
        Ok(env)
    }

    fn token(&self, holder: Holder) -> SecretString {
        self.tokens.get(&holder).cloned().unwrap_or_default()
    }
}

impl Outside {
    fn telegram(&self) -> impl Iterator<Item = (String, String)> {
        let token = Some(("TELEGRAM_BOT_TOKEN", self.telegram_token.expose_secret().to_owned()));
        let url = self.telegram_url.clone().map(|url| ("TELEGRAM_API_URL", url));
        [token, url].into_iter().flatten().map(named)
    }

    /// Who takes payments.
    fn money(&self) -> impl Iterator<Item = (String, String)> {
        let shop = self.yookassa.iter().flat_map(|shop| {
            [
                ("YOOKASSA_API_URL", shop.api_url.clone()),
                ("YOOKASSA_SHOP_ID", shop.shop_id.clone()),
                ("YOOKASSA_SECRET_KEY", shop.secret_key.expose_secret().to_owned()),
            ]
        });
        let bank = self.bank_url.clone().map(|url| ("BILLING_SANDBOX_BANK_URL", url));
        shop.chain(bank).map(named)
    }
}

fn named((name, value): (&str, String)) -> (String, String) {
    (name.to_owned(), value)
}

/// Is a setting for this service? Keys of the outside world are for one or two of them; all else is read by who knows it.
fn concerns(service: Service, setting: &str) -> bool {
    let outside = [
        ("YOOKASSA_", [Service::Billing].as_slice()),
        ("FAL_", &[Service::Worker]),
        ("TELEGRAM_", &[Service::Gateway, Service::Billing]),
    ];
    let known = outside.iter().find(|(prefix, _)| setting.starts_with(prefix));
    known.is_none_or(|(_, services)| services.contains(&service))
}

fn auth_file(folder: &Path, service: Service) -> PathBuf {
    folder.join(format!("{}-callers.toml", service.prefix().to_lowercase()))
}

/// Readable by the owner only, whatever it was before.
fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let context = || format!("can't write {}", path.display());
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path).with_context(context)?;
    file.set_permissions(fs::Permissions::from_mode(0o600)).with_context(context)?;
    file.write_all(text.as_bytes()).with_context(context)
}

fn random_token() -> SecretString {
    SecretString::from(hex(&rand::random::<[u8; 32]>()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
