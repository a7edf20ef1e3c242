//! What SQLite does when each row has a commit of its own.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use hdrhistogram::Histogram;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor};

use super::clock::Times;
use super::results::{Latency, Run};

/// Commits rows on one connection, WAL and `synchronous=FULL`, as durable as billing-svc's.
///
/// # Errors
/// The file can't be written.
pub async fn commits(folder: &Path, times: Times) -> anyhow::Result<Run> {
    let file = folder.join("commits.db");
    let mut connection = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await
        .with_context(|| format!("{}", file.display()))?;
    let table = "CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, body TEXT NOT NULL)";
    connection.execute(table).await?;
    let mut latency = Histogram::<u64>::new(3)?;
    let mut measured = Duration::ZERO;
    for (time, counted) in [(times.warm_up, false), (times.time, true)] {
        let begun = Instant::now();
        while begun.elapsed() < time {
            let one = Instant::now();
            sqlx::query("INSERT INTO rows (body) VALUES (?)")
                .bind("a row as long as what is told of a charge, more or less")
                .execute(&mut connection)
                .await?;
            if counted {
                latency.record(u64::try_from(one.elapsed().as_micros()).unwrap_or(u64::MAX))?;
            }
        }
        measured = begun.elapsed();
    }
    connection.close().await?;
    let at = |percent: f64| latency.value_at_percentile(percent) as f64;
    Ok(Run {
        per_second: latency.len() as f64 / measured.as_secs_f64(),
        calls: latency.len(),
        refused: 0,
        seconds: measured.as_secs_f64(),
        latency: Some(Latency {
            p50: at(50.0),
            p90: at(90.0),
            p99: at(99.0),
            p999: at(99.9),
            max: latency.max() as f64,
        }),
        cost: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_row_is_committed_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let times = Times { warm_up: Duration::ZERO, time: Duration::from_millis(100) };
        let run = commits(folder.path(), times).await.unwrap();
        let mut connection = SqliteConnectOptions::new()
            .filename(folder.path().join("commits.db"))
            .connect()
            .await
            .unwrap();
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM rows")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(u64::try_from(rows).unwrap(), run.calls);
        assert!(rows > 0);
    }
}
