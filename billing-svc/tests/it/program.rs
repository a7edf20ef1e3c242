//! The program itself, as a process of its own.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::harness::Database;
use crate::service::{Client, http_get};

/// The program, with no environment but its flags.
pub struct Program {
    pub client: Client,
    pub grpc: String,
    pub http: String,
    process: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Program {
    pub async fn start(database: &Database, flags: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_billing-svc"))
            .env_clear()
            .args(["--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--migrate", "auto"])
            .args(["--database-url", database.url(), "--log-format", "json"])
            .args(flags)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let http = address(&mut log, "serving metrics and probes").await;
        let grpc = address(&mut log, "serving gRPC").await;
        Self { client: Client::at(&grpc), grpc, http, process, log }
    }

    /// The value of each series whose text begins so.
    pub async fn values(&self, series: &str) -> Vec<(String, f64)> {
        let page = http_get(&self.http, "/metrics").await;
        let lines = page.lines().filter(|line| line.starts_with(series));
        lines
            .map(|line| {
                let (name, value) = line.rsplit_once(' ').unwrap();
                (name.to_owned(), value.parse().unwrap())
            })
            .collect()
    }

    /// The value of one series; labels in the order in which they are exported.
    pub async fn value(&self, series: &str) -> Option<f64> {
        let found = self.values(series).await;
        found.into_iter().find(|(name, _)| name == series).map(|(_, value)| value)
    }

    /// Waits until the series has the value, which a task brings about.
    pub async fn until(&self, series: &str, expected: f64) {
        let mut last = None;
        let waiting = async {
            while last != Some(expected) {
                tokio::time::sleep(Duration::from_millis(50)).await;
                last = self.value(series).await;
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        assert!(ended.is_ok(), "{series} is {last:?}, not {expected}");
    }

    /// Waits for a line of the log.
    pub async fn says(&mut self, words: &str) -> String {
        said(&mut self.log, words).await
    }

    pub async fn stop(mut self) {
        let id = self.process.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        let ended = tokio::time::timeout(Duration::from_secs(15), self.process.wait()).await;
        assert!(ended.unwrap().unwrap().success());
    }
}

async fn said(log: &mut Lines<BufReader<ChildStderr>>, words: &str) -> String {
    let reading = async {
        loop {
            let line = log.next_line().await.unwrap().expect("the program ended");
            if line.contains(words) {
                return line;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reading).await.expect(words)
}

/// The address that a line of the log names.
async fn address(log: &mut Lines<BufReader<ChildStderr>>, words: &str) -> String {
    let line: serde_json::Value = serde_json::from_str(&said(log, words).await).unwrap();
    format!("http://{}", line["address"].as_str().unwrap())
}
