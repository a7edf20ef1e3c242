//! The services that the gateway calls.

use std::path::PathBuf;

use clap::Args;
use proto::client::{ClientConfig, VariableError, Variables};
use secrecy::SecretString;
use service_kit::tls::TlsFiles;

/// The services that are called.
#[derive(Debug, Clone, Args)]
pub struct PeersConfig {
    /// billing-svc: `http://host:port`; or `https://host:port`, which needs GATEWAY_TLS_CLIENT_CA, whose CA must have signed the
    /// server's certificate for that host. Several URLs are separated by commas. Calls take turns at all addresses that the hosts
    /// stand for (looked up again every few seconds), and leave out one that does not answer.
    #[arg(long, env = "BILLING_URL", default_value = "http://127.0.0.1:50051")]
    pub billing_url: String,
    /// What this service shows to billing-svc; its role there must be gateway.
    #[arg(long, env = "BILLING_TOKEN", hide_env_values = true)]
    pub billing_token: Option<SecretString>,
    /// The file that holds this token, instead of BILLING_TOKEN. Read again when it changes.
    #[arg(long, env = "BILLING_TOKEN_FILE")]
    pub billing_token_file: Option<PathBuf>,
    /// image-worker; like BILLING_URL.
    #[arg(long, env = "WORKER_URL", default_value = "http://127.0.0.1:50053")]
    pub worker_url: String,
    /// What this service shows to image-worker; its role there must be gateway.
    #[arg(long, env = "WORKER_TOKEN", hide_env_values = true)]
    pub worker_token: Option<SecretString>,
    /// The file that holds this token, instead of WORKER_TOKEN. Read again when it changes.
    #[arg(long, env = "WORKER_TOKEN_FILE")]
    pub worker_token_file: Option<PathBuf>,
}

/// How the other services are called.
#[derive(Debug, Clone)]
pub struct Peers {
    /// billing-svc.
    pub billing: ClientConfig,
    /// image-worker.
    pub worker: ClientConfig,
}

impl PeersConfig {
    /// With the gateway's own certificate, for `https://`.
    pub(super) fn check(&self, own: TlsFiles<'_>) -> Result<Peers, VariableError> {
        let billing = Variables {
            callee: "BILLING",
            url: &self.billing_url,
            token: self.billing_token.as_ref(),
            token_file: self.billing_token_file.as_deref(),
            caller: own.prefix,
            cert: own.cert,
            key: own.key,
            client_ca: own.client_ca,
        };
        let worker = Variables {
            callee: "WORKER",
            url: &self.worker_url,
            token: self.worker_token.as_ref(),
            token_file: self.worker_token_file.as_deref(),
            ..billing
        };
        Ok(Peers { billing: billing.check()?, worker: worker.check()? })
    }
}
