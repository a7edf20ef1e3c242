//! The tables of Kopilka's services and their history, for SQLite and PostgreSQL.
//!
//! Each service has a database of its own and a migrator of its own; one file is one change, named
//! `mYYYYMMDD_NNNNNN_what.rs`, and is never edited once released. Each change can be undone (`down`). A service
//! calls [`prepare`] at its start; operators use the binary of this crate.
//!
//! All changes that are pending are applied in one transaction on both databases: a start that is killed half-way
//! leaves the schema as it was. Several migrators take turns, and a change waits for a table two seconds at most, is then
//! undone and tried again: nobody queues up behind it.
//!
//! # Expand, then contract
//!
//! In a roll-out the changes come first, while programs of the release before go on working, and a roll-back leaves
//! the new schema under the old program that still runs. So a change **expands**: new tables, new columns that are nullable
//! or have a constant default, conditions on what is new (`NOT VALID` on PostgreSQL, which else proves them for every row
//! under a lock). It does not:
//!
//! - drop or rename a table or a column, change a column's type, take its default away or make it NOT NULL;
//! - add a column that is NOT NULL and has no default: the old program's inserts would fail;
//! - put a new condition on what the old program writes;
//! - have a table written anew (a default that is computed, a type that changes);
//! - build an index on a table that has rows, but by `index_on_rows`: on a big one that is made beforehand, by the
//!   operator, with `CREATE INDEX CONCURRENTLY`, which no transaction can hold. The change says so and stops.
//!
//! What nobody uses any more goes by a **contract** step: a change of a *later* release than the one that stopped using
//! it, marked in its name (`mYYYYMMDD_NNNNNN_contract_what`). Before it is applied every program must be of the release
//! before it, or newer. `tests/it/expand.rs` holds each change made since the first release to these rules.
//!
//! A program refuses to start on a schema that is not its own ([`prepare`]); one that runs goes on while the
//! schema is newer, and says that it is not ready while it is older ([`usable()`]).

pub mod billing;
mod fit;
pub mod gateway;
mod index;
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
