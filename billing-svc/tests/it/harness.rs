//! The same suite on a SQLite file and on a real PostgreSQL; what races are about, on a PostgreSQL whose transactions are all
//! SERIALIZABLE as well.

use migrations::{BillingMigrator, MigrateMode};
use service_kit::db::{self, Db};
use tempfile::TempDir;
use test_postgres::TestDatabase;

/// Makes each test run twice: `sqlite::…` and `postgres::…`, each with an empty database of its own.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test($crate::harness::Database::sqlite()).await;
                }
            )+
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test($crate::harness::Database::postgres().await).await;
                }
            )+
        }
    };
}

/// Like `on_both`, and `serializable::…`: on a PostgreSQL where every transaction is SERIALIZABLE. For what writes, and for
/// what is read beside it: any statement may be cancelled there (40001), and nobody must be told.
macro_rules! on_all {
    ($($test:ident),+ $(,)?) => {
        on_both!($($test),+);

        mod serializable {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test($crate::harness::Database::serializable().await).await;
                }
            )+
        }
    };
}

/// Instances side by side: `instances::postgres::…` and `instances::serializable::…`.
macro_rules! on_postgres {
    ($($test:ident),+ $(,)?) => {
        mod instances {
            mod postgres {
                $(
                    #[tokio::test(flavor = "multi_thread")]
                    async fn $test() {
                        super::super::$test($crate::harness::Database::postgres().await).await;
                    }
                )+
            }

            mod serializable {
                $(
                    #[tokio::test(flavor = "multi_thread")]
                    async fn $test() {
                        super::super::$test($crate::harness::Database::serializable().await).await;
                    }
                )+
            }
        }
    };
}

/// An empty database, gone with the test.
pub struct Database {
    url: String,
    _place: Place,
}

#[expect(dead_code, reason = "kept for what their ends clean up")]
enum Place {
    File(TempDir),
    Server(TestDatabase),
    Elsewhere,
}

impl Database {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("billing.db");
        let url = format!("sqlite://{}?mode=rwc", file.display());
        Self { url, _place: Place::File(folder) }
    }

    pub async fn postgres() -> Self {
        let database = TestDatabase::new().await;
        Self { url: database.url(), _place: Place::Server(database) }
    }

    /// A PostgreSQL whose transactions are all SERIALIZABLE.
    pub async fn serializable() -> Self {
        Self::isolated("serializable").await
    }

    /// A PostgreSQL whose transactions are isolated so unless they say otherwise.
    pub async fn isolated(level: &str) -> Self {
        let database = TestDatabase::isolated(level).await;
        Self { url: database.url(), _place: Place::Server(database) }
    }

    /// A PostgreSQL with `pg_stat_statements`.
    pub async fn that_counts_statements() -> Self {
        let database = TestDatabase::that_counts_statements().await;
        Self { url: database.url(), _place: Place::Server(database) }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Host and port of a PostgreSQL.
    pub fn server_address(&self) -> String {
        let rest = self.url.split_once('@').unwrap().1;
        rest.split_once('/').unwrap().0.to_owned()
    }

    /// The same database by another address, for as long as this one lives.
    pub fn through(&self, address: &str) -> Self {
        let url = self.url.replace(&self.server_address(), address);
        Self { url, _place: Place::Elsewhere }
    }

    /// Opened, with today's schema.
    pub async fn open(&self) -> Db {
        self.open_with(12).await
    }

    /// Likewise, with so many connections.
    pub async fn open_with(&self, connections: u32) -> Db {
        let database = db::open(&self.url, connections).await.unwrap();
        migrations::prepare::<BillingMigrator>(&database.connection, MigrateMode::Auto)
            .await
            .unwrap();
        database
    }
}
