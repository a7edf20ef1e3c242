//! Changes since the first release only expand what the release before them uses, until a contract step says otherwise:
//! the rules are in the documentation of the crate.

mod facts;

use std::path::Path;

use migrations::{BillingMigrator, GatewayMigrator, WorkerMigrator};
use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::{MigratorTrait, SchemaManager};

use crate::place::{Place, on_both};
use facts::{Facts, Step};

on_both! {
    billings_changes_expand
    the_gateways_changes_expand
    the_workers_changes_expand
}

/// The last change of the first release: what came before never met a running program.
const BILLING: &str = "m20261123_000005_requests";
const GATEWAY: &str = "m20261123_000007_language";
const WORKER: &str = "m20261123_000003_returned";

async fn billings_changes_expand(place: Place) {
    expand::<BillingMigrator>(&place, "billing", BILLING).await;
}

async fn the_gateways_changes_expand(place: Place) {
    expand::<GatewayMigrator>(&place, "gateway", GATEWAY).await;
}

async fn the_workers_changes_expand(place: Place) {
    expand::<WorkerMigrator>(&place, "worker", WORKER).await;
}

async fn expand<M: MigratorTrait>(place: &Place, service: &str, first_release: &str) {
    let connection = place.open().await;
    let mut before = Facts::read(&connection).await;
    let names: Vec<String> = M::migrations().iter().map(|m| m.name().to_owned()).collect();
    assert!(names.iter().any(|name| name == first_release));
    for name in names {
        M::up(&connection, Some(1)).await.unwrap();
        let after = Facts::read(&connection).await;
        if name.as_str() > first_release {
            let step = step(service, &name);
            assert_eq!(before.breaks(&after, step), [""; 0], "{name}, as {step:?}");
        }
        before = after;
    }
}

fn step(service: &str, name: &str) -> Step {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/{service}/{name}.rs"));
    if name.contains("_contract_") {
        Step::Contract
    } else if std::fs::read_to_string(file).unwrap().contains("index_on_rows(") {
        Step::ExpandWithIndex
    } else {
        Step::Expand
    }
}

/// What each rule stops, and what it lets through.
#[tokio::test]
async fn the_rules_bite() {
    let table = "CREATE TABLE t (id bigint PRIMARY KEY, kept text, must text NOT NULL, small int DEFAULT 1)";
    let cases: [(&str, Step, &[&str]); 17] = [
        ("CREATE TABLE new (id bigint PRIMARY KEY, must text NOT NULL)", Step::Expand, &[]),
        ("ALTER TABLE t ADD COLUMN new text", Step::Expand, &[]),
        ("ALTER TABLE t ADD COLUMN new bigint NOT NULL DEFAULT 0", Step::Expand, &[]),
        (
            "ALTER TABLE t ADD COLUMN new bigint, ADD CONSTRAINT c CHECK (new > 0) NOT VALID",
            Step::Expand,
            &[],
        ),
        ("ALTER TABLE t ALTER COLUMN must DROP NOT NULL", Step::Expand, &[]),
        ("ALTER TABLE t DROP COLUMN kept", Step::Expand, &["t.kept is gone"]),
        ("ALTER TABLE t DROP COLUMN kept", Step::Contract, &[]),
        ("ALTER TABLE t RENAME COLUMN kept TO named", Step::Expand, &["t.kept is gone"]),
        ("DROP TABLE t", Step::Expand, &["t is gone"]),
        ("ALTER TABLE t RENAME TO named", Step::Expand, &["t is gone"]),
        ("ALTER TABLE t ADD COLUMN new text NOT NULL", Step::Expand, &["t.new must be written"]),
        ("ALTER TABLE t ALTER COLUMN kept SET NOT NULL", Step::Expand, &["t.kept must be written"]),
        (
            "ALTER TABLE t ALTER COLUMN small DROP DEFAULT",
            Step::Expand,
            &["t.small has lost its default"],
        ),
        (
            "ALTER TABLE t ALTER COLUMN small TYPE bigint",
            Step::Contract,
            &["t.small has another type", "t is written anew"],
        ),
        (
            "ALTER TABLE t ADD COLUMN new uuid DEFAULT gen_random_uuid()",
            Step::Expand,
            &["t is written anew"],
        ),
        ("CREATE INDEX i ON t (kept)", Step::Expand, &["t gets the index i"]),
        (
            "ALTER TABLE t ADD CONSTRAINT c CHECK (small > 0)",
            Step::Expand,
            &["c narrows what t takes", "t is read under a lock for c"],
        ),
    ];
    for (sql, step, expected) in cases {
        let place = Place::postgres().await;
        let connection = place.open().await;
        connection.execute_unprepared(table).await.unwrap();
        let before = Facts::read(&connection).await;
        connection.execute_unprepared(sql).await.unwrap();
        let after = Facts::read(&connection).await;
        assert_eq!(before.breaks(&after, step), expected, "{sql}");
    }
}

/// An operator makes an index on a big table before the upgrade, or is told to.
#[tokio::test]
async fn a_big_table_is_not_indexed_under_a_lock() {
    let place = Place::postgres().await;
    let connection = place.open().await;
    assert_eq!(connection.get_database_backend(), DbBackend::Postgres);
    BillingMigrator::up(&connection, Some(6)).await.unwrap();
    let rows = "INSERT INTO operations SELECT 'tg:' || i, gen_random_uuid(), 'r-' || i, 'bot', 'generate', 1, 'COMPLETED', 1,
            1, NULL, NULL, repeat('x', 100), repeat('x', 100), 0, NULL, '', NULL, 0, 0, 0
        FROM generate_series(1, 120000) i";
    connection.execute_unprepared(rows).await.unwrap();
    let up = async || BillingMigrator::up(&connection, Some(1)).await;

    let refusal = up().await.unwrap_err().to_string();
    let aside =
        "CREATE INDEX CONCURRENTLY operations_open ON operations (user_id) WHERE state = 'CHARGED'";
    assert!(refusal.contains(aside), "{refusal}");
    // Interrupted half-way it leaves an index that no query uses.
    connection.execute_unprepared(aside).await.unwrap();
    let interrupted =
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'operations_open'::regclass";
    connection.execute_unprepared(interrupted).await.unwrap();
    let refusal = up().await.unwrap_err().to_string();
    assert!(refusal.contains("DROP INDEX CONCURRENTLY operations_open"), "{refusal}");

    connection.execute_unprepared("DROP INDEX CONCURRENTLY operations_open").await.unwrap();
    connection.execute_unprepared(aside).await.unwrap();
    up().await.unwrap();
    assert!(
        SchemaManager::new(&connection).has_index("operations", "operations_open").await.unwrap()
    );
}
