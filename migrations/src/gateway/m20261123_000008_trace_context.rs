//! The trace that a row was put in under, so that the work on it, whenever and by whomever, belongs to the same trace.

use sea_orm_migration::prelude::*;

use crate::queue_table;

const TABLES: [&str; 3] = ["inbox", "checkouts", "notices"];

/// Adds `trace_context` to `inbox`, `checkouts` and `notices`.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            queue_table(table).add_trace_context(manager).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            queue_table(table).drop_trace_context(manager).await?;
        }
        Ok(())
    }
}
