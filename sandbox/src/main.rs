//! `make run`: see [`sandbox::launcher`].

use std::io::ErrorKind;

use anyhow::Context;
use clap::Parser;
use sandbox::launcher::{self, Config};
use service_kit::{shutdown, telemetry, telemetry::LogFormat};
use tokio::runtime::Runtime;

fn main() -> anyhow::Result<()> {
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
    // The main thread runs the launcher itself: children die with the thread that started them.
    Runtime::new().context("tokio")?.block_on(async {
        telemetry::init(LogFormat::Text)?;
        let shutdown = shutdown::on_signal();
        launcher::run(config, shutdown).await
    })
}
