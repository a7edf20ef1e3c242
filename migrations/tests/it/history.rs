//! Every change of every service can be undone and done again.

use std::collections::BTreeSet;

use migrations::{BillingMigrator, GatewayMigrator, MigrateMode, WorkerMigrator, down, prepare};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use sea_orm_migration::MigratorTrait;

use crate::place::{Place, WAIT, on_both};

on_both! {
    each_change_of_billing_can_be_undone
    each_change_of_the_gateway_can_be_undone
    each_change_of_the_worker_can_be_undone
}

async fn each_change_of_billing_can_be_undone(place: Place) {
    up_down_up::<BillingMigrator>(place).await;
}

async fn each_change_of_the_gateway_can_be_undone(place: Place) {
    up_down_up::<GatewayMigrator>(place).await;
}

async fn each_change_of_the_worker_can_be_undone(place: Place) {
    up_down_up::<WorkerMigrator>(place).await;
}

async fn up_down_up<M: MigratorTrait>(place: Place) {
    let names: Vec<String> =
        M::migrations().iter().map(|change| change.name().to_owned()).collect();
    assert!(names.is_sorted(), "the list is in the order of their names: {names:?}");
    let connection = place.open().await;
    // Each by itself: down leads back to what was there before it, up again to the same.
    for name in &names {
        let before = schema(&connection).await;
        M::up(&connection, Some(1)).await.unwrap();
        let after = schema(&connection).await;
        assert_ne!(before, after, "{name} changes nothing");
        down::<M>(&connection, 1, WAIT).await.unwrap();
        assert_eq!(schema(&connection).await, before, "{name} leaves something behind");
        M::up(&connection, Some(1)).await.unwrap();
        assert_eq!(schema(&connection).await, after);
    }
    // All at once, as a service does it.
    let whole = schema(&connection).await;
    let all = u32::try_from(names.len()).unwrap();
    down::<M>(&connection, all, WAIT).await.unwrap();
    assert_eq!(schema(&connection).await, BTreeSet::new());
    prepare::<M>(&connection, MigrateMode::Auto).await.unwrap();
    assert_eq!(schema(&connection).await, whole);
    prepare::<M>(&connection, MigrateMode::Check).await.unwrap();
}

/// Every column and index, but for the history's own table.
async fn schema(connection: &DatabaseConnection) -> BTreeSet<String> {
    let sql = match connection.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT concat_ws(' ', 'column', table_name, column_name, data_type, is_nullable, column_default)
             FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name <> 'seaql_migrations'
             UNION SELECT indexdef FROM pg_indexes
             WHERE schemaname = 'public' AND tablename <> 'seaql_migrations'"
        }
        _ => {
            "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema
             WHERE tbl_name NOT IN ('seaql_migrations', 'sqlite_sequence')"
        }
    };
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}
