//! What a service finds when it starts.

use migrations::{
    Fit, MigrateError, MigrateMode, WorkerMigrator, fits, prepare, queue_table, usable,
};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use sea_orm_migration::{
    DbErr, MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait,
};

use crate::place::{Place, WAIT, on_both};

on_both! {
    a_newer_schema_is_refused_in_words_that_say_what_to_do
    check_refuses_what_is_pending_and_changes_nothing
    a_schema_is_the_same_older_newer_or_another
    a_start_that_fails_half_way_leaves_nothing_behind
}

/// Two changes, and a third that fails.
struct Queues;
struct Third;
struct Fails;

impl MigrationName for Queues {
    fn name(&self) -> &str {
        "m20260101_000001_queues"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Queues {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        queue_table("one").up(manager).await?;
        queue_table("two").up(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        queue_table("two").down(manager).await?;
        queue_table("one").down(manager).await
    }
}

impl MigrationName for Third {
    fn name(&self) -> &str {
        "m20260101_000002_third"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Third {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        queue_table("three").up(manager).await
    }
}

impl MigrationName for Fails {
    fn name(&self) -> &str {
        "m20260101_000003_fails"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Fails {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        queue_table("four").up(manager).await?;
        queue_table("one").up(manager).await
    }
}

/// The release before.
struct Old;
/// This release.
struct New;
/// A release with a defect.
struct Broken;

impl MigratorTrait for Old {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Queues)]
    }
}

impl MigratorTrait for New {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Queues), Box::new(Third)]
    }
}

impl MigratorTrait for Broken {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Queues), Box::new(Third), Box::new(Fails)]
    }
}

async fn has_table(connection: &DatabaseConnection, name: &str) -> bool {
    SchemaManager::new(connection).has_table(name).await.unwrap()
}

async fn a_newer_schema_is_refused_in_words_that_say_what_to_do(place: Place) {
    let connection = place.open().await;
    prepare::<New>(&connection, MigrateMode::Auto).await.unwrap();
    for mode in [MigrateMode::Auto, MigrateMode::Check] {
        let refusal = prepare::<Old>(&connection, mode).await.unwrap_err();
        let MigrateError::Newer { unknown } = &refusal else {
            panic!("{refusal}");
        };
        assert_eq!(unknown, &["m20260101_000002_third"]);
        let said = refusal.to_string();
        for part in ["newer than this program", "m20260101_000002_third", "newer release", "down"] {
            assert!(said.contains(part), "{said}");
        }
    }
    assert!(migrations::down::<Old>(&connection, 1, WAIT).await.is_err());
    prepare::<New>(&connection, MigrateMode::Check).await.unwrap();
}

async fn check_refuses_what_is_pending_and_changes_nothing(place: Place) {
    let connection = place.open().await;
    let refusal = prepare::<New>(&connection, MigrateMode::Check).await.unwrap_err().to_string();
    assert!(refusal.contains("older than this program") && refusal.contains("third"), "{refusal}");
    assert!(!has_table(&connection, "seaql_migrations").await);

    prepare::<Old>(&connection, MigrateMode::Auto).await.unwrap();
    let refusal = prepare::<New>(&connection, MigrateMode::Check).await.unwrap_err().to_string();
    assert!(refusal.contains("third") && !refusal.contains("queues"), "{refusal}");
    assert!(!has_table(&connection, "three").await);
}

async fn a_schema_is_the_same_older_newer_or_another(place: Place) {
    let connection = place.open().await;
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let (queues, third) = ("m20260101_000001_queues", "m20260101_000002_third");
    let all = Fit::Older { pending: names(&[queues, third]) };
    assert_eq!(fits::<New>(&connection).await.unwrap(), all);
    assert!(!has_table(&connection, "seaql_migrations").await, "looking writes nothing");

    prepare::<Old>(&connection, MigrateMode::Auto).await.unwrap();
    assert_eq!(fits::<Old>(&connection).await.unwrap(), Fit::Same);
    assert_eq!(fits::<New>(&connection).await.unwrap(), Fit::Older { pending: names(&[third]) });
    assert!(usable::<New>(connection.clone()).await.unwrap_err().contains(third));
    prepare::<New>(&connection, MigrateMode::Auto).await.unwrap();
    assert_eq!(fits::<Old>(&connection).await.unwrap(), Fit::Newer { unknown: names(&[third]) });
    assert_eq!(usable::<Old>(connection.clone()).await, Ok(()), "the release before goes on");

    // Another service's database.
    let Fit::Other { pending, unknown } = fits::<WorkerMigrator>(&connection).await.unwrap() else {
        panic!("neither older nor newer");
    };
    assert_eq!(pending.len(), WorkerMigrator::migrations().len());
    assert_eq!(unknown, names(&[queues, third]));
    let refusal = usable::<WorkerMigrator>(connection.clone()).await.unwrap_err();
    assert!(refusal.contains("another history") && refusal.contains(third), "{refusal}");
    for mode in [MigrateMode::Auto, MigrateMode::Check] {
        let refusal = prepare::<WorkerMigrator>(&connection, mode).await.unwrap_err().to_string();
        assert!(refusal.contains("another service's database") && refusal.contains(third));
    }
    assert!(!has_table(&connection, "jobs").await);
}

async fn a_start_that_fails_half_way_leaves_nothing_behind(place: Place) {
    let connection = place.open().await;
    prepare::<Old>(&connection, MigrateMode::Auto).await.unwrap();
    assert!(prepare::<Broken>(&connection, MigrateMode::Auto).await.is_err());
    assert!(!has_table(&connection, "three").await);
    assert!(!has_table(&connection, "four").await);
    prepare::<New>(&connection, MigrateMode::Auto).await.unwrap();
    connection.execute_unprepared("SELECT * FROM three").await.unwrap();
}

#[tokio::test]
async fn instances_that_start_at_once_on_postgresql_all_find_the_schema() {
    let place = Place::postgres().await;
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let connection = place.open().await;
        starting.spawn(async move { prepare::<New>(&connection, MigrateMode::Auto).await });
    }
    for started in starting.join_all().await {
        started.unwrap();
    }
}

#[test]
fn sqlite_is_migrated_by_its_service_and_postgresql_by_its_operator() {
    assert_eq!(MigrateMode::default_for("sqlite://data/billing.db?mode=rwc"), MigrateMode::Auto);
    assert_eq!(MigrateMode::default_for("postgres://host/billing"), MigrateMode::Check);
    assert_eq!("AUTO".parse(), Ok(MigrateMode::Auto));
    assert!("maybe".parse::<MigrateMode>().is_err());
}
