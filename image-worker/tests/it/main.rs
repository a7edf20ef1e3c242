//! image-worker as its callers and its provider meet it: the whole service in this process, on ports of its own, with a
//! real database and fal.ai's stand-in.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's own set-up fails by panicking")]

mod fal;
mod harness;
mod inputs;
mod lifecycle;
mod metrics;
mod outages;
mod peers;
mod probes;
mod returns;
mod store;
mod submit;
