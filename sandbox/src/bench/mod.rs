//! The benchmark: a load generator that anybody may point at any billing-svc, and the suite that measures Kopilka side by
//! side with what it is compared to.

pub mod history;
pub mod load;
pub mod servers;
pub mod services;
pub mod suite;

mod cli;

use clap::Parser;

use cli::{Cli, Command};

/// Runs the command line.
///
/// # Errors
/// Something can't be started, reached or written; its text says what.
pub async fn run() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Load(load) => load.run().await,
        Command::Seed(seed) => seed.run().await,
        Command::Services(services) => services.run().await,
        Command::Suite(suite) => suite.run().await,
        Command::Baseline(baseline) => baseline.run().await,
    }
}
