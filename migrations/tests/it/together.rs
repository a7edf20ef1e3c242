//! Several change one schema at once, or somebody holds what a change needs.

use std::time::Duration;

use migrations::{BillingMigrator, Fit, MigrateError, MigrateMode, fits, prepare, queue_table, up};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};
use sea_orm_migration::{
    DbErr, MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait,
};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    place::{Place, WAIT, eventually, on_both},
    tool::{self, complaint, lines},
};

on_both! {
    whoever_comes_second_waits_and_finds_nothing_to_do
}

/// A change that is in the middle until a test lets it end.
struct Slow<const TEST: usize>;

static BEGUN: [Semaphore; 3] = [const { Semaphore::const_new(0) }; 3];
static GO_ON: [Semaphore; 3] = [const { Semaphore::const_new(0) }; 3];

impl<const TEST: usize> MigrationName for Slow<TEST> {
    fn name(&self) -> &str {
        "m20260101_000001_slow"
    }
}

#[async_trait::async_trait]
impl<const TEST: usize> MigrationTrait for Slow<TEST> {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        queue_table("slow").up(manager).await?;
        BEGUN[TEST].add_permits(1);
        GO_ON[TEST].acquire().await.unwrap().forget();
        Ok(())
    }
}

impl<const TEST: usize> MigratorTrait for Slow<TEST> {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Slow::<TEST>)]
    }
}

async fn whoever_comes_second_waits_and_finds_nothing_to_do(place: Place) {
    if place.url.starts_with("sqlite:") {
        second::<0>(place).await
    } else {
        second::<1>(place).await
    }
}

async fn second<const TEST: usize>(place: Place) {
    let (first, other) = (place.open().await, place.open().await);
    let first = tokio::spawn(async move { up::<Slow<TEST>>(&first, WAIT).await });
    BEGUN[TEST].acquire().await.unwrap().forget();

    let refusal = up::<Slow<TEST>>(&other, Duration::from_millis(1)).await.unwrap_err();
    assert!(matches!(refusal, MigrateError::Busy { .. }), "{refusal}");
    let said = refusal.to_string();
    assert!(said.contains("nothing was changed") && said.contains("process"), "{said}");

    let second = tokio::spawn(async move {
        let applied = up::<Slow<TEST>>(&other, WAIT).await;
        (applied, other)
    });
    GO_ON[TEST].add_permits(1);
    assert_eq!(first.await.unwrap().unwrap(), ["m20260101_000001_slow"]);
    let (applied, other) = second.await.unwrap();
    assert_eq!(applied.unwrap(), [""; 0]);
    assert_eq!(fits::<Slow<TEST>>(&other).await.unwrap(), Fit::Same);
    assert_eq!(BEGUN[TEST].available_permits(), 0, "it was done once");
}

#[tokio::test]
async fn a_connection_lost_while_waiting_for_a_turn_is_told_as_such() {
    let place = Place::postgres().await;
    let (first, other, watcher) = (place.open().await, place.open().await, place.open().await);
    let first = tokio::spawn(async move { up::<Slow<2>>(&first, WAIT).await });
    BEGUN[2].acquire().await.unwrap().forget();
    let second = tokio::spawn(async move { up::<Slow<2>>(&other, WAIT).await });
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event = 'advisory'";
    eventually(async || number(&watcher, end).await == 1).await;
    let refusal = second.await.unwrap().unwrap_err();
    assert!(matches!(refusal, MigrateError::Lost(_)), "{refusal}");
    assert!(
        refusal.to_string().contains("as a whole or not at all: `status` says which"),
        "{refusal}"
    );
    GO_ON[2].add_permits(1);
    first.await.unwrap().unwrap();
}

#[tokio::test]
async fn tools_and_services_that_start_at_once_apply_each_change_once() {
    let place = Place::postgres().await;
    let connection = place.open().await;
    BillingMigrator::up(&connection, Some(1)).await.unwrap();
    // All of them are held up, one at the table and the others at the lock, before any is done.
    let holder = connection.begin().await.unwrap();
    holder.execute_unprepared("SELECT * FROM admin_requests").await.unwrap();
    let mut tools = JoinSet::new();
    for _ in 0..3 {
        let child = tool::start(&["billing", "up", "--database-url", &place.url]);
        tools.spawn(tool::end(child));
    }
    let mut services = JoinSet::new();
    for _ in 0..3 {
        let service = place.open().await;
        services
            .spawn(async move { prepare::<BillingMigrator>(&service, MigrateMode::Auto).await });
    }
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually(async || number(&connection, waiting).await >= 4).await;
    holder.rollback().await.unwrap();

    let known = BillingMigrator::migrations().len();
    for output in tools.join_all().await {
        assert!(output.status.success(), "{}", complaint(&output));
        assert_eq!(lines(&output, "applied"), known);
    }
    for started in services.join_all().await {
        started.unwrap();
    }
    let rows = "SELECT count(*) FROM seaql_migrations";
    assert_eq!(usize::try_from(number(&connection, rows).await).unwrap(), known);
}

/// A report that runs for an hour holds up the change, and only the change.
#[tokio::test]
async fn a_change_that_waits_for_a_table_lets_everybody_else_through() {
    let place = Place::postgres().await;
    let connection = place.open().await;
    BillingMigrator::up(&connection, Some(1)).await.unwrap();
    let report = connection.begin().await.unwrap();
    report.execute_unprepared("SELECT count(*) FROM admin_requests").await.unwrap();

    let up = ["billing", "up", "--database-url", &place.url, "--patience"];
    let change = tool::start(&[&up[..], &["10m"]].concat());
    let waits = "SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'kopilka-migrations' AND datname = current_database() AND wait_event = 'relation'";
    eventually(async || number(&connection, waits).await == 1).await;
    let write = "INSERT INTO admin_requests VALUES
        ('tg:1', 'r-1', 'ADJUST_BALANCE', 1, 'MONEY', NULL, NULL, NULL, NULL, 'why', 'me', 0)";
    let written = tokio::time::timeout(WAIT, connection.execute_unprepared(write)).await;
    written.unwrap().unwrap();

    // Another one says what is in the way, and gives up.
    let gave_up = tool::end(tool::start(&[&up[..], &["0s"]].concat())).await;
    assert_eq!(gave_up.status.code(), Some(1));
    let said = complaint(&gave_up);
    assert!(said.contains("gave up") && said.contains("idle in transaction"), "{said}");

    report.commit().await.unwrap();
    let ended = tool::end(change).await;
    assert!(ended.status.success(), "{}", complaint(&ended));
    assert_eq!(number(&connection, "SELECT count(*) FROM admin_requests").await, 1);
}

async fn number(connection: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}
