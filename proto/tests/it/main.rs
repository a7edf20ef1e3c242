//! The typed clients against servers that misbehave, over loopback.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod balance;
mod errors;
mod events;
mod guard;
#[path = "../live/billing.rs"]
mod live;
mod pictures;
mod refusals;
mod relay;
mod retries;
mod server;
mod tls;
mod vanished;
