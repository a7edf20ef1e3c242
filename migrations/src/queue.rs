//! The one shape of a leased queue's table; `service_kit::queue` is its only reader and writer.

use sea_orm_migration::{
    SchemaManager,
    sea_orm::{ConnectionTrait, DbBackend, DbErr},
};

/// A leased queue's table, to be made by a migration's `up` and dropped by its `down`.
///
/// All times are unix microseconds. `seq` is the order of arrival; rows of one `key` are handled in that order, one
/// at a time, which the unique index on leased rows enforces even against a defect in the claiming code.
#[derive(Debug, Clone, Copy)]
pub struct QueueTable {
    name: &'static str,
}

/// The queue table of that name. The name is part of the SQL: a constant of ours, never input.
pub fn queue_table(name: &'static str) -> QueueTable {
    QueueTable { name }
}

impl QueueTable {
    /// Makes the table and its indexes.
    pub async fn up(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let sequence = match connection.get_database_backend() {
            DbBackend::Postgres => "bigserial PRIMARY KEY",
            // AUTOINCREMENT: a number is never used again, so order survives pruning.
            _ => "integer PRIMARY KEY AUTOINCREMENT",
        };
        for statement in self.statements(sequence) {
            connection.execute_unprepared(&statement).await?;
        }
        Ok(())
    }

    /// Drops the table and what it holds.
    pub async fn down(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        let drop = format!("DROP TABLE {}", self.name);
        manager.get_connection().execute_unprepared(&drop).await?;
        Ok(())
    }

    /// Adds `trace_context`: the W3C trace context that a row was put in under, NULL where there was none. Of each queue's
    /// table since that change; what does not know it leaves it NULL.
    pub async fn add_trace_context(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        let add = format!("ALTER TABLE {} ADD COLUMN trace_context text", self.name);
        manager.get_connection().execute_unprepared(&add).await?;
        Ok(())
    }

    /// Drops `trace_context`.
    pub async fn drop_trace_context(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        let drop = format!("ALTER TABLE {} DROP COLUMN trace_context", self.name);
        manager.get_connection().execute_unprepared(&drop).await?;
        Ok(())
    }

    fn statements(&self, sequence: &str) -> [String; 6] {
        let name = self.name;
        [
            format!(
                "CREATE TABLE {name} (
                    seq {sequence},
                    id text NOT NULL UNIQUE,
                    key text,
                    state text NOT NULL CHECK (state IN ('ready', 'leased', 'done', 'dead')),
                    owner text,
                    lease_until bigint,
                    fence bigint NOT NULL,
                    attempt integer NOT NULL,
                    run_at bigint NOT NULL,
                    payload text NOT NULL,
                    create_time bigint NOT NULL,
                    update_time bigint NOT NULL
                )"
            ),
            format!("CREATE INDEX {name}_ready ON {name} (run_at, seq) WHERE state = 'ready'"),
            format!("CREATE INDEX {name}_leased ON {name} (lease_until) WHERE state = 'leased'"),
            format!("CREATE UNIQUE INDEX {name}_leased_key ON {name} (key) WHERE state = 'leased'"),
            format!("CREATE INDEX {name}_ready_key ON {name} (key, seq) WHERE state = 'ready'"),
            format!("CREATE INDEX {name}_done ON {name} (update_time) WHERE state = 'done'"),
        ]
    }
}
