//! Rows as a statement reads them from its parameters.

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

/// A parameter for each value.
pub(super) fn values<E: EntityTrait>(
    rows: &[E::Model],
    columns: &[E::Column],
    loaded: Option<&[i64]>,
) -> Source
where
    E::Model: ModelTrait<Entity = E>,
{
    let width = columns.len() + usize::from(loaded.is_some());
    let mut parameters = Vec::with_capacity(rows.len() * width);
    for (number, row) in rows.iter().enumerate() {
        parameters.extend(columns.iter().map(|&column| row.get(column)));
        parameters.extend(loaded.and_then(|loaded| loaded.get(number)).map(|&it| it.into()));
    }
    let row = format!("({})", vec!["?"; width].join(", "));
    // SQLite's own names for the columns of VALUES.
    let names = (1..=columns.len()).map(|number| format!("new.column{number}"));
    Source {
        from: format!("(VALUES {}) AS new", vec![row.as_str(); rows.len()].join(", ")),
        values: names.collect(),
        loaded: format!("new.column{width}"),
        parameters,
    }
}
