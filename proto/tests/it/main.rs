//! The typed clients against servers that misbehave, over loopback.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod balance;
mod errors;
mod events;
mod pictures;
mod relay;
mod retries;
mod server;
mod tls;
mod vanished;
