//! `billing-svc` serves; `billing-svc verify` proves that no money is missing or double; `billing-svc reconcile` compares
//! with what the payment providers say.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use billing_svc::config::{Command, Config};
use billing_svc::server::{self, Listeners};
use billing_svc::store::Store;
use billing_svc::{reconcile, verify};
use clap::Parser;
use migrations::{BillingMigrator, MigrateMode};
use secrecy::ExposeSecret;
use service_kit::db::{self, Db};
use service_kit::shutdown;
use service_kit::telemetry::{self, Program};
use tokio::net::TcpListener;

const PROGRAM: Program =
    Program { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };
/// Something is wrong with what `verify` or `reconcile` checked.
const WRONG: u8 = 1;
/// They could not check.
const UNCHECKED: u8 = 2;

/// A charge takes and gives back some hundred small pieces of memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
        Some(Command::Verify) => {
            let checked =
                check(&config).await.map(|report| (report.is_clean(), report.to_string()));
            tell("verify", checked)
        }
        Some(Command::Reconcile { since }) => {
            let compared = compare(&config, since).await;
            tell("reconcile", compared.map(|report| (report.is_clean(), report.to_string())))
        }
    }
}

/// Prints what was found, and says by the exit code whether all is well.
fn tell(command: &str, checked: anyhow::Result<(bool, String)>) -> ExitCode {
    match checked {
        Ok((clean, report)) => {
            println!("{report}");
            if clean { ExitCode::SUCCESS } else { ExitCode::from(WRONG) }
        }
        Err(error) => {
            eprintln!("billing-svc {command}: could not check: {}", words(&error));
            ExitCode::from(UNCHECKED)
        }
    }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let telemetry = telemetry::init(PROGRAM, config.log_format, &config.traces)?;
    let served = listen(config).await;
    telemetry.end().await;
    served
}

async fn listen(config: Config) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal();
    let settings = config.check()?;
    let listeners = Listeners {
        grpc: TcpListener::bind(config.listen).await.context("BILLING_LISTEN")?,
        http: TcpListener::bind(config.http_listen).await.context("BILLING_HTTP_LISTEN")?,
    };
    server::run(settings, listeners, shutdown).await
}

async fn check(config: &Config) -> anyhow::Result<verify::Report> {
    let database = look_at(config).await?;
    Ok(verify::run(&database.connection).await?)
}

async fn compare(config: &Config, since: Duration) -> anyhow::Result<reconcile::Report> {
    let providers = config.payments.check()?.providers(&config.currency)?;
    let database = look_at(config).await?;
    let store = Store::new(database.connection.clone());
    Ok(reconcile::run(&store, &providers, since).await?)
}

/// The database, to read only, next to a live service too.
async fn look_at(config: &Config) -> anyhow::Result<Db> {
    let url = config.database_url.expose_secret();
    let database = db::open_read_only(url).await.context("BILLING_DATABASE_URL")?;
    migrations::prepare::<BillingMigrator>(&database.connection, MigrateMode::Check).await?;
    Ok(database)
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
