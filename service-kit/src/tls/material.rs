//! What TLS is made of, read from PEM.

use std::sync::{Arc, Mutex};

use tokio_rustls::rustls::{
    self, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::{CertifiedKey, SingleCertAndKey},
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::handshake::{Showing, Shown};

/// The protocol that we speak (ALPN).
const HTTP2: &[u8] = b"h2";
/// Where a server takes it as well.
const HTTP1: &[u8] = b"http/1.1";

/// A file that holds something else than it should, by its variable. Holds nothing of its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {what}")]
pub struct Problem {
    variable: String,
    what: String,
}

/// A certificate with its key, and who may connect.
#[derive(Debug)]
pub(super) struct Material {
    provider: Arc<CryptoProvider>,
    identity: Arc<SingleCertAndKey>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
}

impl Material {
    /// Of the contents of certificate, key and, where clients show certificates, their CAs.
    pub(super) fn new(variables: &[String], contents: &[Vec<u8>]) -> Result<Self, Problem> {
        let problem = |index: usize, what: String| Problem {
            variable: variables.get(index).cloned().unwrap_or_default(),
            what,
        };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let (cert, key) = match contents {
            [cert, key, ..] => (cert, key),
            [] | [_] => return Err(problem(0, "a certificate and its key are needed".to_owned())),
        };
        let chain = certificates(cert).map_err(|what| problem(0, what))?;
        let key = PrivateKeyDer::from_pem_slice(key)
            // What the parser says may quote the key.
            .map_err(|_| problem(1, "is no private key in PEM".to_owned()))?;
        let shown = chain.first().cloned();
        let identity =
            CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => {
                    problem(1, "is not the key of the certificate".to_owned())
                }
                other => problem(1, format!("does not go with the certificate: {other}")),
            })?;
        let clients = match contents.get(2) {
            Some(pem) => Some(verifier(pem, &provider).map_err(|what| problem(2, what))?),
            None => None,
        };
        // Now only: of what is refused nothing is served, and it must not look as if the rotation had come off.
        tell_end(variables, shown.as_ref());
        Ok(Self { provider, identity: Arc::new(identity.into()), clients })
    }

    /// For one connection; what the client shows is left in `shown`.
    pub(super) fn config(
        &self,
        http1: bool,
        shown: &Arc<Mutex<Option<Shown>>>,
    ) -> Result<ServerConfig, rustls::Error> {
        let builder = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?;
        let builder = match &self.clients {
            Some(clients) => {
                let showing = Showing { inner: clients.clone(), shown: shown.clone() };
                builder.with_client_cert_verifier(Arc::new(showing))
            }
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(self.identity.clone());
        config.alpn_protocols = vec![HTTP2.to_vec()];
        if http1 {
            config.alpn_protocols.push(HTTP1.to_vec());
        }
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }
}

fn verifier(
    pem: &[u8],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots
            .add(certificate)
            .map_err(|error| format!("holds a certificate that can't be a CA's: {error}"))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| error.to_string())
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) | Err(_) => Err("holds no certificate in PEM".to_owned()),
    }
}

/// When the server's certificate ends: `tls_certificate_expiry_timestamp_seconds{file}`, for an alert on a rotation that does
/// not happen. One that has ended is served all the same, for there is no other: clients refuse it, and the log says why.
fn tell_end(variables: &[String], shown: Option<&CertificateDer<'_>>) {
    let Some((variable, first)) = variables.first().zip(shown) else {
        return;
    };
    let Ok((_, certificate)) = X509Certificate::from_der(first) else {
        return;
    };
    let validity = certificate.validity();
    #[expect(clippy::cast_precision_loss, reason = "whole seconds of this age fit")]
    let end = validity.not_after.timestamp() as f64;
    metrics::gauge!("tls_certificate_expiry_timestamp_seconds", "file" => variable.clone())
        .set(end);
    if !validity.is_valid() {
        tracing::error!(
            file = variable,
            not_before = %validity.not_before,
            not_after = %validity.not_after,
            "the server's certificate is not valid now: clients will refuse it"
        );
    }
}
