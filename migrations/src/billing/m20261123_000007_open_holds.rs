//! An index of each user's open holds, for the limit on them. Small: it holds CHARGED operations alone.
//!
//! Its making reads the whole table, and on PostgreSQL charges wait meanwhile. Where that table is large, make it before:
//! `CREATE INDEX CONCURRENTLY operations_open ON operations (user_id) WHERE state = 'CHARGED'`. This change then finds it and
//! takes no time.

use async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, sea_orm::DbErr};

use super::dialect::run;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261123_000007_open_holds"
    }
}

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &["CREATE INDEX IF NOT EXISTS operations_open ON operations (user_id)
                WHERE state = 'CHARGED'"],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &["DROP INDEX operations_open"]).await
    }
}
