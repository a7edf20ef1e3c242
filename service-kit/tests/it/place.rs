//! A fresh database for a test, on either engine.

use std::{
    sync::{Arc, Mutex, Weak},
    time::{Duration, Instant},
};

use pgtemp::PgTempDB;
use service_kit::db::{self, Db};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

/// Where a test's database is; gone when dropped.
pub struct Place {
    pub url: String,
    _folder: Option<TempDir>,
    _server: Option<Arc<PgTempDB>>,
}

impl Place {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/test.db");
        Self {
            url: format!("sqlite://{}?mode=rwc", path.display()),
            _folder: Some(folder),
            _server: None,
        }
    }

    pub async fn postgres() -> Self {
        let server = server();
        let mut connection = connect(&server.connection_uri()).await;
        let name = unique_name();
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(create).execute(&mut connection).await.unwrap();
        let uri = server.connection_uri();
        let (base, _) = uri.rsplit_once('/').unwrap();
        Self { url: format!("{base}/{name}"), _folder: None, _server: Some(server) }
    }

    pub async fn open(&self) -> Db {
        db::open(&self.url, 8).await.unwrap()
    }
}

/// One server for all tests that run at the time, ended with the last of them.
fn server() -> Arc<PgTempDB> {
    static SERVER: Mutex<Weak<PgTempDB>> = Mutex::new(Weak::new());
    let mut server = SERVER.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(running) = server.upgrade() {
        return running;
    }
    let new = Arc::new(PgTempDB::new());
    *server = Arc::downgrade(&new);
    new
}

/// pgtemp doesn't wait until its server takes connections.
async fn connect(url: &str) -> PgConnection {
    let give_up = Instant::now() + Duration::from_secs(60);
    loop {
        match PgConnection::connect(url).await {
            Ok(connection) => return connection,
            Err(error) if Instant::now() > give_up => panic!("PostgreSQL does not start: {error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn unique_name() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed))
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
