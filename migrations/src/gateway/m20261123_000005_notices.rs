//! What users are to be told about their money, in the shape of a leased queue.

use sea_orm_migration::prelude::*;

use crate::queue_table;

/// Makes `notices`.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        queue_table("notices").up(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        queue_table("notices").down(manager).await
    }
}
