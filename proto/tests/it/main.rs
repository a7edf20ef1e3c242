//! The typed clients against servers that misbehave, over loopback.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod errors;
mod events;
mod pictures;
mod retries;
mod server;
mod vanished;
