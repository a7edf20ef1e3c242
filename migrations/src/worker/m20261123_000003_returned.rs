//! When users last came back to the bot; a delivery that met their block meanwhile looks here.

use sea_orm_migration::prelude::*;

/// Makes `returned`.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection
            .execute_unprepared(
                "CREATE TABLE returned (user_id text PRIMARY KEY, return_time bigint NOT NULL)",
            )
            .await?;
        connection
            .execute_unprepared("CREATE INDEX returned_time ON returned (return_time)")
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP TABLE returned").await?;
        Ok(())
    }
}
