//! The operator's tool.

use std::process::{Command, Output};

use migrations::WorkerMigrator;
use sea_orm_migration::MigratorTrait;

use crate::place::{Place, on_both};

on_both! {
    the_tool_applies_lists_and_undoes
}

fn tool(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_migrations"))
        .args(arguments)
        .env_remove("DATABASE_URL")
        .output()
        .unwrap()
}

async fn the_tool_applies_lists_and_undoes(place: Place) {
    let known = WorkerMigrator::migrations().len();
    let count = |arguments: &[&str], word: &str| {
        let output = tool(&[arguments, &["--database-url", &place.url]].concat());
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        said.lines().filter(|line| line.starts_with(word)).count()
    };
    assert_eq!(count(&["worker", "status"], "pending"), known);
    assert_eq!(count(&["worker", "up"], "applied"), known);
    assert_eq!(count(&["worker", "down", "--steps", "1"], "pending"), known.min(1));
    assert_eq!(count(&["worker", "up"], "pending"), 0);
}

#[test]
fn its_errors_show_no_password() {
    let url = "postgres://user:hunter2@127.0.0.1:1/db";
    let output = tool(&["billing", "status", "--database-url", url]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(!said.contains("hunter2"), "{said}");
    let output = tool(&["billing", "status"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("--database-url is missing"));
}
