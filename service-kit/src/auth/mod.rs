//! Who calls, and may they?
//!
//! A caller is known by the SHA-256 of its bearer token, by a name (SAN) in its client certificate, or by both together, as a
//! TOML file lists it; the file is read again when it changes. [`AuthLayer`] finds the [`Caller`], asks the service's own rule for
//! role and RPC, and leaves the caller in the request's extensions for finer rules. Health and reflection are open to all who can
//! connect. Without a file everyone is the admin `local`, and [`check_listen`] keeps such a service on loopback. [`Access`] reads
//! all that is configured, TLS too.
//!
//! Tokens are compared in constant time, and neither they nor their hashes appear in logs, errors or `Debug`.

mod access;
mod callers;
mod layer;
mod roster;

use std::net::SocketAddr;

use serde::Deserialize;

pub use access::{Access, AccessError, AccessFiles};
pub use callers::Callers;
pub use layer::{AuthLayer, AuthService};
pub use roster::AuthFileError;

/// What a caller is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The bot: charges users, and speaks for them.
    Gateway,
    /// The maker of pictures: settles what was charged.
    Worker,
    /// Another program of ours: charges and settles.
    Service,
    /// Reads.
    Viewer,
    /// Everything.
    Admin,
}

/// Who sent a request. In its extensions once [`AuthLayer`] let it pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// As in the file; `local` where there is none.
    pub name: String,
    /// What it may do follows from this.
    pub role: Role,
}

/// A service that knows no callers is open on an address that others can reach.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{address} can be reached from elsewhere: set the auth file (…_AUTH_FILE), or listen on a loopback address"
)]
pub struct OpenToAll {
    address: SocketAddr,
}

/// Refuses to listen on anything but loopback when there is no auth file, and says so in the log when it is open.
pub fn check_listen(address: SocketAddr, has_file: bool) -> Result<(), OpenToAll> {
    if has_file {
        return Ok(());
    }
    if !address.ip().to_canonical().is_loopback() {
        return Err(OpenToAll { address });
    }
    tracing::warn!(%address, "no auth file: every caller on this machine is an admin");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_file_only_loopback_will_do() {
        for address in ["127.0.0.1:1", "127.8.8.8:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(check_listen(address, false), Ok(()), "{address}");
        }
        for address in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "[::ffff:10.0.0.1]:1"] {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(check_listen(address, false), Err(OpenToAll { address }));
            assert_eq!(check_listen(address, true), Ok(()));
        }
    }
}
