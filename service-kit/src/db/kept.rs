//! Connections to PostgreSQL that the service's own tasks keep for statements that are transactions of their own.
//!
//! A pool asks a connection before it lends it and after it comes back: for a task that is never cancelled and opens no
//! transaction that is a round trip or two for nothing. Which statements were prepared is kept with the connection, and few
//! connections are in use at once, so they stay warm.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult,
    RuntimeErr, Statement, prelude::async_trait::async_trait,
};
use sea_query_sqlx::SqlxValues;
use sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection, Postgres, pool::PoolConnection, query::Query,
};

/// Its few statements are planned once each: their arrays are of any length, and PostgreSQL would plan for each length again as
/// long as it hopes to gain by that.
const PLANS: &str = "SET plan_cache_mode = force_generic_plan";

/// A connection that was idle for longer is asked whether it still is one.
const TRUSTED: Duration = Duration::from_secs(1);

/// Connections that nobody uses at the moment. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct KeptConnections(Arc<Mutex<Vec<Idle>>>);

#[derive(Debug)]
struct Idle {
    connection: PgConnection,
    since: Instant,
}

impl KeptConnections {
    /// One that nobody else uses, or a new one as the pool makes them. Call it in a task of the service's own, and not more
    /// often at once than connections may be kept: there is no other bound.
    ///
    /// # Errors
    /// The pool can't make a connection.
    pub async fn take(&self, pool: &DatabaseConnection) -> Result<KeptConnection, DbErr> {
        loop {
            let Some(mut idle) = self.idle().pop() else { break };
            if idle.since.elapsed() < TRUSTED || idle.connection.ping().await.is_ok() {
                return Ok(self.lend(idle.connection));
            }
        }
        let new = pool.get_postgres_connection_pool().acquire().await;
        let new = new.map_err(|error| match error {
            sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
            sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
            error => DbErr::Conn(RuntimeErr::SqlxError(error.into())),
        })?;
        // Out of the pool, which neither asks nor counts it any more.
        let mut new = PoolConnection::detach(new);
        new.execute(PLANS).await.map_err(failed)?;
        Ok(self.lend(new))
    }

    fn lend(&self, connection: PgConnection) -> KeptConnection {
        KeptConnection {
            connection: tokio::sync::Mutex::new(Some(connection)),
            clean: AtomicBool::new(true),
            home: self.clone(),
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that its holder has alone. Dropped, it goes back, unless its last statement has no answer.
#[derive(Debug)]
pub struct KeptConnection {
    /// There until it is dropped.
    connection: tokio::sync::Mutex<Option<PgConnection>>,
    clean: AtomicBool,
    home: KeptConnections,
}

impl Drop for KeptConnection {
    fn drop(&mut self) {
        if self.clean.load(Ordering::Acquire)
            && let Some(connection) = self.connection.get_mut().take()
        {
            self.home.idle().push(Idle { connection, since: Instant::now() });
        }
    }
}

impl KeptConnection {
    async fn with<T>(
        &self,
        run: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, DbErr> {
        let mut connection = self.connection.lock().await;
        let Some(connection) = connection.as_mut() else {
            return Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed));
        };
        self.clean.store(false, Ordering::Release);
        let answer = run(connection).await;
        // What the database itself said leaves the connection as it was.
        let clean =
            matches!(answer, Ok(_) | Err(sqlx::Error::Database(_) | sqlx::Error::RowNotFound));
        self.clean.store(clean, Ordering::Release);
        answer.map_err(failed)
    }
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

fn prepared(statement: Statement) -> Query<'static, Postgres, SqlxValues> {
    let values = statement.values.map_or_else(Vec::new, |values| values.0);
    sqlx::query_with(AssertSqlSafe(statement.sql), SqlxValues(sea_orm::Values(values)))
}

#[async_trait]
impl ConnectionTrait for KeptConnection {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let query = prepared(statement);
        Ok(self.with(async |connection| query.execute(connection).await).await?.into())
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(self.with(async |connection| connection.execute(sql).await).await?.into())
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let query = prepared(statement);
        let row = self.with(async |connection| query.fetch_optional(connection).await).await?;
        Ok(row.map(Into::into))
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let query = prepared(statement);
        let rows = self.with(async |connection| query.fetch_all(connection).await).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}
