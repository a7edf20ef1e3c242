//! The trace that a row was put in under, so that the work on it, whenever and by whomever, belongs to the same trace.

use sea_orm_migration::prelude::*;

use crate::queue_table;

/// Adds `jobs.trace_context`.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        queue_table("jobs").add_trace_context(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        queue_table("jobs").drop_trace_context(manager).await
    }
}
