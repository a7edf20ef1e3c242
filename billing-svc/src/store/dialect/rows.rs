//! Many rows in few statements whose texts hardly depend on how many they are: each is prepared once, and planned once.
//!
//! PostgreSQL takes an array for each column (`unnest`), and all tables of a batch in one statement: a part of its `WITH`
//! each, so one round trip. SQLite, in the same process, takes `VALUES`, as many rows at once as a power of two says.

use std::fmt::Write as _;

use sea_orm::{
    ConnectionTrait, DbBackend, EntityTrait, IdenStatic, Iterable, ModelTrait, Statement, Value,
};

use super::source::{Source, arrays, values};
use super::{failed, failed_alone};
use crate::store::StoreError;

/// Rows of several tables on their way into the database, all or none of them, part by part in the order in which they were
/// added. Each row belongs to one part only, and no part sees what another does.
pub struct Rows {
    backend: DbBackend,
    parts: Vec<Part>,
}

/// The rows of one table.
struct Part {
    table: String,
    sql: String,
    values: Vec<Value>,
    rows: usize,
}

impl Rows {
    pub fn new(backend: DbBackend) -> Self {
        Self { backend, parts: Vec::new() }
    }

    /// Inserts rows that must not be there.
    pub fn insert<E: EntityTrait>(&mut self, rows: &[E::Model]) -> Result<(), StoreError>
    where
        E::Model: ModelTrait<Entity = E>,
    {
        let columns: Vec<E::Column> = E::Column::iter().collect();
        self.add::<E>(rows, &columns, None, |table, source| {
            let names = list(&columns, |column| format!("\"{}\"", column.as_str()));
            let values = source.values.join(", ");
            format!("INSERT INTO \"{table}\" ({names}) SELECT {values} FROM {}", source.from)
        })
    }

    /// Sets columns of rows that must be there.
    pub fn update<E: EntityTrait>(
        &mut self,
        rows: &[E::Model],
        keys: &[E::Column],
        set: &[E::Column],
    ) -> Result<(), StoreError>
    where
        E::Model: ModelTrait<Entity = E>,
    {
        self.set::<E>(rows, keys, set, None)
    }

    /// Sets columns of rows that must be there as they were: with each value of `loaded`, one for each row, in the column
    /// `unchanged`.
    pub fn update_unchanged<E: EntityTrait>(
        &mut self,
        rows: &[E::Model],
        keys: &[E::Column],
        set: &[E::Column],
        unchanged: E::Column,
        loaded: &[i64],
    ) -> Result<(), StoreError>
    where
        E::Model: ModelTrait<Entity = E>,
    {
        self.set::<E>(rows, keys, set, Some((unchanged, loaded)))
    }

    fn set<E: EntityTrait>(
        &mut self,
        rows: &[E::Model],
        keys: &[E::Column],
        set: &[E::Column],
        unchanged: Option<(E::Column, &[i64])>,
    ) -> Result<(), StoreError>
    where
        E::Model: ModelTrait<Entity = E>,
    {
        let columns: Vec<E::Column> = keys.iter().chain(set).copied().collect();
        let loaded = unchanged.map(|(_, loaded)| loaded);
        self.add::<E>(rows, &columns, loaded, |table, source| {
            let new = columns.iter().zip(&source.values);
            let (keys, set): (Vec<_>, Vec<_>) =
                new.enumerate().partition(|(position, _)| *position < keys.len());
            let set =
                list(&set, |(_, (column, value))| format!("\"{}\" = {value}", column.as_str()));
            let mut sql = format!("UPDATE \"{table}\" SET {set} FROM {} WHERE ", source.from);
            for (position, (column, value)) in &keys {
                let and = if *position == 0 { "" } else { " AND " };
                // Into a String: it can't fail.
                write!(sql, "{and}\"{table}\".\"{}\" = {value}", column.as_str()).ok();
            }
            if let Some((column, _)) = unchanged {
                let column = column.as_str();
                write!(sql, " AND \"{table}\".\"{column}\" = {}", source.loaded).ok();
            }
            sql
        })
    }

    fn add<E: EntityTrait>(
        &mut self,
        rows: &[E::Model],
        columns: &[E::Column],
        loaded: Option<&[i64]>,
        sql: impl Fn(&str, &Source) -> String,
    ) -> Result<(), StoreError>
    where
        E::Model: ModelTrait<Entity = E>,
    {
        if rows.is_empty() {
            return Ok(());
        }
        let table = E::default().table_name();
        let before = self.parts.iter().map(|part| part.values.len()).sum();
        let mut push = |source: Source, rows| {
            let sql = sql(table, &source);
            self.parts.push(Part { table: table.to_owned(), sql, values: source.parameters, rows });
        };
        if self.backend == DbBackend::Postgres {
            push(arrays::<E>(rows, columns, loaded, before)?, rows.len());
            return Ok(());
        }
        let mut written = 0;
        while written < rows.len() {
            let end = written + at_once(rows.len() - written);
            let loaded = loaded.and_then(|loaded| loaded.get(written..end));
            push(values::<E>(&rows[written..end], columns, loaded), end - written);
            written = end;
        }
        Ok(())
    }

    /// Writes them within a transaction, and checks that as many rows changed as should.
    pub async fn write(self, transaction: &impl ConnectionTrait) -> Result<(), StoreError> {
        if self.backend == DbBackend::Postgres && self.parts.len() > 1 {
            let expected: Vec<_> =
                self.parts.iter().map(|part| (part.table.clone(), part.rows)).collect();
            let (with, counts, values) = self.at_once();
            let sql = format!("WITH {with} SELECT {}", counts.join(", "));
            let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
            let row = transaction.query_one_raw(statement).await.map_err(failed)?;
            for (position, (table, rows)) in expected.into_iter().enumerate() {
                let changed =
                    row.as_ref().map_or(Ok(0), |row| row.try_get_by_index::<i64>(position));
                check(&table, changed.map_err(failed)?.unsigned_abs(), rows)?;
            }
            return Ok(());
        }
        for part in self.parts {
            let statement = Statement::from_sql_and_values(self.backend, part.sql, part.values);
            let done = transaction.execute_raw(statement).await.map_err(failed)?;
            check(&part.table, done.rows_affected(), part.rows)?;
        }
        Ok(())
    }

    /// Writes them on PostgreSQL in one statement that is a transaction of its own: all of them, where as many rows change as
    /// should, or nothing.
    pub async fn write_alone(self, connection: &impl ConnectionTrait) -> Result<(), StoreError> {
        let rows: usize = self.parts.iter().map(|part| part.rows).sum();
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let (with, counts, mut values) = self.at_once();
        values.push(rows.into());
        // Dividing by zero is how a statement of plain SQL undoes itself.
        let sql = format!(
            "WITH {with}, written AS (SELECT {} AS rows) SELECT 1 / (CASE rows WHEN ${} THEN 1 ELSE 0 END) FROM written",
            counts.join(" + "),
            values.len()
        );
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        connection.query_one_raw(statement).await.map_err(failed_alone)?;
        Ok(())
    }

    /// What stands in `WITH`, how many rows each part of it changed, and what is bound.
    fn at_once(self) -> (String, Vec<String>, Vec<Value>) {
        let (mut with, mut counts, mut values) = (String::new(), Vec::new(), Vec::new());
        for (number, part) in self.parts.into_iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            // Into a String: it can't fail.
            write!(with, "{comma}w{number} AS ({} RETURNING 1)", part.sql).ok();
            // A part is run when it is counted, so in this order.
            counts.push(format!("(SELECT count(*) FROM w{number})"));
            values.extend(part.values);
        }
        (with, counts, values)
    }
}

/// How many of so many rows one statement of SQLite's takes: the greatest power of two, so that few texts serve every number
/// of rows.
fn at_once(rows: usize) -> usize {
    /// A prepared statement of so many rows takes some 200 KB.
    const MOST: usize = 128;
    rows.checked_ilog2().map_or(1, |power| 1 << power).min(MOST)
}

fn list<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// As many rows changed as should have?
fn check(table: &str, changed: u64, expected: usize) -> Result<(), StoreError> {
    if usize::try_from(changed) == Ok(expected) {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        what: format!("{table}: {changed} rows changed instead of {expected}"),
    })
}
