//! The command line: each command's options stand in the module that runs it.

use clap::{Parser, Subcommand};

use super::history::SeedArgs;
use super::load::LoadArgs;
use super::servers::baseline::BaselineArgs;
use super::services::ServicesArgs;
use super::suite::SuiteArgs;

/// Measures Kopilka, and whatever else speaks billing.v1.
#[derive(Debug, Parser)]
#[command(name = "kopilka-bench", version)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

// No doc comments: they would replace those of the options, which are the manual.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Load(LoadArgs),
    Seed(SeedArgs),
    Services(ServicesArgs),
    Suite(SuiteArgs),
    Baseline(BaselineArgs),
}
