//! Tokens and certificates from files that are read again when they change.
//!
//! A rotation needs no restart: every second the files are compared with what they held before (by content, for
//! Kubernetes swaps symbolic links). New content counts when two looks in a row saw it: a file that is being written, or a
//! certificate whose key is still to come, is left alone. Content that can't be used is told once, and what there was
//! stays in use.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use tokio_rustls::rustls::{
    RootCertStore,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

use super::{ClientConfig, ClientError, bearer::Bearer};

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a caller shows to prove who it is.
#[derive(Debug, Clone)]
pub enum Token {
    /// This one, for as long as the client lives.
    Plain(SecretString),
    /// The content of this file, without blanks around it. It is read again when it changes.
    File {
        /// Where it is.
        path: PathBuf,
        /// What it is called in `config_reloads_total{file, result="ok|failed"}`, which counts that: the variable that names it.
        variable: String,
    },
}

/// How a client speaks to `https://` servers. PEM files, read again when they change: new calls go over new connections
/// then, streams under way stay where they are.
#[derive(Debug, Clone)]
pub struct ClientTls {
    /// The certificates that may have signed a server's. Nothing else is trusted.
    pub ca: PathBuf,
    /// What is shown to servers that ask for a certificate.
    pub identity: Option<ClientIdentity>,
}

/// A client's own certificate.
#[derive(Debug, Clone)]
pub struct ClientIdentity {
    /// The certificate, then those between it and the CA.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// All that a client shows and checks, as the files are now.
pub(super) struct Credentials {
    pub(super) bearer: Bearer,
    pub(super) trust: Option<ClientTlsConfig>,
    pub(super) token_file: Option<Watched<Bearer>>,
    pub(super) tls_files: Option<Watched<ClientTlsConfig>>,
}

impl Credentials {
    pub(super) fn read(config: &ClientConfig) -> Result<Self, ClientError> {
        let (bearer, token_file) = match &config.token {
            None => (Bearer::none(), None),
            Some(Token::Plain(token)) => (Bearer::new(token.expose_secret())?, None),
            Some(Token::File { path, variable }) => {
                let counted_as = Some(variable.clone());
                let file = Watched::new([path.as_path()], bearer, counted_as);
                (file.value()?, Some(file))
            }
        };
        let tls_files = config.tls.as_ref().map(|tls| {
            let own = tls.identity.iter().flat_map(|own| [own.cert.as_path(), own.key.as_path()]);
            Watched::new([tls.ca.as_path()].into_iter().chain(own), tls_config, None)
        });
        let trust = tls_files.as_ref().map(Watched::value).transpose()?;
        Ok(Self { bearer, trust, token_file, tls_files })
    }
}

/// Files that make one value together, as they were when it was last made. Has no `Debug`: some hold secrets.
pub(super) struct Watched<T> {
    files: Vec<File>,
    make: fn(&[File]) -> Result<T, ClientError>,
    /// In the metric. A service's certificates have none here: its server reads the same files, and counts them.
    counted_as: Option<String>,
}

#[derive(PartialEq)]
struct File {
    path: PathBuf,
    content: Result<Vec<u8>, io::ErrorKind>,
}

impl<T> Watched<T> {
    fn new<'a>(
        paths: impl IntoIterator<Item = &'a Path>,
        make: fn(&[File]) -> Result<T, ClientError>,
        counted_as: Option<String>,
    ) -> Self {
        Self { files: paths.into_iter().map(File::read).collect(), make, counted_as }
    }

    /// The value as the files were when last read.
    fn value(&self) -> Result<T, ClientError> {
        (self.make)(&self.files)
    }

    /// Waits until the files have changed to something that can be used.
    pub(super) async fn next(&mut self) -> T {
        let mut seen = Vec::new();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.look().await;
            if now != seen || now == self.files {
                seen = now;
                continue;
            }
            self.files = now;
            let value = self.value();
            self.count(if value.is_ok() { "ok" } else { "failed" });
            match value {
                Ok(value) => {
                    tracing::info!(files = self.names(), "read again, for new calls");
                    return value;
                }
                Err(error) => {
                    tracing::error!(%error, "can't be used; what there was stays in use");
                }
            }
        }
    }

    async fn look(&self) -> Vec<File> {
        let mut files = Vec::new();
        for File { path, .. } in &self.files {
            let content = tokio::fs::read(path).await.map_err(|error| error.kind());
            files.push(File { path: path.clone(), content });
        }
        files
    }

    fn count(&self, result: &'static str) {
        if let Some(file) = self.counted_as.clone() {
            metrics::counter!("config_reloads_total", "file" => file, "result" => result)
                .increment(1);
        }
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.files.iter().map(|file| file.path.to_string_lossy()).collect();
        names.join(", ")
    }
}

impl File {
    fn read(path: &Path) -> Self {
        Self { path: path.to_owned(), content: fs::read(path).map_err(|error| error.kind()) }
    }

    fn bytes(&self) -> Result<&[u8], ClientError> {
        self.content.as_deref().map_err(|kind| self.unusable(kind.to_string()))
    }

    fn unusable(&self, why: impl Into<String>) -> ClientError {
        ClientError::BadFile { path: self.path.clone(), why: why.into() }
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, ClientError> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(self.bytes()?).collect();
        match found {
            Ok(none) if none.is_empty() => Err(self.unusable("holds no certificate in PEM")),
            Ok(some) => Ok(some),
            Err(error) => Err(self.unusable(error.to_string())),
        }
    }
}

fn bearer(files: &[File]) -> Result<Bearer, ClientError> {
    let [file] = files else {
        return Ok(Bearer::none());
    };
    let text = std::str::from_utf8(file.bytes()?).map_err(|_| file.unusable("is no text"))?;
    match text.trim() {
        "" => Err(file.unusable("holds no token")),
        token => Bearer::new(token).map_err(|error| file.unusable(error.to_string())),
    }
}

/// Says what is wrong with a file before a handshake fails of it.
fn tls_config(files: &[File]) -> Result<ClientTlsConfig, ClientError> {
    choose_crypto();
    let config = ClientTlsConfig::new();
    let Some((ca, own)) = files.split_first() else {
        return Ok(config);
    };
    let mut roots = RootCertStore::empty();
    for certificate in ca.certificates()? {
        roots.add(certificate).map_err(|error| ca.unusable(error.to_string()))?;
    }
    let config = config.ca_certificate(Certificate::from_pem(ca.bytes()?));
    let [cert, key] = own else {
        return Ok(config);
    };
    let private = PrivateKeyDer::from_pem_slice(key.bytes()?)
        .map_err(|_| key.unusable("holds no private key in PEM"))?;
    CertifiedKey::from_der(cert.certificates()?, private, &aws_lc_rs::default_provider())
        .map_err(|error| cert.unusable(format!("does not fit {}: {error}", key.path.display())))?;
    Ok(config.identity(Identity::from_pem(cert.bytes()?, key.bytes()?)))
}

/// tonic names no provider, and rustls panics where more than one is compiled in: teloxide brings a second one to the gateway.
fn choose_crypto() {
    if CryptoProvider::get_default().is_none() {
        // Refused only where another thread has just chosen.
        drop(aws_lc_rs::default_provider().install_default());
    }
}
