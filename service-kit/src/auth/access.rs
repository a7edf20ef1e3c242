//! Who may connect, and who may call: all files of a server's edge together.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use tokio_util::sync::CancellationToken;

use super::{AuthFileError, Callers, OpenToAll, check_listen};
use crate::{
    reload::{LoadError, Watched},
    tls::{Tls, TlsError, TlsFiles},
};

/// The files, by the prefix of their variables: `BILLING` for `BILLING_AUTH_FILE`, `BILLING_TLS_CERT` and so on.
#[derive(Debug, Clone, Copy)]
pub struct AccessFiles<'a> {
    /// Who may call.
    pub auth: Option<&'a Path>,
    /// What connections are made with; its prefix is that of all.
    pub tls: TlsFiles<'a>,
}

/// What is wrong with them, by the name of the variable.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// `…_TLS_…`.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// `…_AUTH_FILE`.
    #[error(transparent)]
    Callers(#[from] LoadError<AuthFileError>),
    /// `…_LISTEN`, without callers.
    #[error("{prefix}_LISTEN: {source}")]
    Open {
        /// Of the variables.
        prefix: String,
        /// Why not.
        source: OpenToAll,
    },
}

/// Who may connect and call, as the files have it now. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Access {
    /// Who may call.
    pub callers: Callers,
    /// `None`: connections are plain.
    pub tls: Option<Tls>,
}

impl Access {
    /// Reads the files, and checks that a server that listens there is not open to all. Where connections from elsewhere are plain,
    /// the log says so: something in between has to keep them private.
    ///
    /// # Errors
    /// What is wrong, by the name of its variable.
    pub fn load(files: AccessFiles<'_>, listen: SocketAddr) -> Result<Self, AccessError> {
        let prefix = files.tls.prefix;
        let tls = Tls::load(files.tls)?;
        let callers = match files.auth {
            Some(path) => {
                let variable = format!("{prefix}_AUTH_FILE");
                let file = Watched { variable, path: PathBuf::from(path) };
                Callers::load(file, tls.as_ref().is_some_and(Tls::is_mutual))?
            }
            None => Callers::local(),
        };
        check_listen(listen, callers.has_file())
            .map_err(|source| AccessError::Open { prefix: prefix.to_owned(), source })?;
        if tls.is_none() && !listen.ip().to_canonical().is_loopback() {
            tracing::warn!(
                address = %listen,
                "no TLS: tokens cross the network in the clear, unless a mesh encrypts it ({prefix}_TLS_CERT)"
            );
        }
        Ok(Self { callers, tls })
    }

    /// Looks at all files until `stop`. Without this running they stay as they were read first.
    pub async fn follow(self, stop: CancellationToken) {
        let tls = async {
            if let Some(tls) = self.tls {
                tls.follow(stop.clone()).await;
            }
        };
        tokio::join!(tls, self.callers.follow(stop.clone()));
        // Where there are no files to look at: whoever runs this takes its end for a failure.
        stop.cancelled().await;
    }
}
