//! The indexes of tables, taken away and made again as the database itself describes them, so that no migration has to be
//! known here.

use anyhow::Context;
use indicatif::ProgressBar;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};

/// Keys and other indexes that a table can be without.
#[derive(Debug)]
pub(super) struct Indexes(Vec<Index>);

#[derive(Debug)]
struct Index {
    name: String,
    drop: String,
    make: String,
}

/// Unique keys belong to constraints, which are dropped as such.
const POSTGRES: &str = "
    SELECT conname::text AS name,
        format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS take,
        format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
            pg_get_constraintdef(oid)) AS make
    FROM pg_constraint
    WHERE contype IN ('p', 'u', 'x') AND conrelid = ANY (ARRAY[{tables}]::regclass[])
    UNION ALL
    SELECT indexrelid::regclass::text, format('DROP INDEX %s', indexrelid::regclass),
        pg_get_indexdef(indexrelid)
    FROM pg_index
    WHERE indrelid = ANY (ARRAY[{tables}]::regclass[])
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)";

/// Those of keys have no definition of their own, and stay.
const SQLITE: &str = "
    SELECT name, 'DROP INDEX \"' || name || '\"' AS take, sql AS make
    FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({tables})";

impl Indexes {
    /// Those that the tables have now.
    pub(super) async fn of(
        transaction: &DatabaseTransaction,
        tables: &[&str],
    ) -> anyhow::Result<Self> {
        let backend = transaction.get_database_backend();
        let query = if backend == DbBackend::Sqlite { SQLITE } else { POSTGRES };
        let tables = tables.iter().map(|table| format!("'{table}'")).collect::<Vec<_>>();
        let query = query.replace("{tables}", &tables.join(", "));
        let rows = transaction.query_all_raw(Statement::from_string(backend, query)).await?;
        let index = |row: &sea_orm::QueryResult| -> anyhow::Result<Index> {
            let column = |name| row.try_get::<String>("", name);
            Ok(Index { name: column("name")?, drop: column("take")?, make: column("make")? })
        };
        rows.iter().map(index).collect::<Result<_, _>>().map(Self)
    }

    pub(super) async fn take_away(&self, transaction: &DatabaseTransaction) -> anyhow::Result<()> {
        for Index { name, drop, .. } in &self.0 {
            let failed = || format!("the index {name} can't be dropped");
            transaction.execute_unprepared(drop).await.with_context(failed)?;
        }
        Ok(())
    }

    pub(super) async fn make_again(
        &self,
        transaction: &DatabaseTransaction,
        progress: &ProgressBar,
    ) -> anyhow::Result<()> {
        for Index { name, make, .. } in &self.0 {
            progress.set_message(format!("index {name}"));
            let failed = || format!("the index {name} can't be made again");
            transaction.execute_unprepared(make).await.with_context(failed)?;
        }
        Ok(())
    }
}
