//! `billing-svc` serves; `billing-svc verify` proves that no money is missing or double.

use std::process::ExitCode;

use anyhow::Context;
use billing_svc::config::{Command, Config};
use billing_svc::server::{self, Listeners};
use billing_svc::verify;
use clap::Parser;
use migrations::{BillingMigrator, MigrateMode};
use secrecy::ExposeSecret;
use service_kit::{db, shutdown, telemetry};
use tokio::net::TcpListener;

/// Something is wrong with what `verify` checked.
const VIOLATED: u8 = 1;
/// `verify` could not check.
const UNCHECKED: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::parse();
    match config.command {
        None => match serve(config).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("billing-svc: {}", words(&error));
                ExitCode::FAILURE
            }
        },
        Some(Command::Verify) => match check(&config).await {
            Ok(report) => {
                println!("{report}");
                if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(VIOLATED) }
            }
            Err(error) => {
                eprintln!("billing-svc verify: could not check: {}", words(&error));
                ExitCode::from(UNCHECKED)
            }
        },
    }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    telemetry::init(config.log_format)?;
    let shutdown = shutdown::on_signal();
    let settings = config.check()?;
    let listeners = Listeners {
        grpc: TcpListener::bind(config.listen).await.context("BILLING_LISTEN")?,
        http: TcpListener::bind(config.http_listen).await.context("BILLING_HTTP_LISTEN")?,
    };
    server::run(settings, listeners, shutdown).await
}

async fn check(config: &Config) -> anyhow::Result<verify::Report> {
    let url = config.database_url.expose_secret();
    let database = db::open_read_only(url).await.context("BILLING_DATABASE_URL")?;
    migrations::prepare::<BillingMigrator>(&database.connection, MigrateMode::Check).await?;
    Ok(verify::run(&database.connection).await?)
}

/// The error and its causes, each said once: some causes stand in the text of what they caused.
fn words(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| {
        if said.is_empty() {
            cause
        } else if said.contains(&cause) {
            said
        } else {
            format!("{said}: {cause}")
        }
    })
}
