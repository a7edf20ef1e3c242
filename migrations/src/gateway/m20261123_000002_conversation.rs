//! Where each conversation stands, and what users chose.

use sea_orm_migration::prelude::*;

const UP: [&str; 3] = [
    "CREATE TABLE dialogues (
        chat_id bigint PRIMARY KEY,
        user_id text NOT NULL,
        state text NOT NULL,
        update_time bigint NOT NULL
    )",
    // For the pruning of those that were left.
    "CREATE INDEX dialogues_update_time ON dialogues (update_time)",
    "CREATE TABLE user_settings (
        user_id text PRIMARY KEY,
        locale text,
        ask_before_charge boolean NOT NULL,
        update_time bigint NOT NULL
    )",
];

/// Makes `dialogues` and `user_settings`.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in UP {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["user_settings", "dialogues"] {
            let drop = format!("DROP TABLE {table}");
            manager.get_connection().execute_unprepared(&drop).await?;
        }
        Ok(())
    }
}
