//! What connections to the gRPC port are made with.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use http::HeaderValue;
use service_kit::tls::TlsFiles;

use super::values::origin;

const AGE: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(10)..=Duration::from_secs(24 * 60 * 60);

/// Certificates, the age of connections, and browsers.
#[derive(Debug, Clone, Args)]
pub struct EdgeConfig {
    /// The server's certificate, with the intermediate ones after it: PEM. With BILLING_TLS_KEY: gRPC is served over TLS only.
    /// Read again when it changes, as are the two below and the auth file.
    #[arg(long, env = "BILLING_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// The private key of BILLING_TLS_CERT: PEM.
    #[arg(long, env = "BILLING_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// The CAs of clients: PEM, several while one is replaced. Clients then have to show a certificate of them (mTLS), and
    /// callers can be known by its `san`.
    #[arg(long, env = "BILLING_TLS_CLIENT_CA", value_name = "FILE")]
    pub tls_client_ca: Option<PathBuf>,

    /// How old a connection may be before its client is told to make another one, so that clients spread over new replicas:
    /// 10s to 24h, 0s for ever. Calls under way then have three more minutes.
    #[arg(
        long,
        env = "BILLING_MAX_CONNECTION_AGE",
        default_value = "5m",
        value_name = "DURATION",
        value_parser = age
    )]
    pub max_connection_age: Duration,

    /// The origins whose pages may call from a browser, by gRPC-Web, with commas between: each `scheme://host`, with `:port` where
    /// it is not the scheme's own. HTTP/1.1 is then served as well as HTTP/2. Callers are the same: a page shows its token, and
    /// without BILLING_AUTH_FILE each page of these origins is an admin. Where clients have to show certificates, browsers need
    /// a proxy that has one. Absent: pages can't call.
    #[arg(
        long,
        env = "BILLING_GRPC_WEB_ORIGINS",
        value_name = "ORIGINS",
        value_delimiter = ',',
        value_parser = origin
    )]
    pub grpc_web_origins: Vec<HeaderValue>,
}

impl EdgeConfig {
    pub(super) fn tls(&self) -> TlsFiles<'_> {
        TlsFiles {
            prefix: "BILLING",
            cert: self.tls_cert.as_deref(),
            key: self.tls_key.as_deref(),
            client_ca: self.tls_client_ca.as_deref(),
        }
    }

    /// `None`: for ever.
    pub(super) fn max_age(&self) -> Option<Duration> {
        (!self.max_connection_age.is_zero()).then_some(self.max_connection_age)
    }
}

fn age(text: &str) -> Result<Duration, String> {
    let age = humantime::parse_duration(text.trim()).map_err(|error| error.to_string())?;
    let allowed = age.is_zero() || AGE.contains(&age);
    if allowed { Ok(age) } else { Err("0s, or 10s to 24h".to_owned()) }
}
