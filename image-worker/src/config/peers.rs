//! The services that the worker calls.

use std::path::PathBuf;

use clap::Args;
use proto::client::{ClientConfig, VariableError, Variables};
use secrecy::SecretString;
use service_kit::tls::TlsFiles;

/// The services that are called.
#[derive(Debug, Clone, Args)]
pub struct PeersConfig {
    /// Where billing-svc is called, to hold, complete and refund: http://HOST:PORT; or https://HOST:PORT, which needs
    /// WORKER_TLS_CLIENT_CA, whose CA must have signed the server's certificate for that host. Several URLs are separated by commas.
    /// Calls take turns at all addresses that the hosts stand for (looked up again every few seconds), and leave out one that does
    /// not answer.
    #[arg(long, env = "BILLING_URL", default_value = "http://127.0.0.1:50051")]
    pub billing_url: String,

    /// The bearer token for it; its role there must be worker.
    #[arg(long, env = "BILLING_TOKEN", hide_env_values = true)]
    pub billing_token: Option<SecretString>,

    /// The file that holds this token, instead of BILLING_TOKEN. Read again when it changes.
    #[arg(long, env = "BILLING_TOKEN_FILE")]
    pub billing_token_file: Option<PathBuf>,

    /// Where bot-gateway is called, to deliver; like BILLING_URL.
    #[arg(long, env = "GATEWAY_URL", default_value = "http://127.0.0.1:50052")]
    pub gateway_url: String,

    /// The bearer token for it; its role there must be worker.
    #[arg(long, env = "GATEWAY_TOKEN", hide_env_values = true)]
    pub gateway_token: Option<SecretString>,

    /// The file that holds this token, instead of GATEWAY_TOKEN. Read again when it changes.
    #[arg(long, env = "GATEWAY_TOKEN_FILE")]
    pub gateway_token_file: Option<PathBuf>,
}

/// How the other services are called.
#[derive(Debug, Clone)]
pub struct Peers {
    /// billing-svc.
    pub billing: ClientConfig,
    /// bot-gateway.
    pub gateway: ClientConfig,
}

impl PeersConfig {
    /// With the worker's own certificate, for `https://`.
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
        let gateway = Variables {
            callee: "GATEWAY",
            url: &self.gateway_url,
            token: self.gateway_token.as_ref(),
            token_file: self.gateway_token_file.as_deref(),
            ..billing
        };
        Ok(Peers { billing: billing.check()?, gateway: gateway.check()? })
    }
}
