//! A baseline as a process.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use nix::sys::signal::Signal;
use secrecy::{ExposeSecret, SecretString};

use super::baseline::Kind;
use super::child::{Child, Launch};

/// A running baseline. Dropping it ends the process and waits until it is gone.
#[derive(Debug)]
pub struct Standing {
    child: Child,
    address: String,
}

impl Standing {
    /// Starts this very program as a baseline. The secrets go by its environment, which only the same user can read.
    ///
    /// # Errors
    /// It can't be started, or ended.
    pub async fn start(
        folder: &Path,
        kind: Kind,
        database: Option<&SecretString>,
        token: Option<&SecretString>,
    ) -> anyhow::Result<Self> {
        let mut env = BTreeMap::new();
        for (name, secret) in [("BASELINE_DATABASE_URL", database), ("BASELINE_TOKEN", token)] {
            if let Some(secret) = secret {
                env.insert(name.to_owned(), secret.expose_secret().to_owned());
            }
        }
        let name = kind.name();
        let mut child = Child::start(Launch {
            program: &super::billing::beside("kopilka-bench")?,
            arguments: vec!["baseline".into(), name.into()],
            env,
            user: None,
            log: folder.join(format!("{name}.log")),
            speaks: true,
            end_by: Signal::SIGTERM,
        })?;
        let address = child.first_line().await.with_context(|| format!("the baseline {name}"))?;
        Ok(Self { child, address })
    }

    /// Where gRPC is served.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// # Errors
    /// It has ended; the error shows the end of its log.
    pub fn alive(&mut self) -> anyhow::Result<()> {
        self.child.alive().context("a baseline")
    }
}
