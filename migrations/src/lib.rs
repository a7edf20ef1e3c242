//! The tables of Kopilka's services and their history, for SQLite and PostgreSQL.
//!
//! Each service has a database of its own and a migrator of its own; one file is one change, named
//! `mYYYYMMDD_NNNNNN_what.rs`, and is never edited once released. Each change can be undone (`down`). A service
//! calls [`prepare`] at its start; operators use the binary of this crate.
//!
//! All changes that are pending are applied in one transaction on both databases: a start that is killed half-way
//! leaves the schema as it was. So no change may use what a transaction can't hold (`CREATE INDEX CONCURRENTLY`).

pub mod billing;
mod fit;
pub mod gateway;
mod queue;
mod runner;
mod turn;
mod usable;
pub mod worker;

pub use billing::Migrator as BillingMigrator;
pub use fit::{Fit, fits};
pub use gateway::Migrator as GatewayMigrator;
pub use queue::{QueueTable, queue_table};
pub use runner::{MigrateError, MigrateMode, down, prepare, up};
pub use usable::usable;
pub use worker::Migrator as WorkerMigrator;
