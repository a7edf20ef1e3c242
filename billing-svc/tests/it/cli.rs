//! The program as an operator starts it.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::harness::Database;
use crate::service::{Service, sql};

on_both!(verify_tells_by_its_exit_code, sigterm_ends_it_cleanly);

/// The program, with nothing in its environment but what is given.
fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_billing-svc"));
    command.env_clear().args(arguments).kill_on_drop(true);
    command
}

/// Exit code, standard output and standard error.
async fn run(mut command: Command) -> (Option<i32>, String, String) {
    let output = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

async fn verify_tells_by_its_exit_code(database: Database) {
    let verify = ["verify", "--database-url", database.url()];
    let (code, _, why) = run(program(&verify)).await;
    assert_eq!(code, Some(2), "there is nothing to check yet: {why}");

    let service = Service::start(database.url()).await;
    service.charge("1", "tg:1", "generate").await;
    let (code, report, _) = run(program(&verify)).await;
    assert_eq!(code, Some(0), "next to the live service: {report}");
    service.stop().await;

    sql(database.url(), "UPDATE users SET available = 1").await;
    let (code, report, _) = run(program(&verify)).await;
    assert_eq!(code, Some(1));
    assert!(report.contains("violation") && report.contains("tg:1"), "{report}");
}

async fn sigterm_ends_it_cleanly(database: Database) {
    let any = "127.0.0.1:0";
    let mut service = program(&["--listen", any, "--http-listen", any, "--migrate", "auto"])
        .env("BILLING_DATABASE_URL", database.url())
        .env("LOG_FORMAT", "json")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(service.stderr.take().unwrap()).lines();
    while !log.next_line().await.unwrap().unwrap().contains("serving gRPC") {}
    let id = service.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    assert!(service.wait().await.unwrap().success());
    let mut last = String::new();
    while let Some(line) = log.next_line().await.unwrap() {
        last = line;
    }
    assert!(last.contains("stopped"), "{last}");
}

#[tokio::test]
async fn a_wrong_setting_is_named_and_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    let table = [
        ("BILLING_CURRENCY", "rub", "--currency"),
        ("BILLING_FREE_OPERATIONS", "-1", "--free-operations"),
        ("BILLING_HOLD", "8d", "--hold"),
        ("BILLING_LISTEN", "0.0.0.0:0", "BILLING_LISTEN"),
        ("BILLING_AUTH_FILE", "/nowhere", "BILLING_AUTH_FILE"),
        ("BILLING_PRICES_FILE", "/nowhere", "BILLING_PRICES_FILE"),
        ("BILLING_DATABASE_URL", "mysql://user:secret@host/x", "BILLING_DATABASE_URL"),
        ("RUST_LOG", "=", "RUST_LOG"),
    ];
    for (variable, value, named) in table {
        let mut command = program(&["--http-listen", "127.0.0.1:0"]);
        if variable != "BILLING_LISTEN" {
            command.env("BILLING_LISTEN", "127.0.0.1:0");
        }
        command.env(variable, value).current_dir(folder.path());
        let (code, _, why) = run(command).await;
        assert!(matches!(code, Some(1 | 2)), "{variable}: {code:?} {why}");
        assert!(why.contains(named), "{variable}: {why}");
        assert!(!why.contains("secret"), "{why}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}
