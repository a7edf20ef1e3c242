//! What the operator's tool says, and how it ends.

use std::{fs::File, process::Output};

use migrations::{MigrateMode, WorkerMigrator, prepare};
use sea_orm::ConnectionTrait;
use sea_orm_migration::MigratorTrait;

use crate::{
    place::{Place, on_both},
    tool::{self, complaint, lines},
};

on_both! {
    the_tool_applies_lists_and_undoes
    the_tool_leaves_a_newer_schema_alone
}

async fn the_tool_applies_lists_and_undoes(place: Place) {
    let known = WorkerMigrator::migrations().len();
    let run =
        |arguments: &[&str]| tool::run(&[arguments, &["--database-url", &place.url]].concat());
    let found = |output: &Output| {
        (output.status.code(), lines(output, "applied"), lines(output, "pending"))
    };
    assert_eq!(found(&run(&["worker", "status"])), (Some(3), 0, known));
    assert_eq!(found(&run(&["worker", "up"])), (Some(0), known, 0));
    assert_eq!(found(&run(&["worker", "status"])), (Some(0), known, 0));
    assert_eq!(found(&run(&["worker", "down"])), (Some(0), known - 1, 1));
    assert_eq!(found(&run(&["worker", "status"])), (Some(3), known - 1, 1));
    assert_eq!(found(&run(&["worker", "up"])), (Some(0), known, 0));
    assert_eq!(found(&run(&["worker", "up"])), (Some(0), known, 0));
}

async fn the_tool_leaves_a_newer_schema_alone(place: Place) {
    let connection = place.open().await;
    prepare::<WorkerMigrator>(&connection, MigrateMode::Auto).await.unwrap();
    let newer = "INSERT INTO seaql_migrations VALUES ('m20990101_000001_newer', 0)";
    connection.execute_unprepared(newer).await.unwrap();
    connection.close().await.unwrap();

    let run = |action| tool::run(&["worker", action, "--database-url", &place.url]);
    let status = run("status");
    assert_eq!(status.status.code(), Some(3));
    assert_eq!((lines(&status, "unknown"), lines(&status, "pending")), (1, 0));
    for action in ["up", "down"] {
        let output = run(action);
        assert_eq!(output.status.code(), Some(1));
        assert!(complaint(&output).contains("m20990101_000001_newer"), "{}", complaint(&output));
    }
    assert_eq!(lines(&run("status"), "applied"), WorkerMigrator::migrations().len());
}

#[tokio::test]
async fn its_errors_show_no_password() {
    let urls = [
        "postgres://user:hunter2@127.0.0.1:1/db",
        "postgresql://user:hunter2@127.0.0.1:1/db",
        "mysql://user:hunter2@127.0.0.1:1/db",
        "postgres://user:hunter2/with@127.0.0.1:1/db",
        "postgres://user:hunter2#with@127.0.0.1:1/db",
        "postgres://user:12?hunter2@127.0.0.1:1/db",
        "postgres://user:@127.0.0.1:1/db?sslpassword=hunter2&sslmode=sometimes",
    ];
    let started = urls.map(|url| tool::start(&["billing", "status", "--database-url", url]));
    for (child, url) in started.into_iter().zip(urls) {
        let output = tool::end(child).await;
        let said = complaint(&output);
        assert_eq!(output.status.code(), Some(1), "{url}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
        assert!(said.starts_with("error: "), "{said}");
    }
}

#[test]
fn wrong_arguments_end_with_2() {
    for arguments in [
        &["billing", "status"][..],
        &["billing"],
        &["shop", "status", "--database-url", "sqlite://none.db"],
        &["billing", "down", "--steps", "0", "--database-url", "sqlite://none.db"],
        &["billing", "up", "--patience", "long", "--database-url", "sqlite://none.db"],
    ] {
        assert_eq!(tool::run(arguments).status.code(), Some(2), "{arguments:?}");
    }
    assert!(complaint(&tool::run(&["billing", "status"])).contains("--database-url is missing"));
}

#[tokio::test]
async fn a_file_that_a_service_has_open_is_not_changed() {
    let place = Place::sqlite().await;
    let file = place.file();
    let lock = File::create(format!("{}.lock", file.display())).unwrap();
    lock.lock().unwrap();
    let up = ["billing", "up", "--database-url", &place.url, "--patience"];
    let output = tool::run(&[&up[..], &["0s"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("stop its service first"), "{}", complaint(&output));
    assert!(!file.exists());
    // It waits for a service that is about to end.
    let waiting = tool::start(&[&up[..], &["10m"]].concat());
    drop(lock);
    assert!(tool::end(waiting).await.status.success());
}
