//! The queue of jobs.

use sea_orm_migration::prelude::*;

use crate::queue_table;

/// Makes `jobs`.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        queue_table("jobs").up(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        queue_table("jobs").down(manager).await
    }
}
