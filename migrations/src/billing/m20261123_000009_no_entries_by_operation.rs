//! Entries without an index by operation: every charge paid for it, and only the audit read it, which counts them by user now.

use async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, sea_orm::DbErr};

use super::dialect::run;
use crate::index::index_on_rows;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261123_000009_no_entries_by_operation"
    }
}

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &["DROP INDEX entries_operation"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // As it was made first: SQLite keeps the very text.
        let columns = "(user_id, operation_id, sequence)\n        WHERE operation_id IS NOT NULL";
        index_on_rows(manager, "entries_operation", "entries", columns).await
    }
}
