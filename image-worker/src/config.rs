//! The environment, read once and checked as a whole before anything starts.

mod peers;
mod tls;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use clap::builder::RangedU64ValueParser;
use migrations::MigrateMode;
use proto::client::VariableError;
use secrecy::{ExposeSecret, SecretString};
use service_kit::telemetry::{LogFormat, TraceOptions};
use url::Url;

pub use peers::{Peers, PeersConfig};
pub use tls::TlsConfig;

/// Makes and edits pictures on fal.ai for operations that billing holds, and settles them.
///
/// Jobs come over gRPC (images.v1.ImageService) and are kept in this service's own database before the caller is
/// answered. A job that was taken ends exactly once: the pictures are delivered through the gateway and the operation
/// is completed, or the operation is refunded and the user is told. Killed at any moment and started again, a job goes
/// on where it stood; a request that fal.ai has accepted is never made twice.
///
/// All configuration comes from the environment; every variable is listed here with its default. Durations are written
/// like 30s, 15m or 6h. On SIGTERM the service says that it is not ready, takes nothing new, gives its running jobs back and
/// exits.
#[derive(Debug, Clone, Parser)]
#[command(version, name = "image-worker")]
pub struct Config {
    /// Where gRPC is served. Without WORKER_AUTH_FILE only a loopback address is accepted.
    #[arg(long, env = "WORKER_LISTEN", default_value = "127.0.0.1:50053")]
    pub listen: SocketAddr,

    /// Where /metrics, /healthz and /readyz are served.
    #[arg(long, env = "WORKER_HTTP_LISTEN", default_value = "127.0.0.1:9103")]
    pub http_listen: SocketAddr,

    /// The database of jobs: sqlite://FILE?mode=rwc or postgres://USER:PASSWORD@HOST/DATABASE. A SQLite file is for one
    /// worker; several share a PostgreSQL.
    #[arg(
        long,
        env = "WORKER_DATABASE_URL",
        default_value = "sqlite://data/images.db?mode=rwc",
        hide_env_values = true
    )]
    pub database_url: SecretString,

    /// Where pictures are kept: file://FOLDER (relative to the working directory, or absolute with a third slash), or
    /// s3://BUCKET/PREFIX with the usual AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL.
    #[arg(long, env = "WORKER_BLOB_URL", default_value = "file://data/blobs")]
    pub blob_url: String,

    /// What to do with another schema: "auto" brings it up to date, "check" refuses to start. Default: auto on SQLite,
    /// check on PostgreSQL.
    #[arg(long, env = "WORKER_MIGRATE")]
    pub migrate: Option<MigrateMode>,

    /// Who may call: TOML with a table array `caller`: name and role of each, and token_sha256 (or a list of them, while a token is
    /// replaced), san (a DNS name or URI in the client's certificate), or both: then both are needed. The roles gateway, service and
    /// admin may call everything, viewer GetJob and WatchJob.
    #[arg(long, env = "WORKER_AUTH_FILE")]
    pub auth_file: Option<PathBuf>,

    /// Certificates of the gRPC port.
    #[command(flatten)]
    pub tls: TlsConfig,

    /// How many jobs run at once in this process.
    #[arg(long, env = "WORKER_CONCURRENCY", default_value = "8", value_parser = RangedU64ValueParser::<u32>::new().range(1..=1000))]
    pub concurrency: u32,

    /// How many jobs may wait; SubmitJob answers OVERLOADED beyond.
    #[arg(long, env = "WORKER_MAX_QUEUED", default_value = "10000", value_parser = RangedU64ValueParser::<u64>::new().range(1..=10_000_000))]
    pub max_queued: u64,

    /// How often fal.ai is asked for one job before it is refunded.
    #[arg(long, env = "WORKER_MAX_ATTEMPTS", default_value = "3", value_parser = RangedU64ValueParser::<u32>::new().range(1..=20))]
    pub max_attempts: u32,

    /// The pause after a first failure; it doubles with each further one, up to a minute.
    #[arg(long, env = "WORKER_RETRY_BACKOFF", default_value = "2s", value_parser = humantime::parse_duration)]
    pub retry_backoff: Duration,

    /// From the moment a job is taken to the last moment at which its pictures may arrive: then it is called off and
    /// refunded.
    #[arg(long, env = "WORKER_JOB_TIME_LIMIT", default_value = "15m", value_parser = humantime::parse_duration)]
    pub job_time_limit: Duration,

    /// How long to wait before a request whose answer was lost is made once more (the house pays for the lost one).
    #[arg(long, env = "WORKER_LOST_ATTEMPT_WAIT", default_value = "30s", value_parser = humantime::parse_duration)]
    pub lost_attempt_wait: Duration,

    /// The first pause between two questions about a running request; it grows to five times that.
    #[arg(long, env = "WORKER_POLL_INTERVAL", default_value = "1s", value_parser = humantime::parse_duration)]
    pub poll_interval: Duration,

    /// How long a job stays with a worker that no longer says that it lives. Clocks of workers that share a database must
    /// agree to much less than this.
    #[arg(long, env = "WORKER_LEASE", default_value = "15s", value_parser = humantime::parse_duration)]
    pub lease: Duration,

    /// How long calls and running jobs may take to stop after SIGTERM.
    #[arg(long, env = "WORKER_DRAIN", default_value = "25s", value_parser = humantime::parse_duration)]
    pub drain: Duration,

    /// The services that are called.
    #[command(flatten)]
    pub peers: PeersConfig,

    /// The key of the fal.ai account that pays for the pictures.
    #[arg(long, env = "FAL_KEY", hide_env_values = true)]
    pub fal_key: SecretString,

    /// fal.ai's queue. The key goes to this origin only.
    #[arg(long, env = "FAL_QUEUE_URL", default_value = "https://queue.fal.run")]
    pub fal_queue_url: Url,

    /// Which fal.ai app does which kind of work; TOML, replaces the kinds that it has. The built-in table is
    /// image-worker/src/fal/models.toml.
    #[arg(long, env = "FAL_MODELS_FILE")]
    pub fal_models_file: Option<PathBuf>,

    /// How logs are written, to standard error; what is written follows RUST_LOG (default: info).
    #[arg(long, env = "LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// Where traces are sent.
    #[command(flatten)]
    pub traces: TraceOptions,
}

/// A value that can't be right, by the name of its variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {takes}")]
pub struct ConfigError {
    variable: Cow<'static, str>,
    takes: Cow<'static, str>,
}

impl From<VariableError> for ConfigError {
    fn from(error: VariableError) -> Self {
        Self { variable: error.variable.into(), takes: error.why.into() }
    }
}

impl Config {
    /// How the other services are called.
    pub fn peers(&self) -> Result<Peers, ConfigError> {
        Ok(self.peers.check(self.tls.files())?)
    }

    /// What types alone can't check.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.peers()?;
        let url = &self.fal_queue_url;
        let http = matches!(url.scheme(), "http" | "https") && url.has_host();
        ensure(http, "FAL_QUEUE_URL", "a URL that begins with http:// or https://")?;
        ensure(!self.fal_key.expose_secret().is_empty(), "FAL_KEY", "the key of a fal.ai account")?;
        let spans = [
            ("WORKER_RETRY_BACKOFF", self.retry_backoff, 1, 60_000, "1ms to 1m"),
            ("WORKER_JOB_TIME_LIMIT", self.job_time_limit, 1000, 24 * 3_600_000, "1s to 24h"),
            ("WORKER_LOST_ATTEMPT_WAIT", self.lost_attempt_wait, 0, 600_000, "0s to 10m"),
            ("WORKER_POLL_INTERVAL", self.poll_interval, 10, 60_000, "10ms to 1m"),
            ("WORKER_LEASE", self.lease, 1000, 600_000, "1s to 10m"),
            ("WORKER_DRAIN", self.drain, 0, 600_000, "0s to 10m"),
        ];
        for (variable, span, least, most, takes) in spans {
            ensure((least..=most).contains(&span.as_millis()), variable, takes)?;
        }
        Ok(())
    }
}

fn ensure(holds: bool, variable: &'static str, takes: &'static str) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError { variable: variable.into(), takes: takes.into() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_secrets_are_not_shown() {
        let config = Config::parse_from(["image-worker", "--fal-key", "secret-key"]);
        config.check().unwrap();
        assert!(!format!("{config:?}").contains("secret-key"));
    }

    #[test]
    fn what_cannot_be_right_names_its_variable() {
        let table = [
            ("--fal-key", "", "FAL_KEY"),
            ("--billing-url", "ftp://example.com", "BILLING_URL"),
            ("--billing-url", "http://a:1,,http://b:2", "BILLING_URL"),
            ("--billing-token-file", "/nowhere", "BILLING_TOKEN_FILE"),
            ("--gateway-url", "https://gateway:1", "GATEWAY_URL"),
            ("--lease", "10ms", "WORKER_LEASE"),
            ("--job-time-limit", "2days", "WORKER_JOB_TIME_LIMIT"),
            ("--poll-interval", "0s", "WORKER_POLL_INTERVAL"),
        ];
        for (flag, value, variable) in table {
            let mut args = vec!["image-worker", flag, value];
            if flag != "--fal-key" {
                args.extend(["--fal-key", "k"]);
            }
            let config = Config::parse_from(args);
            assert_eq!(config.check().unwrap_err().variable, variable);
        }
        for (flag, value) in [("--concurrency", "0"), ("--max-attempts", "0"), ("--listen", "here")]
        {
            assert!(
                Config::try_parse_from(["image-worker", "--fal-key", "k", flag, value]).is_err()
            );
        }
    }
}
