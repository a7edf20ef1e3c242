//! What the gateway and the worker have written before a change is there after it, and after it was undone.

use std::collections::BTreeMap;

use migrations::{GatewayMigrator, WorkerMigrator, down};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use sea_orm_migration::MigratorTrait;

use crate::place::{Place, WAIT, on_both};

on_both! {
    the_gateways_rows_outlive_each_later_change
    the_workers_rows_outlive_each_later_change
}

/// Changes of the first release.
const GATEWAY: u32 = 7;
const WORKER: u32 = 3;

const QUEUED: &str = "(id, key, state, owner, lease_until, fence, attempt, run_at, payload, create_time, update_time) VALUES
    ('1', 'chat', 'leased', 'me', 99, 7, 2, 5, '{\"prompt\":\"кот\"}', 3, 4),
    ('2', 'chat', 'ready', NULL, NULL, 0, 0, 6, '{}', 4, 4),
    ('3', NULL, 'dead', NULL, NULL, 1, 9, 7, '{}', 5, 5)";

async fn the_gateways_rows_outlive_each_later_change(place: Place) {
    let rows = [
        "INSERT INTO dialogues VALUES (1, 'tg:1', '{}', 5)",
        "INSERT INTO user_settings (user_id, locale, ask_before_charge, update_time, language_code)
            VALUES ('tg:1', 'ru', true, 5, 'ru'), ('tg:2', NULL, false, 6, NULL)",
        "INSERT INTO requests VALUES ('tg-1-1', 'op-1', 1, 'tg:1', 'generate', 'кот', '[]', '{}', 'ru', 77, '{}',
            'handed_over', '[]', NULL, NULL, NULL, 3, 4, NULL, 5, 6)",
        "INSERT INTO payment_messages VALUES ('p-1', 1, 78, 5)",
    ];
    outlive::<GatewayMigrator>(place, GATEWAY, &["inbox", "notices", "checkouts"], &rows).await;
}

async fn the_workers_rows_outlive_each_later_change(place: Place) {
    let rows =
        ["INSERT INTO waiting VALUES ('op-1', 'tg:1')", "INSERT INTO returned VALUES ('tg:1', 5)"];
    outlive::<WorkerMigrator>(place, WORKER, &["jobs"], &rows).await;
}

async fn outlive<M: MigratorTrait>(
    place: Place,
    first_release: u32,
    queues: &[&str],
    rows: &[&str],
) {
    let connection = place.open().await;
    M::up(&connection, Some(first_release)).await.unwrap();
    for queue in queues {
        let insert = format!("INSERT INTO {queue} {QUEUED}");
        connection.execute_unprepared(&insert).await.unwrap();
    }
    for row in rows {
        connection.execute_unprepared(row).await.unwrap();
    }
    let known = columns(&connection).await;
    let before = read(&connection, &known).await;
    assert_eq!(before.keys().collect::<Vec<_>>(), known.keys().collect::<Vec<_>>());
    assert!(before.values().all(|rows| !rows.is_empty()), "a table without rows: {before:?}");

    let later = M::migrations().len() - usize::try_from(first_release).unwrap();
    assert!(later > 0);
    for _ in 0..later {
        M::up(&connection, Some(1)).await.unwrap();
        assert_eq!(read(&connection, &known).await, before);
        down::<M>(&connection, 1, WAIT).await.unwrap();
        assert_eq!(read(&connection, &known).await, before);
        M::up(&connection, Some(1)).await.unwrap();
        assert_eq!(read(&connection, &known).await, before);
    }
}

/// The columns of each table.
async fn columns(connection: &DatabaseConnection) -> BTreeMap<String, Vec<String>> {
    let sql = match connection.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT table_name::text, column_name::text FROM information_schema.columns
            WHERE table_schema = 'public' AND table_name <> 'seaql_migrations'"
        }
        _ => {
            "SELECT t.name, c.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c
            WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> 'seaql_migrations'"
        }
    };
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in connection.query_all_raw(statement).await.unwrap() {
        let column = row.try_get_by_index(1).unwrap();
        columns.entry(row.try_get_by_index(0).unwrap()).or_default().push(column);
    }
    columns
}

/// The rows of each table, of these columns.
async fn read(
    connection: &DatabaseConnection,
    known: &BTreeMap<String, Vec<String>>,
) -> BTreeMap<String, Vec<String>> {
    let mut read = BTreeMap::new();
    for (table, columns) in known {
        let values: Vec<String> = columns
            .iter()
            .map(|column| format!("'{column}=' || coalesce(CAST({column} AS text), 'null')"))
            .collect();
        let sql = format!("SELECT {} FROM {table} ORDER BY 1", values.join(" || ' ' || "));
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let rows = connection.query_all_raw(statement).await.unwrap();
        let rows = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        read.insert(table.clone(), rows);
    }
    read
}
