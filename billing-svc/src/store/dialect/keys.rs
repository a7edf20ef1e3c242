//! Which of many keys: a condition whose text doesn't depend on how many they are, so that it is prepared once.
//!
//! The keys travel as one value: an array of PostgreSQL's, a JSON document for SQLite.

use sea_orm::sea_query::{ArrayType, Expr, SimpleExpr};
use sea_orm::{ColumnTrait, DbBackend, Value};
use uuid::Uuid;

/// Keys as one value, and how a column is compared with it.
pub struct Keys {
    backend: DbBackend,
    value: Value,
    are_none: bool,
    /// What SQLite makes of an element of the document.
    element: &'static str,
}

impl Keys {
    pub fn texts<'a>(backend: DbBackend, keys: impl Iterator<Item = &'a str>) -> Self {
        let mut keys = keys.peekable();
        let are_none = keys.peek().is_none();
        let value = match backend {
            DbBackend::Postgres => array(ArrayType::String, keys.map(Value::from).collect()),
            _ => serde_json::Value::from_iter(keys).to_string().into(),
        };
        Self { backend, value, are_none, element: "value" }
    }

    pub fn ids(backend: DbBackend, keys: impl Iterator<Item = Uuid>) -> Self {
        let mut keys = keys.peekable();
        let are_none = keys.peek().is_none();
        let value = match backend {
            DbBackend::Postgres => array(ArrayType::Uuid, keys.map(Value::from).collect()),
            _ => {
                let hex = keys.map(|id| id.simple().to_string());
                serde_json::Value::from_iter(hex).to_string().into()
            }
        };
        Self { backend, value, are_none, element: "unhex(value)" }
    }

    /// Is there none of them, so that nothing need be asked?
    pub fn are_none(&self) -> bool {
        self.are_none
    }

    /// Is the column one of them?
    pub fn hold<C: ColumnTrait>(self, column: C) -> SimpleExpr {
        let sql = format!(
            "\"{}\".\"{}\" {}",
            column.entity_name(),
            column.as_str(),
            self.test(if self.backend == DbBackend::Postgres { "$1" } else { "?" })
        );
        Expr::cust_with_values(sql, [self.value])
    }

    /// What follows a column in SQL, the keys being that parameter.
    pub fn test(&self, parameter: &str) -> String {
        match self.backend {
            DbBackend::Postgres => format!("= ANY({parameter})"),
            _ => format!("IN (SELECT {} FROM json_each({parameter}))", self.element),
        }
    }

    /// To bind.
    pub fn into_value(self) -> Value {
        self.value
    }
}

fn array(kind: ArrayType, values: Vec<Value>) -> Value {
    Value::Array(kind, Some(Box::new(values)))
}
