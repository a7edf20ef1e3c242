//! The tables of bot-gateway, in the order in which they came to be. Append only: a change that was released is
//! never edited, the next one mends it.

mod m20261123_000001_inbox;
mod m20261123_000002_conversation;
mod m20261123_000003_requests;
mod m20261123_000004_payment_messages;
mod m20261123_000005_notices;
mod m20261123_000006_checkouts;
mod m20261123_000007_language;
mod m20261123_000008_trace_context;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// The history of bot-gateway's schema.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_inbox::Migration),
            Box::new(m20261123_000002_conversation::Migration),
            Box::new(m20261123_000003_requests::Migration),
            Box::new(m20261123_000004_payment_messages::Migration),
            Box::new(m20261123_000005_notices::Migration),
            Box::new(m20261123_000006_checkouts::Migration),
            Box::new(m20261123_000007_language::Migration),
            Box::new(m20261123_000008_trace_context::Migration),
        ]
    }
}
