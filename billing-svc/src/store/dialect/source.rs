//! Rows as a statement reads them from its parameters.

use std::fmt::Write as _;

use sea_orm::sea_query::ArrayType;
use sea_orm::{ColumnTrait, EntityTrait, ModelTrait, Value};

use crate::store::StoreError;

/// Where a statement finds new rows: `FROM from`, an expression for each column, and what is bound.
pub(super) struct Source {
    pub from: String,
    pub values: Vec<String>,
    /// What was loaded of the row, where that is asked for.
    pub loaded: String,
    pub parameters: Vec<Value>,
}

/// An array for each column. `NULL` can't travel in sea-orm's arrays, so beside each column that may hold it goes one that says
/// which values are there.
pub(super) fn arrays<E: EntityTrait>(
    rows: &[E::Model],
    columns: &[E::Column],
    loaded: Option<&[i64]>,
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
    if let Some(loaded) = loaded {
        let loaded = loaded.iter().copied().map(Value::from).collect();
        bind(ArrayType::BigInt, loaded, "bigint", "loaded".to_owned());
    }
    let from = format!("unnest({}) AS new ({})", unnest.join(", "), names.join(", "));
    Ok(Source { from, values, loaded: "new.loaded".to_owned(), parameters })
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
pub(super) fn document<E: EntityTrait>(
    rows: &[E::Model],
    columns: &[E::Column],
    loaded: Option<&[i64]>,
) -> Result<Source, StoreError>
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
        if let Some(loaded) = loaded.and_then(|loaded| loaded.get(number)) {
            // Into a String: it can't fail.
            write!(document, ",{loaded}").ok();
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
        loaded: format!("(new.value ->> {})", columns.len()),
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
