//! TLS at a gRPC server's edge, with files that may change while it serves.
//!
//! tonic's own TLS takes its certificate once; [`incoming`] takes the newest at each handshake. A connection that stands keeps what
//! it was made with, for as long as the server lets connections live. With a CA for clients (mTLS) each client has to show
//! a certificate of it, and its names ([`Peer`]) are in the extensions of each request.
//!
//! Sessions are never resumed: a resumed one would not look at the certificate again.

mod connection;
mod handshake;
mod material;
mod names;

use std::{path::Path, path::PathBuf, sync::Arc};

use tokio_util::sync::CancellationToken;

pub use connection::{Connection, Peer, incoming};
pub use material::Problem;
pub(crate) use names::OF_URIS;
pub use names::names_of;

use crate::reload::{Live, LoadError, Watched};
use material::Material;

/// The files of a server's TLS, by the prefix of their variables: `BILLING` for `BILLING_TLS_CERT` and so on.
#[derive(Debug, Clone, Copy)]
pub struct TlsFiles<'a> {
    /// Before `_TLS_…`.
    pub prefix: &'a str,
    /// The certificate, and the intermediate ones after it (PEM).
    pub cert: Option<&'a Path>,
    /// Its private key (PEM).
    pub key: Option<&'a Path>,
    /// The CAs of clients (PEM, several during a rotation): makes clients' certificates required.
    pub client_ca: Option<&'a Path>,
}

/// What is wrong with TLS' configuration, by the name of the variable.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One without the other.
    #[error("{prefix}_TLS_CERT and {prefix}_TLS_KEY belong together: set both, or neither")]
    Half {
        /// Before `_TLS_…`.
        prefix: String,
    },
    /// Clients can't be asked for certificates without TLS.
    #[error("{prefix}_TLS_CLIENT_CA needs {prefix}_TLS_CERT and {prefix}_TLS_KEY")]
    CaAlone {
        /// Before `_TLS_…`.
        prefix: String,
    },
    /// A file can't be read, or holds something else.
    #[error(transparent)]
    Files(#[from] LoadError<Problem>),
}

/// A server's TLS. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tls {
    live: Live<Material, Problem>,
    mutual: bool,
    http1: bool,
}

impl Tls {
    /// Reads the files; `None` where there are none.
    ///
    /// # Errors
    /// What is wrong, by the name of its variable.
    pub fn load(files: TlsFiles<'_>) -> Result<Option<Self>, TlsError> {
        let prefix = files.prefix;
        let (cert, key) = match (files.cert, files.key) {
            (Some(cert), Some(key)) => (cert, key),
            (None, None) if files.client_ca.is_none() => return Ok(None),
            (None, None) => return Err(TlsError::CaAlone { prefix: prefix.to_owned() }),
            (Some(_), None) | (None, Some(_)) => {
                return Err(TlsError::Half { prefix: prefix.to_owned() });
            }
        };
        let watched = |name: &str, path: &Path| Watched {
            variable: format!("{prefix}_TLS_{name}"),
            path: PathBuf::from(path),
        };
        let mut all = vec![watched("CERT", cert), watched("KEY", key)];
        all.extend(files.client_ca.map(|path| watched("CLIENT_CA", path)));
        let variables: Vec<String> = all.iter().map(|file| file.variable.clone()).collect();
        let live = Live::load(all, move |contents| Material::new(&variables, contents))?;
        Ok(Some(Self { live, mutual: files.client_ca.is_some(), http1: false }))
    }

    /// Do clients have to show a certificate?
    pub fn is_mutual(&self) -> bool {
        self.mutual
    }

    /// Also for clients that speak HTTP/1.1 only, as some of gRPC-Web do.
    #[must_use]
    pub fn with_http1(self) -> Self {
        Self { http1: true, ..self }
    }

    /// Looks at the files until `stop`.
    pub async fn follow(self, stop: CancellationToken) {
        self.live.follow(stop).await;
    }

    fn material(&self) -> Arc<Material> {
        self.live.current()
    }
}
