//! What SQLite and PostgreSQL call the same thing, for the changes from the second on: the first stands by itself.

use sea_orm_migration::{
    SchemaManager,
    sea_orm::{ConnectionTrait, DbBackend, DbErr},
};

/// Placeholders in statements, and their words.
struct Words {
    /// A text that compares byte by byte.
    key: &'static str,
    uuid: &'static str,
    /// 64 bits.
    int: &'static str,
    /// Small rows, kept in the tree of their primary key where the database can.
    keyed: &'static str,
    /// Rows of any size.
    rows: &'static str,
}

const POSTGRES: Words =
    Words { key: "text COLLATE \"C\"", uuid: "uuid", int: "bigint", keyed: "", rows: "" };
const SQLITE: Words = Words {
    key: "text",
    uuid: "blob",
    int: "integer",
    keyed: "WITHOUT ROWID, STRICT",
    rows: "STRICT",
};

pub fn is_postgres(manager: &SchemaManager<'_>) -> bool {
    manager.get_connection().get_database_backend() == DbBackend::Postgres
}

/// Runs statements, one after the other, in the words of the database.
pub async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    let words = if is_postgres(manager) { &POSTGRES } else { &SQLITE };
    for statement in statements {
        let statement = statement
            .replace("{key}", words.key)
            .replace("{uuid}", words.uuid)
            .replace("{int}", words.int)
            .replace("{keyed}", words.keyed)
            .replace("{rows}", words.rows);
        manager.get_connection().execute_unprepared(&statement).await?;
    }
    Ok(())
}

/// A column for a table that has rows, with a condition. On PostgreSQL the condition is not proved for the rows there
/// are, which fulfil it: a whole table would be read under a lock that stops the service.
pub async fn add_column(
    manager: &SchemaManager<'_>,
    table: &str,
    column: &str,
    definition: &str,
    check: &str,
) -> Result<(), DbErr> {
    let add = format!("ALTER TABLE {table} ADD COLUMN {column} {definition}");
    let statement = if is_postgres(manager) {
        format!("{add}, ADD CONSTRAINT {table}_{column} CHECK ({check}) NOT VALID")
    } else {
        format!("{add} CHECK ({check})")
    };
    run(manager, &[&statement]).await
}
