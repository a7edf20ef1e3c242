//! A fresh database for a test, on either engine.

use std::{path::PathBuf, time::Duration};

use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use tempfile::TempDir;
use test_postgres::TestDatabase;

/// As long as nothing in a test takes.
pub const WAIT: Duration = Duration::from_secs(60);

/// Where a test's database is; gone when dropped.
pub struct Place {
    pub url: String,
    folder: Option<TempDir>,
    _database: Option<TestDatabase>,
}

impl Place {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        Self {
            url: format!("sqlite://{}?mode=rwc", path.display()),
            folder: Some(folder),
            _database: None,
        }
    }

    pub async fn postgres() -> Self {
        let database = TestDatabase::new().await;
        Self { url: database.url(), folder: None, _database: Some(database) }
    }

    /// SQLite's file.
    pub fn file(&self) -> PathBuf {
        self.folder.as_ref().unwrap().path().join("test.db")
    }

    pub async fn open(&self) -> DatabaseConnection {
        let mut options = ConnectOptions::new(&self.url);
        options.max_connections(2).sqlx_logging(false);
        Database::connect(options).await.unwrap()
    }
}

/// Waits until something is so, for as long as nothing in a test takes.
pub async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(WAIT, waiting).await.unwrap();
}

/// Makes a test of each function, on both databases.
macro_rules! on_both {
    ($($name:ident)+) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name(crate::place::Place::sqlite().await).await; })+
        }
        mod postgres {
            $(#[tokio::test] async fn $name() { super::$name(crate::place::Place::postgres().await).await; })+
        }
    };
}
pub(crate) use on_both;
