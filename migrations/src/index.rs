//! An index on a table that has rows already.

use sea_orm_migration::{
    SchemaManager,
    sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement},
};

/// A PostgreSQL table above this size is not indexed by a change: writers would wait while it is read.
const BIG: i64 = 32 << 20;

/// Makes the index `name` on `table`, whose `columns` are what stands behind `ON table` in SQL. On PostgreSQL it is taken
/// as found where the operator has made it before; on a big table without it the change is refused, with the command
/// that makes it beside a running service. That command can't be part of a transaction, nor so of a change. All three are
/// part of the SQL: constants of ours, never input.
pub async fn index_on_rows(
    manager: &SchemaManager<'_>,
    name: &str,
    table: &str,
    columns: &str,
) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let make = format!("CREATE INDEX {name} ON {table} {columns}");
    if connection.get_database_backend() == DbBackend::Postgres {
        let aside = format!("CREATE INDEX CONCURRENTLY {name} ON {table} {columns}");
        match there(manager, name).await? {
            Some(true) => return Ok(()),
            Some(false) => {
                return Err(DbErr::Migration(format!(
                    "the index {name} is not valid: it is still being made, or its making was interrupted. In the second \
                     case run first `DROP INDEX CONCURRENTLY {name}` and `{aside}`"
                )));
            }
            None if size(manager, table).await? > BIG => {
                return Err(DbErr::Migration(format!(
                    "the table {table} is big, and would be locked while it is indexed. Run first, beside the running \
                     service: `{aside}`"
                )));
            }
            None => {}
        }
    }
    connection.execute_unprepared(&make).await?;
    Ok(())
}

/// Whether the index is there, and valid.
async fn there(manager: &SchemaManager<'_>, name: &str) -> Result<Option<bool>, DbErr> {
    let sql = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [name.into()]);
    let row = manager.get_connection().query_one_raw(statement).await?;
    row.map(|row| row.try_get_by_index(0)).transpose()
}

/// Bytes of its rows.
async fn size(manager: &SchemaManager<'_>, table: &str) -> Result<i64, DbErr> {
    let sql = "SELECT coalesce(pg_relation_size(to_regclass($1)), 0)";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [table.into()]);
    let row = manager.get_connection().query_one_raw(statement).await?;
    row.map_or(Ok(0), |row| row.try_get_by_index(0))
}
