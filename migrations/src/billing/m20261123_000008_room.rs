//! Room on the pages of rows that are written again and again.
//!
//! PostgreSQL writes a new copy of a changed row. Where the page has room for it and no indexed column changed, no index is
//! touched (a "heap-only tuple"), and the next visitor of the page clears old copies away:
//! <https://www.postgresql.org/docs/current/storage-hot.html>. Pages that are full already get their room when rows of theirs
//! move. SQLite writes rows in place.

use async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, sea_orm::DbErr};

use super::dialect::{is_postgres, run};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261123_000008_room"
    }
}

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if !is_postgres(manager) {
            return Ok(());
        }
        run(
            manager,
            &[
                "ALTER TABLE users SET (fillfactor = 75)",
                "ALTER TABLE grants SET (fillfactor = 75)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if !is_postgres(manager) {
            return Ok(());
        }
        run(
            manager,
            &["ALTER TABLE users RESET (fillfactor)", "ALTER TABLE grants RESET (fillfactor)"],
        )
        .await
    }
}
