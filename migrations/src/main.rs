//! The operator's tool: look at, apply or undo changes of a service's schema.

use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};
use migrations::{BillingMigrator, GatewayMigrator, MigrateMode, WorkerMigrator};
use sea_orm_migration::{
    MigratorTrait,
    sea_orm::{ConnectOptions, Database},
};

/// How long to wait for a database that does not answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Looks at, applies or undoes changes of a service's database schema.
#[derive(Parser)]
#[command(name = "migrations", version)]
struct Arguments {
    /// Whose tables.
    service: Service,
    #[command(subcommand)]
    action: Action,
    /// `sqlite://file.db` or `postgres://user:password@host/database`. A SQLite file's service must be stopped first.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true)]
    database_url: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Service {
    Billing,
    Gateway,
    Worker,
}

#[derive(Subcommand)]
enum Action {
    /// Apply every change that is pending.
    Up,
    /// Undo the last changes. What their tables hold is lost.
    Down {
        /// How many.
        #[arg(long, default_value_t = 1)]
        steps: u32,
    },
    /// List the changes and whether they are applied.
    Status,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.service {
        Service::Billing => run::<BillingMigrator>(&arguments).await,
        Service::Gateway => run::<GatewayMigrator>(&arguments).await,
        Service::Worker => run::<WorkerMigrator>(&arguments).await,
    }
}

async fn run<M: MigratorTrait>(arguments: &Arguments) -> anyhow::Result<()> {
    let url = arguments.database_url.as_ref();
    let mut options = ConnectOptions::new(url.context("--database-url is missing")?);
    options.max_connections(1).acquire_timeout(CONNECT_TIMEOUT).sqlx_logging(false);
    let connection = Database::connect(options).await?;
    match arguments.action {
        Action::Up => migrations::prepare::<M>(&connection, MigrateMode::Auto).await?,
        Action::Down { steps } => migrations::down::<M>(&connection, steps).await?,
        Action::Status => {}
    }
    for (name, applied) in migrations::status::<M>(&connection).await? {
        println!("{} {name}", if applied { "applied" } else { "pending" });
    }
    Ok(())
}
