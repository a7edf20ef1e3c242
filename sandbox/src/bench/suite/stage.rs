//! The servers and databases that a group of series needs. Databases are seeded once and copied for each group, so that every
//! group begins with the same rows; servers live as long as their group.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use super::clock::Clock;
use super::plan::Group;
use super::series::{Books, Engine, Series, Subject};
use super::table::thousands;
use crate::bench::history::{self, Seed};
use crate::bench::servers::baseline::{self, Kind};
use crate::bench::servers::{Billing, Callers, Folder, Postgres, Standing};

/// Users of every database: `bench:0`…
pub const USERS: u32 = 100_000;
/// The database of the one-transaction service and of pgbench.
const PLAIN: &str = "plain";

/// What lives as long as the suite. Servers that are dropped are gone; the folder goes last.
#[derive(Debug)]
pub struct Stage {
    postgres: Option<Postgres>,
    callers: Callers,
    /// The databases that were seeded, to be copied.
    seeded: BTreeSet<Books>,
    /// Numbers the copies.
    copies: u32,
    folder: Folder,
}

/// What lives as long as a group.
#[derive(Debug, Default)]
pub struct Servers {
    billing: BTreeMap<Subject, Vec<Billing>>,
    standing: BTreeMap<Kind, Standing>,
    /// On PostgreSQL.
    databases: Vec<String>,
    /// Of SQLite.
    files: Vec<PathBuf>,
    /// The database of the statements that pgbench runs was made.
    plain: bool,
}

impl Stage {
    /// An empty folder with room for so many GiB.
    ///
    /// # Errors
    /// There is none.
    pub fn new(gib: u64) -> anyhow::Result<Self> {
        let folder = Folder::new(gib)?;
        let callers = Callers::new(folder.path())?;
        Ok(Self { postgres: None, callers, seeded: BTreeSet::new(), copies: 0, folder })
    }

    /// Where everything is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Who may call the servers.
    pub fn callers(&self) -> &Callers {
        &self.callers
    }

    /// PostgreSQL, once a group has needed it.
    pub fn postgres(&self) -> Option<&Postgres> {
        self.postgres.as_ref()
    }

    /// Starts what the group needs, on fresh databases.
    ///
    /// # Errors
    /// A server is missing or does not start, a database can't be made.
    pub async fn prepare(&mut self, group: &Group, clock: &Clock) -> anyhow::Result<Servers> {
        let subjects: BTreeSet<_> = group.series.iter().map(|series| series.subject).collect();
        if subjects.iter().any(|subject| subject.on_postgres()) {
            self.server_started(clock).await?;
        }
        let mut servers = Servers::default();
        for subject in subjects {
            match subject {
                Subject::Kopilka(books, instances) => {
                    let url = self.books(books, &mut servers, clock).await?;
                    let mut billing = Vec::new();
                    for _ in 0..instances {
                        let folder = self.folder.path();
                        billing.push(Billing::start(folder, &self.callers, &url).await?);
                    }
                    servers.billing.insert(subject, billing);
                }
                Subject::Baseline(kind @ Kind::Echo) => {
                    let echo = Standing::start(self.folder.path(), kind, None, None).await?;
                    servers.standing.insert(kind, echo);
                }
                Subject::Baseline(kind @ Kind::OneTransaction) => {
                    let url = self.plain(&mut servers).await?;
                    let token = self.callers.token();
                    let started =
                        Standing::start(self.folder.path(), kind, Some(&url), Some(&token)).await?;
                    servers.standing.insert(kind, started);
                }
                Subject::Pgbench => drop(self.plain(&mut servers).await?),
                Subject::Commits => {}
            }
        }
        Ok(servers)
    }

    /// Ends the servers of a group and removes its databases.
    ///
    /// # Errors
    /// A database can't be removed.
    pub async fn clear(&self, servers: Servers) -> anyhow::Result<()> {
        let Servers { billing, standing, databases, files, plain: _ } = servers;
        tokio::task::spawn_blocking(move || drop((billing, standing))).await?;
        for database in databases {
            self.server()?.remove(&database).await?;
        }
        for file in files {
            std::fs::remove_file(&file).with_context(|| format!("{}", file.display()))?;
        }
        Ok(())
    }

    /// PostgreSQL, started where it wasn't.
    ///
    /// # Errors
    /// It is missing, or does not start.
    pub async fn server_started(&mut self, clock: &Clock) -> anyhow::Result<&Postgres> {
        if self.postgres.is_none() {
            clock.say("starting PostgreSQL");
            self.postgres = Some(Postgres::start(self.folder.path()).await?);
        }
        self.server()
    }

    fn server(&self) -> anyhow::Result<&Postgres> {
        self.postgres.as_ref().context("PostgreSQL was not started")
    }

    /// The tables of the one-transaction service, with as many users.
    async fn plain(&self, servers: &mut Servers) -> anyhow::Result<SecretString> {
        let postgres = self.server()?;
        if !servers.plain {
            postgres.create(PLAIN, None).await?;
            servers.databases.push(PLAIN.to_owned());
            servers.plain = true;
            baseline::prepare(&postgres.url(PLAIN), USERS).await?;
        }
        Ok(postgres.url(PLAIN))
    }

    /// A database of billing-svc that nobody has used yet.
    async fn books(
        &mut self,
        books: Books,
        servers: &mut Servers,
        clock: &Clock,
    ) -> anyhow::Result<SecretString> {
        self.copies += 1;
        let copy = format!("{books}-{}", self.copies);
        // A long history is used once: no copy.
        let once = books.operations > 0;
        let seeded = if once { copy.clone() } else { format!("seeded-{books}") };
        if !self.seeded.contains(&books) {
            self.seed(books, &seeded, clock).await?;
            if !once {
                self.seeded.insert(books);
            }
        }
        match books.engine {
            Engine::Postgres => {
                if !once {
                    self.server()?.create(&copy, Some(&seeded)).await?;
                }
                servers.databases.push(copy.clone());
                Ok(self.server()?.url(&copy))
            }
            Engine::Sqlite => {
                if !once {
                    copied(&self.file(&seeded), &self.file(&copy)).await?;
                }
                servers.files.push(self.file(&copy));
                Ok(self.file_url(&copy))
            }
        }
    }

    /// Makes a database: billing-svc makes its tables and prices, then the rows are written.
    async fn seed(&self, books: Books, name: &str, clock: &Clock) -> anyhow::Result<()> {
        clock.say(&format!(
            "making the database {books}: {} users, {} past operations, {} grants each",
            thousands(f64::from(USERS)),
            thousands(books.operations as f64),
            books.grants
        ));
        let url = match books.engine {
            Engine::Postgres => {
                self.server()?.create(name, None).await?;
                self.server()?.url(name)
            }
            Engine::Sqlite => self.file_url(name),
        };
        let billing = Billing::start(self.folder.path(), &self.callers, &url).await?;
        tokio::task::spawn_blocking(move || drop(billing)).await?;
        let seed = Seed { users: USERS, operations: books.operations, grants: books.grants };
        history::seed(url.expose_secret(), &seed).await
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.db"))
    }

    fn file_url(&self, name: &str) -> SecretString {
        format!("sqlite://{}?mode=rwc", self.file(name).display()).into()
    }
}

/// Copies a SQLite database, with what is only in its WAL so far.
async fn copied(from: &Path, to: &Path) -> anyhow::Result<()> {
    let mut connection = SqliteConnectOptions::new().filename(from).connect().await?;
    let statement = format!("VACUUM INTO '{}'", to.display());
    connection.execute(AssertSqlSafe(statement)).await.context("copying a database")?;
    connection.close().await?;
    Ok(())
}

impl Servers {
    /// The addresses of those whom a series calls.
    ///
    /// # Errors
    /// The group of these servers has no such series.
    pub fn urls(&self, series: &Series) -> anyhow::Result<Vec<String>> {
        let urls = match series.subject {
            Subject::Kopilka(..) => self
                .billing
                .get(&series.subject)
                .map(|billing| billing.iter().map(Billing::url).collect()),
            Subject::Baseline(kind) => self.standing.get(&kind).map(|one| vec![one.url()]),
            Subject::Pgbench | Subject::Commits => None,
        };
        urls.with_context(|| format!("{series} has no server"))
    }

    /// The processes of those whom a series calls.
    pub fn processes(&self, series: &Series) -> Vec<u32> {
        match series.subject {
            Subject::Kopilka(..) => {
                let billing = self.billing.get(&series.subject).into_iter().flatten();
                billing.map(Billing::id).collect()
            }
            Subject::Baseline(kind) => {
                self.standing.get(&kind).map(Standing::id).into_iter().collect()
            }
            Subject::Pgbench | Subject::Commits => Vec::new(),
        }
    }

    /// The database of the statements that pgbench runs, where the group needs it.
    pub fn plain(&self) -> Option<&'static str> {
        self.plain.then_some(PLAIN)
    }

    /// # Errors
    /// A server has ended; the error shows the end of its log.
    pub fn alive(&mut self) -> anyhow::Result<()> {
        self.billing.values_mut().flatten().try_for_each(Billing::alive)?;
        self.standing.values_mut().try_for_each(Standing::alive)
    }

    /// The ends of the logs of those whom a series calls.
    pub fn said(&self, series: &Series) -> String {
        let billing = self.billing.get(&series.subject).into_iter().flatten();
        billing.map(Billing::said).collect()
    }

    /// The most memory that any instance of billing-svc ever had, in MiB; 0 where there is none.
    ///
    /// # Errors
    /// One has ended, or this is no Linux.
    pub fn peak_memory(&self) -> anyhow::Result<f64> {
        let mut peaks = self.billing.values().flatten().map(Billing::peak_memory);
        peaks.try_fold(0.0, |most: f64, peak| Ok(most.max(peak?)))
    }
}
