//! A PostgreSQL of our own, as durable as in production, with the settings that docs/performance.md recommends. Both
//! sides of every comparison use it.

use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io::Write};

use anyhow::{Context, bail};
use nix::sys::signal::Signal;
use nix::unistd::{User, geteuid};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use uuid::Uuid;

use super::child::{self, Child, Launch};
use crate::system::free_address;

/// What the server is told. Nothing is done twice that a crash could lose: the first three are PostgreSQL's defaults,
/// written down because they are what is measured.
pub const SETTINGS: [(&str, &str); 10] = [
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("shared_buffers", "512MB"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "15min"),
    ("random_page_cost", "1.1"),
    // For pgbench with 256 clients beside the services' pools.
    ("max_connections", "400"),
    ("listen_addresses", "127.0.0.1"),
    ("log_checkpoints", "off"),
];
/// The user of the database, which owns all of them.
const OWNER: &str = "bench";
/// Who runs PostgreSQL where we are root, which it refuses.
const UNPRIVILEGED: &str = "postgres";
/// How long it may take to accept a connection.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A running server. Dropping it ends it; its folder goes with the one that it was made in.
#[derive(Debug)]
pub struct Postgres {
    child: Child,
    address: SocketAddr,
    password: SecretString,
    programs: PathBuf,
    /// Of `wal_compression`, which not every build knows alike.
    compression: String,
}

impl Postgres {
    /// Makes a cluster in `folder` and starts it.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or can't be started; the error says what to do, or what it wrote.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        let programs = programs()?;
        let user = geteuid().is_root().then_some(UNPRIVILEGED);
        let home = folder.join("postgres");
        fs::create_dir(&home).context("PostgreSQL's folder")?;
        let password = SecretString::from(Uuid::new_v4().simple().to_string());
        let file = home.join("password");
        let written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
        written.and_then(|mut file| file.write_all(password.expose_secret().as_bytes()))?;
        if let Some(name) = user {
            let user = User::from_name(name)?.with_context(|| {
                format!("PostgreSQL doesn't run as root, and there is no user {name} to run it")
            })?;
            for path in [&home, &file] {
                chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
            }
        }
        let data = home.join("data");
        let mut initdb = child::command(&programs.join("initdb"), user, None)?;
        initdb.arg("-D").arg(&data).args(["-U", OWNER, "-A", "scram-sha-256", "-E", "UTF8"]);
        initdb.args(["--no-locale", "--pwfile"]).arg(&file);
        let made = spawn_blocking(move || initdb.stdin(Stdio::null()).output()).await??;
        if !made.status.success() {
            bail!("initdb: {}", String::from_utf8_lossy(&made.stderr).trim());
        }
        let address = free_address()?;
        let mut arguments = vec!["-D".into(), data.into_os_string()];
        let port = ("port", address.port().to_string());
        let sockets = ("unix_socket_directories", String::new());
        let settings = SETTINGS.map(|(name, value)| (name, value.to_owned()));
        for (name, value) in settings.into_iter().chain([port, sockets]) {
            arguments.extend(["-c".into(), format!("{name}={value}").into()]);
        }
        let child = Child::start(Launch {
            program: &programs.join("postgres"),
            arguments,
            env: [].into(),
            user,
            log: folder.join("postgres.log"),
            speaks: false,
            // "Fast": ends sessions, writes all down, ends.
            end_by: Signal::SIGINT,
        })?;
        let mut server = Self { child, address, password, programs, compression: String::new() };
        server.ready().await?;
        Ok(server)
    }

    /// Waits for it, and sets what depends on how it was built.
    async fn ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        let mut connection = loop {
            match self.connect("postgres").await {
                Ok(connection) => break connection,
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => self.child.alive().context("PostgreSQL")?,
            }
            sleep(Duration::from_millis(20)).await;
        };
        let known: Option<Vec<String>> =
            sqlx::query_scalar("SELECT enumvals FROM pg_settings WHERE name = 'wal_compression'")
                .fetch_one(&mut connection)
                .await?;
        let known = known.unwrap_or_default();
        let best = ["lz4", "pglz"].into_iter().find(|one| known.iter().any(|known| known == one));
        let best = best.unwrap_or("on");
        connection
            .execute(AssertSqlSafe(format!("ALTER SYSTEM SET wal_compression = {best}")))
            .await?;
        connection.execute("SELECT pg_reload_conf()").await?;
        self.compression = best.to_owned();
        Ok(())
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> SecretString {
        let (password, address) = (self.password.expose_secret(), self.address);
        format!("postgres://{OWNER}:{password}@{address}/{database}").into()
    }

    /// Makes a database, empty or as a copy of another that nobody is connected to.
    ///
    /// # Errors
    /// PostgreSQL refuses.
    pub async fn create(&self, name: &str, copy_of: Option<&str>) -> anyhow::Result<()> {
        let template = copy_of.unwrap_or("template0");
        let statement = format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\"");
        let mut connection = self.connect("postgres").await?;
        connection.execute(AssertSqlSafe(statement)).await.with_context(|| name.to_owned())?;
        Ok(())
    }

    /// Removes a database, with who is connected to it.
    ///
    /// # Errors
    /// PostgreSQL refuses.
    pub async fn remove(&self, name: &str) -> anyhow::Result<()> {
        let statement = format!("DROP DATABASE \"{name}\" WITH (FORCE)");
        self.connect("postgres").await?.execute(AssertSqlSafe(statement)).await?;
        Ok(())
    }

    /// Writes down what is only in memory so far, so that a measurement doesn't pay for what came before it.
    ///
    /// # Errors
    /// The server is gone.
    pub async fn checkpoint(&self) -> anyhow::Result<()> {
        self.connect("postgres").await?.execute("CHECKPOINT").await?;
        Ok(())
    }

    /// The process that all others are children of.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How many bytes of write-ahead log were ever written.
    ///
    /// # Errors
    /// The server is gone.
    pub async fn wal(&self) -> anyhow::Result<u64> {
        let mut connection = self.connect("postgres").await?;
        let bytes: i64 =
            sqlx::query_scalar("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint")
                .fetch_one(&mut connection)
                .await?;
        Ok(bytes.unsigned_abs())
    }

    /// `15.6 (Debian …)`.
    ///
    /// # Errors
    /// The server is gone.
    pub async fn version(&self) -> anyhow::Result<String> {
        let mut connection = self.connect("postgres").await?;
        Ok(sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await?)
    }

    /// The settings that it runs with.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        SETTINGS.into_iter().chain([("wal_compression", self.compression.as_str())])
    }

    /// pgbench, told how to connect to a database.
    ///
    /// # Errors
    /// It is not installed.
    pub fn pgbench(&self, database: &str) -> anyhow::Result<Command> {
        let program = self.programs.join("pgbench");
        if !program.is_file() {
            bail!("pgbench is missing beside PostgreSQL in {}", self.programs.display());
        }
        let mut command = child::command(&program, None, Some(Signal::SIGTERM))?;
        command
            .env("PGPASSWORD", self.password.expose_secret())
            // Not -d: before PostgreSQL 16 that is not the database but the debugging of pgbench.
            .env("PGDATABASE", database)
            .args(["-h", &self.address.ip().to_string(), "-p", &self.address.port().to_string()])
            .args(["-U", OWNER]);
        Ok(command)
    }

    async fn connect(&self, database: &str) -> anyhow::Result<PgConnection> {
        let url = self.url(database);
        let connection = PgConnection::connect(url.expose_secret()).await;
        connection.with_context(|| format!("PostgreSQL does not answer\n{}", self.child.said()))
    }
}

/// Where `initdb` and `postgres` are; Debian keeps them out of the path.
fn programs() -> anyhow::Result<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output();
    let told = output.ok().filter(|output| output.status.success());
    let told = told.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let complete =
        |folder: &Path| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    told.into_iter().chain(debian).chain(in_path).find(|folder| complete(folder)).context(
        "PostgreSQL's initdb and postgres were not found: run `scripts/setup.sh test`, or install the package postgresql",
    )
}
