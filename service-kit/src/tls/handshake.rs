//! One handshake: bounded in time, and what became of it said once.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, CertificateError, DigitallySignedStruct, DistinguishedName, SignatureScheme,
        client::danger::HandshakeSignatureValid,
        pki_types::{CertificateDer, UnixTime},
        server::danger::{ClientCertVerified, ClientCertVerifier},
    },
    server::TlsStream,
};

use super::{Tls, names_of};

/// What takes longer has failed.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The names in the certificate that a client showed.
pub(super) type Shown = Vec<String>;

/// Verifies as `inner` does and keeps whose certificate it was, for the log.
#[derive(Debug)]
pub(super) struct Showing {
    pub(super) inner: Arc<dyn ClientCertVerifier>,
    pub(super) shown: Arc<Mutex<Option<Shown>>>,
}

impl ClientCertVerifier for Showing {
    fn offer_client_auth(&self) -> bool {
        self.inner.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let names = names_of(end_entity);
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(names);
        self.inner.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// The connection, and the names in the client's certificate; `None` when it failed, which was logged and counted in
/// `tls_handshakes_total{result}`.
pub(super) async fn shake_hands(
    tls: Tls,
    stream: TcpStream,
    peer: SocketAddr,
) -> Option<(TlsStream<TcpStream>, Shown)> {
    let shown = Arc::new(Mutex::new(None));
    let done = tokio::time::timeout(HANDSHAKE_TIMEOUT, accept(&tls, stream, &shown)).await;
    let shown = shown.lock().unwrap_or_else(PoisonError::into_inner).take();
    let failure = match done {
        Ok(Ok(stream)) => {
            count("ok");
            return Some((stream, shown.unwrap_or_default()));
        }
        Ok(Err(error)) => Failure::of(&error),
        Err(_) => Failure { result: "timeout", why: "took too long".to_owned() },
    };
    count(failure.result);
    let why = failure.why;
    if failure.result == CLOSED && shown.is_none() {
        // What looks whether the port is open does this all the time.
        tracing::debug!(%peer, why, "no TLS handshake");
    } else {
        let names = shown.unwrap_or_default();
        tracing::warn!(%peer, why, ?names, "refused: the TLS handshake failed");
    }
    None
}

async fn accept(
    tls: &Tls,
    stream: TcpStream,
    shown: &Arc<Mutex<Option<Shown>>>,
) -> io::Result<TlsStream<TcpStream>> {
    let config = tls.material().config(tls.http1, shown).map_err(io::Error::other)?;
    TlsAcceptor::from(Arc::new(config)).accept(stream).await
}

fn count(result: &'static str) {
    metrics::counter!("tls_handshakes_total", "result" => result).increment(1);
}

/// The peer went before anything was wrong.
const CLOSED: &str = "closed";

/// A failed handshake, as metrics and the log have it.
struct Failure {
    result: &'static str,
    why: String,
}

impl Failure {
    fn of(error: &io::Error) -> Self {
        let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let Some(cause) = cause else {
            return Self { result: CLOSED, why: error.to_string() };
        };
        let result = match cause {
            rustls::Error::NoCertificatesPresented => "no_certificate",
            rustls::Error::InvalidCertificate(why) => of_certificate(why),
            // The client refuses ours: another CA, another name, or its time is over.
            rustls::Error::AlertReceived(_) => "refused_by_client",
            rustls::Error::InvalidMessage(_) => "not_tls",
            // Foreign and open-ended: whatever else there is, the log has it.
            _ => "protocol",
        };
        Self { result, why: cause.to_string() }
    }
}

fn of_certificate(why: &CertificateError) -> &'static str {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "not_yet_valid"
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => "unknown_ca",
        // Foreign and open-ended likewise.
        _ => "bad_certificate",
    }
}
