//! The operator's tool: look at, apply or undo changes of a service's schema.

mod database;

use std::{
    io::{IsTerminal, stderr},
    process::ExitCode,
    time::Duration,
};

use clap::{CommandFactory, Parser, Subcommand, ValueEnum, error::ErrorKind};
use migrations::{BillingMigrator, Fit, GatewayMigrator, WorkerMigrator};
use sea_orm_migration::MigratorTrait;
use tracing::Level;
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// What `status` ends with where the schema is not this program's.
const ANOTHER_SCHEMA: u8 = 3;

const HELP: &str = "\
Changes are applied and undone all or none: whatever interrupts `up`, run it again; after a `down` that was interrupted \
look at `status` first. Several that run at once take turns. \
On PostgreSQL no table is waited for longer than two seconds, so that a running service never stands still behind a \
change; the change is then tried again until --patience is over.

PostgreSQL over TLS: `?sslmode=verify-full&sslrootcert=/path/ca.crt` in the URL, or PGSSLMODE and PGSSLROOTCERT.

Exit codes:
  0  done; for `status`: the schema is the one this program knows
  1  it failed, and nothing was changed
  2  wrong arguments
  3  `status`: changes are pending, or some are there that this program doesn't know";

/// Looks at, applies or undoes changes of a service's database schema.
#[derive(Parser)]
#[command(name = "migrations", version, after_help = HELP)]
struct Arguments {
    /// Whose tables.
    service: Service,
    #[command(subcommand)]
    action: Action,
    /// `sqlite://file.db` or `postgres://user:password@host/database`. A SQLite file's service must be stopped first.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true)]
    database_url: Option<String>,
    /// How long to wait for others that change the schema or hold a table, such as `90s` or `10m`.
    #[arg(long, default_value = "1m", value_parser = humantime::parse_duration, global = true)]
    patience: Duration,
}

#[derive(Clone, Copy, ValueEnum)]
enum Service {
    Billing,
    Gateway,
    Worker,
}

#[derive(Clone, Copy, Subcommand)]
enum Action {
    /// Apply every change that is pending.
    Up,
    /// Undo the last changes. What their tables and columns hold is lost.
    Down {
        /// How many.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        steps: u32,
    },
    /// List the changes and whether they are applied. Changes nothing.
    Status,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The driver's own words stay out: it tells what it can't read in a URL.
    let ours = Targets::new()
        .with_target("migrations", Level::INFO)
        .with_target("sea_orm_migration", Level::INFO);
    tracing_subscriber::registry()
        .with(
            tracing_subscriber::fmt::layer()
                .with_target(false)
                .with_ansi(stderr().is_terminal())
                .with_writer(stderr)
                .with_filter(ours),
        )
        .init();
    let ended = match arguments.service {
        Service::Billing => run::<BillingMigrator>(&arguments).await,
        Service::Gateway => run::<GatewayMigrator>(&arguments).await,
        Service::Worker => run::<WorkerMigrator>(&arguments).await,
    };
    ended.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

async fn run<M: MigratorTrait>(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Some(url) = &arguments.database_url else {
        let problem = "--database-url is missing, and so is DATABASE_URL";
        Arguments::command().error(ErrorKind::MissingRequiredArgument, problem).exit();
    };
    let patience = arguments.patience;
    match arguments.action {
        Action::Up => {
            let database = database::open_alone(url, patience).await?;
            migrations::up::<M>(&database.connection, patience).await?;
            list::<M>(&migrations::fits::<M>(&database.connection).await?);
            Ok(ExitCode::SUCCESS)
        }
        Action::Down { steps } => {
            let database = database::open_alone(url, patience).await?;
            migrations::down::<M>(&database.connection, steps, patience).await?;
            list::<M>(&migrations::fits::<M>(&database.connection).await?);
            Ok(ExitCode::SUCCESS)
        }
        Action::Status => {
            let database = database::open(url).await?;
            let fit = migrations::fits::<M>(&database.connection).await?;
            list::<M>(&fit);
            Ok(if fit == Fit::Same { ExitCode::SUCCESS } else { ExitCode::from(ANOTHER_SCHEMA) })
        }
    }
}

/// A line for each change, those that this program doesn't know last.
fn list<M: MigratorTrait>(fit: &Fit) {
    let none = Vec::new();
    let (pending, unknown) = match fit {
        Fit::Same => (&none, &none),
        Fit::Older { pending } => (pending, &none),
        Fit::Newer { unknown } => (&none, unknown),
        Fit::Other { pending, unknown } => (pending, unknown),
    };
    for change in M::migrations() {
        let name = change.name();
        let word = if pending.iter().any(|other| other == name) { "pending" } else { "applied" };
        println!("{word} {name}");
    }
    for name in unknown {
        println!("unknown {name}");
    }
}
