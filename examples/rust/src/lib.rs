//! The examples of `docs/integration.md`: a bot on teloxide that sells pictures, the worker that makes them, and a web app that
//! takes YooKassa's notifications. All three charge and settle over gRPC.

pub mod bot;
pub mod guard;
pub mod jobs;
pub mod web;
pub mod worker;

use anyhow::Context;

/// A variable of the environment that has to be there.
fn variable(name: &str) -> anyhow::Result<String> {
    std::env::var(name).with_context(|| name.to_owned())
}
