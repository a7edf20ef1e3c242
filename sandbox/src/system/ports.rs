//! Ports for services that are restarted: picked outside the range from which the system serves outgoing connections,
//! so that none of those takes a port while its service is down.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Mutex, PoisonError};

use anyhow::bail;
use rand::RngExt;

static TAKEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A loopback address that nothing listens on and that this process has not handed out before.
///
/// # Errors
/// A thousand tries found none.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    for _ in 0..1000 {
        let port = rand::rng().random_range(12_000..32_000);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let fresh = TAKEN.lock().unwrap_or_else(PoisonError::into_inner).insert(port);
        if fresh && TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no free port between 12000 and 32000")
}
