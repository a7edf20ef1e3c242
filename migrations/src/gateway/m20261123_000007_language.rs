//! The language of each user's Telegram: what is told without being asked has no update to take it from.

use sea_orm_migration::prelude::*;

/// Adds `user_settings.language_code`.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let add = "ALTER TABLE user_settings ADD COLUMN language_code text";
        manager.get_connection().execute_unprepared(add).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let drop = "ALTER TABLE user_settings DROP COLUMN language_code";
        manager.get_connection().execute_unprepared(drop).await?;
        Ok(())
    }
}
