//! Many rows in one statement whose text doesn't depend on how many they are: it is prepared once, and planned once.
//!
//! PostgreSQL takes an array for each column (`unnest`), and all tables of a batch in one statement: a part of its `WITH`
//! each, so one round trip. SQLite, in the same process, takes a JSON document for each table (`json_each`).

use std::fmt::Write as _;

use sea_orm::sea_query::ArrayType;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, IdenStatic,
    Iterable, ModelTrait, Statement, Value,
};

use super::failed;
use crate::store::StoreError;

/// Rows of several tables on their way into the database, all or none of them. Each row belongs to one part only, and no
/// part sees what another does.
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
        self.add::<E>(rows, &columns, |table, source| {
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
        let columns: Vec<E::Column> = keys.iter().chain(set).copied().collect();
        self.add::<E>(rows, &columns, |table, source| {
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
            sql
        })
    }

    fn add<E: EntityTrait>(
        &mut self,
        rows: &[E::Model],
        columns: &[E::Column],
        sql: impl FnOnce(&str, &Source) -> String,
    ) -> Result<(), StoreError>
    where
        E::Model: ModelTrait<Entity = E>,
    {
        if rows.is_empty() {
            return Ok(());
        }
        let before = self.parts.iter().map(|part| part.values.len()).sum();
        let source = match self.backend {
            DbBackend::Postgres => arrays::<E>(rows, columns, before)?,
            _ => document::<E>(rows, columns)?,
        };
        let table = E::default().table_name().to_owned();
        let sql = sql(&table, &source);
        self.parts.push(Part { table, sql, values: source.parameters, rows: rows.len() });
        Ok(())
    }

    /// Writes them, and checks that as many rows changed as should.
    pub async fn write(self, transaction: &DatabaseTransaction) -> Result<(), StoreError> {
        if self.backend == DbBackend::Postgres && self.parts.len() > 1 {
            return self.write_at_once(transaction).await;
        }
        for part in self.parts {
            let statement = Statement::from_sql_and_values(self.backend, part.sql, part.values);
            let done = transaction.execute_raw(statement).await.map_err(failed)?;
            check(&part.table, done.rows_affected(), part.rows)?;
        }
        Ok(())
    }

    async fn write_at_once(self, transaction: &DatabaseTransaction) -> Result<(), StoreError> {
        let (mut with, mut counts, mut values) = (String::new(), String::new(), Vec::new());
        let mut expected = Vec::new();
        for (number, part) in self.parts.into_iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            // Into Strings: it can't fail.
            write!(with, "{comma}w{number} AS ({} RETURNING 1)", part.sql).ok();
            write!(counts, "{comma}(SELECT count(*) FROM w{number})").ok();
            values.extend(part.values);
            expected.push((part.table, part.rows));
        }
        let sql = format!("WITH {with} SELECT {counts}");
        let statement = Statement::from_sql_and_values(self.backend, sql, values);
        let row = transaction.query_one_raw(statement).await.map_err(failed)?;
        for (position, (table, rows)) in expected.into_iter().enumerate() {
            let changed = row.as_ref().map_or(Ok(0), |row| row.try_get_by_index::<i64>(position));
            check(&table, changed.map_err(failed)?.unsigned_abs(), rows)?;
        }
        Ok(())
    }
}

/// Where a statement finds new rows: `FROM from`, an expression for each column, and what is bound.
struct Source {
    from: String,
    values: Vec<String>,
    parameters: Vec<Value>,
}

/// An array for each column. `NULL` can't travel in sea-orm's arrays, so beside each column that may hold it goes one that says
/// which values are there.
fn arrays<E: EntityTrait>(
    rows: &[E::Model],
    columns: &[E::Column],
    before: usize,
) -> Result<Source, StoreError>
where
    E::Model: ModelTrait<Entity = E>,
{
    let (mut parameters, mut unnest, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let mut values = Vec::new();
    let mut bind = |array: ArrayType, list: Vec<Value>, kind: &str, name: String| {
        parameters.push(Value::Array(array, Some(Box::new(list))));
        unnest.push(format!("${}::{kind}[]", before + parameters.len()));
        names.push(name);
    };
    for (position, &column) in columns.iter().enumerate() {
        let array = E::Model::get_value_type(column);
        let (kind, nothing) = kind(&array)?;
        let list: Vec<Value> = rows.iter().map(|row| row.get(column)).collect();
        if is_nullable(column) {
            let there: Vec<bool> = list.iter().map(|value| *value != value.as_null()).collect();
            let list = list.into_iter().zip(&there);
            let list = list.map(|(value, &there)| if there { value } else { nothing.clone() });
            let list = list.collect();
            let there = there.into_iter().map(Value::from).collect();
            bind(ArrayType::Bool, there, "boolean", format!("is{position}"));
            bind(array, list, kind, format!("c{position}"));
            values.push(format!("CASE WHEN new.is{position} THEN new.c{position} END"));
        } else {
            bind(array, list, kind, format!("c{position}"));
            values.push(format!("new.c{position}"));
        }
    }
    let from = format!("unnest({}) AS new ({})", unnest.join(", "), names.join(", "));
    Ok(Source { from, values, parameters })
}

/// What PostgreSQL calls the type, and a value that stands where none is.
fn kind(array: &ArrayType) -> Result<(&'static str, Value), StoreError> {
    match array {
        ArrayType::String => Ok(("text", Value::from(""))),
        ArrayType::BigInt => Ok(("bigint", Value::from(0_i64))),
        ArrayType::Uuid => Ok(("uuid", Value::from(uuid::Uuid::nil()))),
        other => Err(StoreError::Corrupt { what: format!("no column is of type {other:?}") }),
    }
}

fn is_nullable<C: ColumnTrait>(column: C) -> bool {
    let definition = column.def();
    definition.clone().nullable() == definition
}

/// A list of lists; ids as text.
fn document<E: EntityTrait>(rows: &[E::Model], columns: &[E::Column]) -> Result<Source, StoreError>
where
    E::Model: ModelTrait<Entity = E>,
{
    let mut document = String::with_capacity(rows.len() * columns.len() * 16);
    for (number, row) in rows.iter().enumerate() {
        document.push(if number == 0 { '[' } else { ',' });
        for (position, &column) in columns.iter().enumerate() {
            document.push(if position == 0 { '[' } else { ',' });
            push_json(&mut document, &row.get(column))?;
        }
        document.push(']');
    }
    document.push(']');
    let value = |(position, column): (usize, &E::Column)| {
        let value = format!("new.value ->> {position}");
        match E::Model::get_value_type(*column) {
            ArrayType::Uuid => format!("unhex({value})"),
            _ => format!("({value})"),
        }
    };
    let values = columns.iter().enumerate().map(value).collect();
    Ok(Source {
        from: "json_each(?1) AS new".to_owned(),
        values,
        parameters: vec![document.into()],
    })
}

fn push_json(document: &mut String, value: &Value) -> Result<(), StoreError> {
    // Into a String: it can't fail.
    match value {
        Value::BigInt(Some(number)) => write!(document, "{number}").ok(),
        Value::Uuid(Some(id)) => write!(document, "\"{}\"", id.simple()).ok(),
        Value::String(Some(text)) => {
            write!(document, "{}", serde_json::Value::from(text.as_str())).ok()
        }
        Value::BigInt(None) | Value::Uuid(None) | Value::String(None) => {
            document.push_str("null");
            None
        }
        other => return Err(StoreError::Corrupt { what: format!("no column holds {other:?}") }),
    };
    Ok(())
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
