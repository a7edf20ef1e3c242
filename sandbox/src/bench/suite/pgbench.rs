//! The statements of the one-transaction service, run by pgbench: what PostgreSQL does with them when no service stands
//! before it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::Command;

use super::clock::Times;
use super::results::Run;
use crate::bench::servers::Postgres;

/// The id is a number of milliseconds and something random, like the UUIDv7 of the service: such keys go to the end of an
/// index.
const SCRIPT: &str = r"\set user random(0, :users - 1)
BEGIN;
SELECT balance, version FROM users WHERE user_id = 'bench:' || :user FOR UPDATE \gset
SELECT amount FROM prices WHERE kind = 'generate' \gset
INSERT INTO operations (operation_id, request_id, user_id, kind, price, state) SELECT id, id::text, 'bench:' || :user, 'generate', :amount, 1 FROM (SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || substr(md5(random()::text || clock_timestamp()::text), 1, 20))::uuid AS id) new ON CONFLICT (request_id) DO NOTHING RETURNING operation_id \gset
INSERT INTO entries (user_id, version, operation_id, amount, balance_after) VALUES ('bench:' || :user, :version::bigint + 1, :operation_id, -(:amount::bigint), :balance::bigint - :amount::bigint);
UPDATE users SET balance = :balance::bigint - :amount::bigint, version = :version::bigint + 1 WHERE user_id = 'bench:' || :user;
COMMIT;
";
/// Threads of pgbench.
const JOBS: &str = "2";

/// Runs it with so many clients.
///
/// # Errors
/// pgbench is missing, failed, did not end, or says something else than expected.
pub async fn pgbench(
    postgres: &Postgres,
    database: &str,
    folder: &Path,
    users: u32,
    clients: usize,
    times: Times,
) -> anyhow::Result<Run> {
    let script = folder.join("charge.pgbench");
    std::fs::write(&script, SCRIPT).with_context(|| format!("{}", script.display()))?;
    let seconds = |time: Duration| time.as_secs_f64().ceil().max(1.0);
    let mut output = String::new();
    // It knows no warm-up: the first of two runs is one.
    for time in [times.warm_up, times.time] {
        let time = seconds(time);
        let mut command = Command::from(postgres.pgbench(database)?);
        command
            .args(["-n", "-M", "prepared", "-j", JOBS, "-c", &clients.to_string()])
            .args(["-T", &format!("{time:.0}"), "-D", &format!("users={users}"), "-f"])
            .arg(&script)
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        let patience = Duration::from_secs_f64(time) + Duration::from_secs(60);
        let ended = tokio::time::timeout(patience, command.output()).await;
        let ended = ended.context("pgbench does not end")??;
        if !ended.status.success() {
            bail!("pgbench: {}", String::from_utf8_lossy(&ended.stderr).trim());
        }
        output = String::from_utf8_lossy(&ended.stdout).into_owned();
    }
    read(&output, seconds(times.time)).with_context(|| format!("pgbench said:\n{output}"))
}

/// pgbench tells the mean latency and no percentile: none is told here.
fn read(output: &str, seconds: f64) -> Option<Run> {
    let after = |text: &str| {
        let line = output.lines().find_map(|line| line.strip_prefix(text))?;
        line.split_whitespace().next().map(str::to_owned)
    };
    let calls = after("number of transactions actually processed: ")?.parse().ok()?;
    let per_second = after("tps = ")?.parse().ok()?;
    Some(Run { per_second, calls, refused: 0, seconds, latency: None, cost: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pgbench_prints_is_read() {
        let output = "pgbench (15.6)\nnumber of clients: 16\nduration: 2 s\n\
                      number of transactions actually processed: 5921\nnumber of failed transactions: 0 (0.000%)\n\
                      latency average = 5.402 ms\ninitial connection time = 25.2 ms\n\
                      tps = 2961.839712 (without initial connection time)\n";
        let run = read(output, 2.0).unwrap();
        assert_eq!((run.calls, run.per_second), (5921, 2_961.839_712));
        assert!(read("FATAL: no such thing", 2.0).is_none());
    }
}
