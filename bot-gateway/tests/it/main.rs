//! The gateway as its neighbours meet it: Telegram (a stand-in), the worker (over gRPC), and a database of its own.
//!
//! The services of ours come as small ones in this process: [`images`] has pictures, [`bank`] says what happened to
//! money, [`conversation`] brings a billing service and a worker that keep what they were asked. What only the whole system can show is shown in `sandbox/tests`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a broken precondition of a test is a failed test, in its harness too"
)]

mod bank;
mod conversation;
mod delivery;
mod harness;
mod images;
mod intake;
mod metrics;
mod news;
mod notices;
mod payment_webhook;
mod probes;
mod requests;
mod stars;
mod webhook;
