//! One more instance of a service beside the wired ones.

use anyhow::bail;

use super::callers::AsGateway;
use super::process::Process;
use super::wiring::Addresses;

/// A running instance. Dropping it kills the process.
#[derive(Debug)]
pub struct Instance {
    pub(super) process: Process,
    pub(super) addresses: Addresses,
    pub(super) as_gateway: AsGateway,
}

impl Instance {
    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Clients of this very instance with the role `gateway`; for one of billing-svc.
    pub fn as_gateway(&self) -> &AsGateway {
        &self.as_gateway
    }

    /// The last lines of its log.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// SIGKILL; returns once the process is gone.
    ///
    /// # Errors
    /// It has ended by itself.
    pub async fn kill(self) -> anyhow::Result<()> {
        self.process.kill().await
    }

    /// SIGTERM; returns once the process is gone.
    ///
    /// # Errors
    /// It did not drain in half a minute, or ended with another code than 0.
    pub async fn stop(self) -> anyhow::Result<()> {
        let log = self.process.log();
        let status = self.process.stop().await?;
        if !status.success() {
            bail!("it ended with {status}\n{log}");
        }
        Ok(())
    }
}
