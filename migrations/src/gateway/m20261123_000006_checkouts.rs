//! Telegram's questions before a payment in Stars: a queue of their own, for they wait ten seconds only.

use sea_orm_migration::prelude::*;

use crate::queue_table;

/// Makes `checkouts`.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        queue_table("checkouts").up(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        queue_table("checkouts").down(manager).await
    }
}
