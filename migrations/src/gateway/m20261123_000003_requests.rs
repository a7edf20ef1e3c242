//! Paid requests, from before their charge until their end reached the user.

use sea_orm_migration::prelude::*;

const UP: [&str; 4] = [
    // lease_*, intent: the delivery under way; progress_*: the upkeep of the «Генерирую…» message.
    "CREATE TABLE requests (
        request_id text PRIMARY KEY,
        operation_id text UNIQUE,
        chat_id bigint NOT NULL,
        user_id text NOT NULL,
        kind text NOT NULL,
        prompt text NOT NULL,
        file_ids text NOT NULL,
        options text NOT NULL,
        locale text NOT NULL,
        message_id integer,
        taken text NOT NULL,
        state text NOT NULL CHECK (state IN
            ('charging', 'handed_over', 'abandoned', 'sending', 'delivered', 'blocked', 'failed_told')),
        result_file_ids text NOT NULL,
        intent text,
        lease_owner text,
        lease_until bigint,
        progress_step integer NOT NULL,
        progress_at bigint NOT NULL,
        progress_busy_until bigint,
        create_time bigint NOT NULL,
        update_time bigint NOT NULL
    )",
    "CREATE INDEX requests_chat ON requests (chat_id, create_time)",
    "CREATE INDEX requests_progress ON requests (progress_at) WHERE state = 'handed_over'",
    "CREATE INDEX requests_update_time ON requests (update_time)",
];

/// Makes `requests`.
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
        manager.get_connection().execute_unprepared("DROP TABLE requests").await?;
        Ok(())
    }
}
