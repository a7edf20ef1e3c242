//! Which jobs wait for a user who blocked the bot; a queue row does not know its user.

use sea_orm_migration::prelude::*;

/// Makes `waiting`.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection
            .execute_unprepared(
                "CREATE TABLE waiting (operation_id text PRIMARY KEY, user_id text NOT NULL)",
            )
            .await?;
        connection.execute_unprepared("CREATE INDEX waiting_user ON waiting (user_id)").await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP TABLE waiting").await?;
        Ok(())
    }
}
