//! An index of each user's open holds, for the limit on them. Small: it holds CHARGED operations alone.

use async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, sea_orm::DbErr};

use super::dialect::run;
use crate::index::index_on_rows;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261123_000007_open_holds"
    }
}

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = "(user_id) WHERE state = 'CHARGED'";
        index_on_rows(manager, "operations_open", "operations", columns).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &["DROP INDEX operations_open"]).await
    }
}
