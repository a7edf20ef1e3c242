//! The operator's tool as a process of its own.

use std::process::{Child, Command, Output, Stdio};

/// The tool with these arguments, and no setting of whoever runs the tests.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_migrations"));
    command.args(arguments);
    for variable in ["DATABASE_URL", "PGSSLMODE", "PGSSLROOTCERT", "PGOPTIONS", "PGAPPNAME"] {
        command.env_remove(variable);
    }
    command
}

/// Runs it to its end.
pub fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// Starts it.
pub fn start(arguments: &[&str]) -> Child {
    command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for its end, elsewhere than in the test's own thread.
pub async fn end(child: Child) -> Output {
    tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap()
}

/// What it printed, and how many lines of it begin with `word`.
pub fn lines(output: &Output, word: &str) -> usize {
    let said = String::from_utf8_lossy(&output.stdout);
    said.lines().filter(|line| line.split(' ').next() == Some(word)).count()
}

/// What it complained about.
pub fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
