//! `make run`: see [`sandbox::launcher`].

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use sandbox::launcher::{self, Config};
use service_kit::shutdown;
use tokio::runtime::Runtime;
use tracing::Level;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Kopilka: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    // Before any thread starts: it writes the environment. What is set already wins.
    match dotenvy::dotenv() {
        Ok(_) => {}
        Err(dotenvy::Error::Io(error)) if error.kind() == ErrorKind::NotFound => {}
        // Its text would show the line, which may hold a secret.
        Err(dotenvy::Error::LineParse(_, position)) => {
            anyhow::bail!(".env: can't read the line at {position}")
        }
        Err(_) => anyhow::bail!(".env can't be read"),
    }
    let config = Config::parse();
    // Only what goes wrong: everything else is said by the launcher, or is in the services' logs.
    tracing_subscriber::fmt().with_max_level(Level::WARN).with_writer(io::stderr).init();
    // The main thread runs the launcher itself: children die with the thread that started them.
    Runtime::new().context("tokio")?.block_on(async {
        let shutdown = shutdown::on_signal();
        launcher::run(config, shutdown).await
    })
}
