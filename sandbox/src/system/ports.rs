//! Ports that a service can be given before it runs, and again after it was killed.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, bail};

/// Below the range from which the system takes ports for outgoing connections, so that none is taken meanwhile.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// A free port that no other call of this process was given. Processes begin at different places of the range.
pub fn free() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let size = RANGE.end - RANGE.start;
    let begin = u16::try_from(std::process::id() * 97 % u32::from(size)).unwrap_or_default();
    for _ in 0..size {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % size;
        let port = RANGE.start + (begin + step) % size;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port in {RANGE:?}")
}
