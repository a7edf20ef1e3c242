//! The tables of billing-svc, in the order in which they came to be. Append only: a change that was released is
//! never edited, the next one mends it.

mod dialect;
mod m20261123_000001_ledger;
mod m20261123_000002_payments;
mod m20261123_000003_promotions;
mod m20261123_000004_events;
mod m20261123_000005_requests;
mod m20261123_000006_trace_context;
mod m20261123_000007_open_holds;
mod m20261123_000008_archive;
mod m20261123_000009_no_entries_by_operation;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// The history of billing-svc's schema.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_ledger::Migration),
            Box::new(m20261123_000002_payments::Migration),
            Box::new(m20261123_000003_promotions::Migration),
            Box::new(m20261123_000004_events::Migration),
            Box::new(m20261123_000005_requests::Migration),
            Box::new(m20261123_000006_trace_context::Migration),
            Box::new(m20261123_000007_open_holds::Migration),
            Box::new(m20261123_000008_archive::Migration),
            Box::new(m20261123_000009_no_entries_by_operation::Migration),
        ]
    }
}
