//! The tables of image-worker, in the order in which they came to be. Append only: a change that was released is
//! never edited, the next one mends it.

use sea_orm_migration::{MigrationTrait, MigratorTrait};

mod m20261123_000001_jobs;
mod m20261123_000002_waiting;
mod m20261123_000003_returned;
mod m20261123_000004_trace_context;

/// The history of image-worker's schema.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_jobs::Migration),
            Box::new(m20261123_000002_waiting::Migration),
            Box::new(m20261123_000003_returned::Migration),
            Box::new(m20261123_000004_trace_context::Migration),
        ]
    }
}
