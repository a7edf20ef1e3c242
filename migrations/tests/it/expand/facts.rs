//! What a database says of its tables, and what of it a change may not touch.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, QueryResult, Statement};

/// What a change claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Expand,
    /// With an index that `index_on_rows` makes.
    ExpandWithIndex,
    Contract,
}

/// The schema, but for the history's own table. Of SQLite just the columns: its only program is stopped meanwhile.
#[derive(Default)]
pub struct Facts {
    /// By table and name.
    columns: BTreeMap<(String, String), Column>,
    /// By table and name.
    indexes: BTreeSet<(String, String)>,
    /// By table and name.
    conditions: BTreeMap<(String, String), Condition>,
    /// The file of each table.
    files: BTreeMap<String, i64>,
}

struct Column {
    kind: String,
    required: bool,
    default: bool,
}

struct Condition {
    /// Proved for the rows that there are.
    proved: bool,
    columns: Vec<String>,
}

const POSTGRES_COLUMNS: &str =
    "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
        AND c.relname <> 'seaql_migrations'";
const POSTGRES_INDEXES: &str =
    "SELECT tablename::text, indexname::text FROM pg_indexes WHERE schemaname = 'public'";
const POSTGRES_CONDITIONS: &str =
    "SELECT c.relname::text, o.conname::text, o.convalidated, coalesce(string_agg(a.attname, ','), '')
    FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
    LEFT JOIN pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = ANY (o.conkey)
    WHERE c.relnamespace = 'public'::regnamespace AND o.contype IN ('c', 'f') GROUP BY 1, 2, 3";
const POSTGRES_FILES: &str = "SELECT relname::text, pg_relation_filenode(oid)::bigint FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'";
const SQLITE_COLUMNS: &str =
    "SELECT t.name, c.name, c.type, c.\"notnull\" OR c.pk > 0, c.dflt_value IS NOT NULL
    FROM pragma_table_list t JOIN pragma_table_info(t.name) c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> 'seaql_migrations'";

impl Facts {
    pub async fn read(connection: &DatabaseConnection) -> Self {
        let backend = connection.get_database_backend();
        let query = async |sql: &str| {
            connection.query_all_raw(Statement::from_string(backend, sql)).await.unwrap()
        };
        if backend != DbBackend::Postgres {
            return Self { columns: columns(query(SQLITE_COLUMNS).await), ..Self::default() };
        }
        let conditions = query(POSTGRES_CONDITIONS).await.into_iter().map(|row| {
            let columns: String = row.try_get_by_index(3).unwrap();
            let columns = columns.split(',').map(str::to_owned).collect();
            (key(&row), Condition { proved: row.try_get_by_index(2).unwrap(), columns })
        });
        let files = query(POSTGRES_FILES).await.into_iter();
        Self {
            columns: columns(query(POSTGRES_COLUMNS).await),
            indexes: query(POSTGRES_INDEXES).await.iter().map(key).collect(),
            conditions: conditions.collect(),
            files: files
                .map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap()))
                .collect(),
        }
    }

    /// The rules that a change from here to `after` breaks.
    pub fn breaks(&self, after: &Self, step: Step) -> Vec<String> {
        let mut broken = Vec::new();
        if step != Step::Contract {
            self.lost(after, &mut broken);
            self.narrowed(after, &mut broken);
        }
        self.required(after, &mut broken);
        self.changed(after, &mut broken);
        for (table, index) in after.indexes.difference(&self.indexes) {
            if self.has(table) && step != Step::ExpandWithIndex {
                broken.push(format!("{table} gets the index {index}"));
            }
        }
        broken
    }

    fn has(&self, table: &str) -> bool {
        self.columns.keys().any(|(name, _)| name == table)
    }

    fn lost(&self, after: &Self, broken: &mut Vec<String>) {
        let mut tables = BTreeSet::new();
        for (table, column) in self.columns.keys() {
            if !after.has(table) {
                tables.insert(table);
            } else if !after.columns.contains_key(&(table.clone(), column.clone())) {
                broken.push(format!("{table}.{column} is gone"));
            }
        }
        broken.extend(tables.into_iter().map(|table| format!("{table} is gone")));
    }

    fn required(&self, after: &Self, broken: &mut Vec<String>) {
        for (key @ (table, name), column) in &after.columns {
            let was = self.columns.get(key).is_some_and(|before| before.required);
            if self.has(table) && column.required && !column.default && !was {
                broken.push(format!("{table}.{name} must be written"));
            }
        }
    }

    fn changed(&self, after: &Self, broken: &mut Vec<String>) {
        for (key @ (table, name), before) in &self.columns {
            let Some(column) = after.columns.get(key) else { continue };
            if column.kind != before.kind {
                broken.push(format!("{table}.{name} has another type"));
            }
            if before.default && !column.default {
                broken.push(format!("{table}.{name} has lost its default"));
            }
        }
        for (table, file) in &self.files {
            if after.files.get(table).is_some_and(|now| now != file) {
                broken.push(format!("{table} is written anew"));
            }
        }
        for ((table, name), condition) in &after.conditions {
            let new = !self.conditions.contains_key(&(table.clone(), name.clone()));
            if self.has(table) && new && condition.proved {
                broken.push(format!("{table} is read under a lock for {name}"));
            }
        }
    }

    fn narrowed(&self, after: &Self, broken: &mut Vec<String>) {
        for ((table, name), condition) in &after.conditions {
            let new = !self.conditions.contains_key(&(table.clone(), name.clone()));
            let of_what_is_new = condition
                .columns
                .iter()
                .any(|column| !self.columns.contains_key(&(table.clone(), column.clone())));
            if self.has(table) && new && !of_what_is_new {
                broken.push(format!("{name} narrows what {table} takes"));
            }
        }
    }
}

fn columns(rows: Vec<QueryResult>) -> BTreeMap<(String, String), Column> {
    let column = |row: QueryResult| {
        let kind = row.try_get_by_index(2).unwrap();
        let required = row.try_get_by_index(3).unwrap();
        (key(&row), Column { kind, required, default: row.try_get_by_index(4).unwrap() })
    };
    rows.into_iter().map(column).collect()
}

fn key(row: &QueryResult) -> (String, String) {
    (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())
}
