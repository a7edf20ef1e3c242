//! What connections to the gRPC port are made with.

use std::path::PathBuf;

use clap::Args;
use service_kit::tls::TlsFiles;

/// Certificates of the gRPC port.
#[derive(Debug, Clone, Args)]
pub struct TlsConfig {
    /// The server's certificate, with the intermediate ones after it: PEM. With GATEWAY_TLS_KEY: gRPC is served over TLS only.
    /// It is shown to `https://` services that are called, too. Read again when it changes, as are the two below and the auth file.
    #[arg(long, env = "GATEWAY_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,

    /// The private key of GATEWAY_TLS_CERT: PEM.
    #[arg(long, env = "GATEWAY_TLS_KEY")]
    pub tls_key: Option<PathBuf>,

    /// The CAs of clients: PEM, several while one is replaced. Clients then have to show a certificate of them (mTLS), and
    /// callers can be known by its `san`. Services called at `https://` URLs must have one of them as well.
    #[arg(long, env = "GATEWAY_TLS_CLIENT_CA")]
    pub tls_client_ca: Option<PathBuf>,
}

impl TlsConfig {
    /// As the server takes them.
    pub fn files(&self) -> TlsFiles<'_> {
        TlsFiles {
            prefix: "GATEWAY",
            cert: self.tls_cert.as_deref(),
            key: self.tls_key.as_deref(),
            client_ca: self.tls_client_ca.as_deref(),
        }
    }
}
