//! A real PostgreSQL for tests, started by the tests themselves.
//!
//! One server a test binary, shared by its tests and stopped with the last of them, so that nothing is left running;
//! a database of its own for each test. Where PostgreSQL can't be had the test fails and says what to install: it
//! never skips.
#![allow(clippy::expect_used, clippy::panic, reason = "a test's own set-up fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use pgtemp::{PgTempDB, PgTempDBBuilder};
use sqlx::{Connection, Executor, PgConnection};

/// An empty database, there for as long as this lives.
pub struct TestDatabase {
    server: Arc<PgTempDB>,
    name: String,
}

impl TestDatabase {
    /// Makes an empty database, on the server of this test binary.
    ///
    /// # Panics
    /// PostgreSQL or, for root, sudo is missing: the message says how to install it.
    pub async fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let server = tokio::task::spawn_blocking(server).await.expect("PostgreSQL starts");
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        Self::on(server, &name).await
    }

    /// Likewise, and its transactions are isolated so unless they say otherwise: `serializable`, for instance, where any
    /// statement may be cancelled because of what others do (SQLSTATE 40001).
    ///
    /// # Panics
    /// As [`TestDatabase::new`]; and where PostgreSQL knows no such level.
    pub async fn isolated(level: &str) -> Self {
        let database = Self::new().await;
        let mut connection = connect(&database.url()).await;
        let name = &database.name;
        let isolation =
            format!("ALTER DATABASE {name} SET default_transaction_isolation TO '{level}'");
        connection
            .execute(sqlx::AssertSqlSafe(isolation))
            .await
            .expect("PostgreSQL knows this isolation level");
        database
    }

    /// An empty database on a server of its own, which counts the statements that it is sent: `pg_stat_statements` is
    /// loaded, and made in this database.
    ///
    /// # Panics
    /// As [`TestDatabase::new`]; and where PostgreSQL was installed without what is usually called `contrib`.
    pub async fn that_counts_statements() -> Self {
        let server = tokio::task::spawn_blocking(|| {
            let server = builder()
                .with_config_param("shared_preload_libraries", "pg_stat_statements")
                .with_config_param("pg_stat_statements.track", "all");
            Arc::new(server.start())
        });
        let server = server.await.expect("PostgreSQL starts with pg_stat_statements (contrib)");
        let database = Self::on(server, "counted").await;
        let mut connection = connect(&database.url()).await;
        connection
            .execute("CREATE EXTENSION pg_stat_statements")
            .await
            .expect("pg_stat_statements is part of postgresql-contrib: install it");
        database
    }

    async fn on(server: Arc<PgTempDB>, name: &str) -> Self {
        let mut connection = connect(&server.connection_uri()).await;
        connection
            .execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .await
            .expect("a database can be made on the tests' own server");
        Self { server, name: name.to_owned() }
    }

    /// How to connect to it.
    pub fn url(&self) -> String {
        let (user, password) = (self.server.db_user(), self.server.db_pass());
        format!("postgres://{user}:{password}@127.0.0.1:{}/{}", self.server.db_port(), self.name)
    }
}

fn server() -> Arc<PgTempDB> {
    static SERVER: Mutex<Weak<PgTempDB>> = Mutex::new(Weak::new());
    let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = shared.upgrade() {
        return server;
    }
    let server = Arc::new(builder().start());
    *shared = Arc::downgrade(&server);
    server
}

fn builder() -> PgTempDBBuilder {
    PgTempDB::builder()
        .with_bin_path(programs())
        .with_config_param("max_connections", "300")
        // pgtemp never reads the server's output, and a full pipe would stop it.
        .with_config_param("log_min_messages", "panic")
        .with_config_param("log_min_error_statement", "panic")
}

/// A fresh server may need a moment before it accepts.
async fn connect(url: &str) -> PgConnection {
    let mut last = None;
    for _ in 0..100 {
        match PgConnection::connect(url).await {
            Ok(connection) => return connection,
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the tests' own PostgreSQL does not accept connections: {last:?}");
}

/// Where `initdb` and `postgres` are; Debian keeps them out of the path.
fn programs() -> PathBuf {
    let output = Command::new("pg_config").arg("--bindir").output();
    let told = output.ok().filter(|output| output.status.success());
    let told = told.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let complete =
        |folder: &Path| folder.join("initdb").exists() && folder.join("postgres").exists();
    told.into_iter().chain(debian).chain(in_path).find(|folder| complete(folder)).expect(
        "PostgreSQL's initdb and postgres were not found: run `make setup`, or install the package postgresql",
    )
}
