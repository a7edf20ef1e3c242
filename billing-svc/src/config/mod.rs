//! The configuration: environment variables, each also a flag. The comments here are what `--help` prints.
//!
//! Two steps, both before anything starts: clap checks each value by itself ([`Config`]), [`Config::check`] reads the
//! files that they name and checks what hangs together ([`Settings`]).

mod edge;
mod limits;
mod payments;
#[cfg(test)]
mod tests;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, Subcommand};
use http::HeaderValue;
use migrations::MigrateMode;
use secrecy::{ExposeSecret, SecretString};
use service_kit::auth::{Access, AccessError, AccessFiles};
use service_kit::telemetry::{LogFormat, TraceOptions};

use crate::grpc::Limits;
use crate::ledger::{InvalidId, Policy, ReferralRewards};
pub use edge::EdgeConfig;
pub use limits::LimitConfig;
pub use payments::{PaymentConfig, PaymentConfigError, PaymentSettings, StarsRepeat};

use crate::prices::{self, PriceFileError, StartingPrices};

const MIN_HOLD: Duration = Duration::from_secs(60);
const MAX_HOLD: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const SINCE: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(1000 * 24 * 60 * 60);

/// Prepaid billing over gRPC: charges users for operations, and settles or gives back each charge exactly once.
///
/// Serves billing.v1, health and reflection on BILLING_LISTEN, and /metrics, /healthz and /readyz on
/// BILLING_HTTP_LISTEN, until SIGTERM or SIGINT. RUST_LOG says what is logged (default: info).
#[derive(Debug, Clone, Parser)]
#[command(name = "billing-svc", version)]
pub struct Config {
    /// Absent: serve.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Where gRPC is served.
    #[arg(long, env = "BILLING_LISTEN", default_value = "127.0.0.1:50051", value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// Where /metrics, /healthz and /readyz are served.
    #[arg(
        long,
        env = "BILLING_HTTP_LISTEN",
        default_value = "127.0.0.1:9101",
        value_name = "ADDRESS"
    )]
    pub http_listen: SocketAddr,

    /// The database: `sqlite://<file>?mode=rwc`, or `postgres://<user>:<password>@<host>/<database>`. A SQLite file is used
    /// by one process at a time; several instances may share a PostgreSQL.
    #[arg(
        long,
        global = true,
        env = "BILLING_DATABASE_URL",
        default_value = "sqlite://data/billing.db?mode=rwc",
        hide_env_values = true,
        value_name = "URL",
        value_parser = secret
    )]
    pub database_url: SecretString,

    /// What to do when the database's schema is older than this program: auto (apply the changes; the default for
    /// SQLite) or check (refuse to start; the default for PostgreSQL). A newer schema is always refused.
    #[arg(long, env = "BILLING_MIGRATE", value_name = "MODE")]
    pub migrate: Option<MigrateMode>,

    /// Who may call: TOML, `[[caller]]` with `name`, `role` (gateway, worker, service, viewer, admin), and `token_sha256` (or a
    /// list of them, while a token is replaced), `san` (a DNS name or URI in the client's certificate), or both: then both are
    /// needed. Absent: everyone on this machine is an admin, and only loopback addresses are served.
    #[arg(long, env = "BILLING_AUTH_FILE", value_name = "FILE")]
    pub auth_file: Option<PathBuf>,

    /// What connections are made with.
    #[command(flatten)]
    pub edge: EdgeConfig,

    /// The one currency of this deployment, ISO 4217.
    #[arg(long, env = "BILLING_CURRENCY", default_value = "RUB", value_name = "CODE", value_parser = currency)]
    pub currency: String,

    /// How many free operations a new user gets: 0 to 1000000.
    #[arg(
        long,
        env = "BILLING_FREE_OPERATIONS",
        default_value_t = 3,
        value_name = "COUNT",
        value_parser = clap::value_parser!(i64).range(0..=1_000_000)
    )]
    pub free_operations: i64,

    /// How long a charge is held before it is given back, where the caller doesn't say: 1m to 7d.
    #[arg(long, env = "BILLING_HOLD", default_value = "30m", value_name = "DURATION", value_parser = hold)]
    pub hold: Duration,

    /// The price list: TOML, `[[price]]` with `kind`, `amount` (a decimal in quotes, of one unit) and `free_operations`
    /// (true where free operations may pay; the default). Published at each start, as a new version where it differs
    /// from the newest: it undoes what AdminService.PublishPrices published since. Absent: the newest list stays; where
    /// there is none, generate 10, edit 12, merge 15, add_text 8, face_swap 15, retouch 10, upscale 6.
    #[arg(long, env = "BILLING_PRICES_FILE", value_name = "FILE")]
    pub prices_file: Option<PathBuf>,

    /// How many free operations somebody gets for each user whom they invited and who tops up: 0 (none) to 1000000.
    #[arg(
        long,
        env = "BILLING_REFERRAL_INVITER_OPERATIONS",
        default_value_t = 3,
        value_name = "COUNT",
        value_parser = clap::value_parser!(i64).range(0..=1_000_000)
    )]
    pub referral_inviter_operations: i64,

    /// How many free operations an invited user gets at their first top-up: 0 (none) to 1000000.
    #[arg(
        long,
        env = "BILLING_REFERRAL_INVITEE_OPERATIONS",
        default_value_t = 3,
        value_name = "COUNT",
        value_parser = clap::value_parser!(i64).range(0..=1_000_000)
    )]
    pub referral_invitee_operations: i64,

    /// Who takes money, and how.
    #[command(flatten)]
    pub payments: PaymentConfig,

    /// What is taken at most.
    #[command(flatten)]
    pub limits: LimitConfig,

    /// How often the books are audited, as `verify` does it, with the result in /metrics: 1s to 30d; 0s: never. Each audit
    /// reads the whole database; several instances take turns.
    #[arg(
        long,
        env = "BILLING_AUDIT_INTERVAL",
        default_value = "1h",
        value_name = "DURATION",
        value_parser = values::audit
    )]
    pub audit_interval: Duration,

    /// How long after their end operations are moved out of the way of charges, to an archive in the same database: 31d to 36500d,
    /// for instance 180d. They are told, repeated and refunded as before; it is charges that stay as fast as in a young
    /// database. Absent: nothing is moved; what was moved stays there.
    #[arg(long, env = "BILLING_ARCHIVE_AFTER", value_name = "DURATION", value_parser = values::archive)]
    pub archive_after: Option<Duration>,

    /// How logs are written to standard error.
    #[arg(long, env = "LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub log_format: LogFormat,

    /// Where traces are sent.
    #[command(flatten)]
    pub traces: TraceOptions,
}

/// What to do instead of serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Proves on a live database that no money is missing or double, and prints what is wrong where it is.
    ///
    /// Needs BILLING_DATABASE_URL only, reads only, and may run next to the service. Ends with 0 when all is well, 1 when
    /// a rule is broken, 2 when it could not be checked.
    Verify,
    /// Compares what the configured providers say was paid and given back with what was credited here, and lists what differs.
    ///
    /// Needs BILLING_DATABASE_URL and the providers' own variables, reads only, and may run next to the service. Ends with 0
    /// when nothing differs, 1 when something does, 2 when it could not be compared.
    Reconcile {
        /// How far back to look: 1m to 1000d.
        #[arg(long, default_value = "30d", value_name = "DURATION", value_parser = since)]
        since: Duration,
    },
}

/// A configuration that was checked as a whole.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The database.
    pub database_url: SecretString,
    /// What to do about an older schema.
    pub migrate: MigrateMode,
    /// Who may connect and call.
    pub access: Access,
    /// How old a connection may be; `None`: for ever.
    pub max_connection_age: Option<Duration>,
    /// Whose pages may call by gRPC-Web; none: it is off.
    pub web_origins: Vec<HeaderValue>,
    /// Of all amounts.
    pub currency: Arc<str>,
    /// What the ledger's rules depend on.
    pub policy: Policy,
    /// How often the books are audited; `None`: never.
    pub audit_interval: Option<Duration>,
    /// How long after their end operations are archived; `None`: never.
    pub archive_after: Option<Duration>,
    /// What one instance takes at most.
    pub limits: Limits,
    /// The price list to start with.
    pub prices: StartingPrices,
    /// Who takes money.
    pub payments: PaymentSettings,
}

/// Why a configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Who may connect and call.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// BILLING_PRICES_FILE.
    #[error("BILLING_PRICES_FILE: {0}")]
    Prices(#[from] PriceFileError),
    /// The built-in price list is wrong: a defect.
    #[error("the built-in price list: {0}")]
    BuiltIn(#[from] InvalidId),
    /// What is about money in.
    #[error(transparent)]
    Payments(#[from] PaymentConfigError),
}

impl Config {
    /// Reads the files and checks what hangs together.
    ///
    /// # Errors
    /// The first thing that is wrong, by the name of its variable.
    pub fn check(&self) -> Result<Settings, ConfigError> {
        let files = AccessFiles { auth: self.auth_file.as_deref(), tls: self.edge.tls() };
        let access = Access::load(files, self.listen)?;
        let prices = match &self.prices_file {
            Some(path) => StartingPrices::File(prices::load(path)?),
            None => StartingPrices::BuiltIn(prices::built_in()?),
        };
        let url = self.database_url.expose_secret();
        Ok(Settings {
            migrate: self.migrate.unwrap_or_else(|| MigrateMode::default_for(url)),
            database_url: self.database_url.clone(),
            access,
            max_connection_age: self.edge.max_age(),
            web_origins: self.edge.grpc_web_origins.clone(),
            currency: self.currency.as_str().into(),
            policy: Policy {
                free_operations: self.free_operations,
                hold: self.hold,
                referral: ReferralRewards {
                    inviter_operations: self.referral_inviter_operations,
                    invitee_operations: self.referral_invitee_operations,
                },
                repeated_invoice: self.payments.stars_repeat.into(),
                limits: self.limits.of_user(),
            },
            audit_interval: (!self.audit_interval.is_zero()).then_some(self.audit_interval),
            archive_after: self.archive_after,
            limits: self.limits.of_instance(),
            prices,
            payments: self.payments.check()?,
        })
    }
}

fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(SecretString::from(text))
}

fn currency(text: &str) -> Result<String, &'static str> {
    if text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase()) {
        Ok(text.to_owned())
    } else {
        Err("three capital letters, like RUB")
    }
}

fn since(text: &str) -> Result<Duration, String> {
    let since = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if SINCE.contains(&since) { Ok(since) } else { Err("1m to 1000d".to_owned()) }
}

fn hold(text: &str) -> Result<Duration, String> {
    let hold = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if (MIN_HOLD..=MAX_HOLD).contains(&hold) { Ok(hold) } else { Err("1m to 7d".to_owned()) }
}
