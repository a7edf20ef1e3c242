//! Which message belongs to a payment, to be kept up with where the payment stands.

use sea_orm_migration::prelude::*;

/// Makes `payment_messages`.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection
            .execute_unprepared(
                "CREATE TABLE payment_messages (
                    payment_id text PRIMARY KEY,
                    chat_id bigint NOT NULL,
                    message_id integer NOT NULL,
                    create_time bigint NOT NULL
                )",
            )
            .await?;
        // For the pruning of old ones.
        connection
            .execute_unprepared(
                "CREATE INDEX payment_messages_create_time ON payment_messages (create_time)",
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP TABLE payment_messages").await?;
        Ok(())
    }
}
