//! Statements that are transactions of their own, run again where they lost a race.
//!
//! READ COMMITTED, PostgreSQL's default, never fails them so. Where every transaction is SERIALIZABLE, as
//! `default_transaction_isolation` or a distributed database may have it, even a lone SELECT can be cancelled
//! (40001) to keep two others apart. What was cancelled changed nothing, so the same statement may be sent again.

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    Statement, prelude::async_trait::async_trait,
};

/// How often a statement is sent before its race counts as lost for good.
const ATTEMPTS: u32 = 8;

/// The longest pause before the second attempt; it doubles. A random part of it is taken.
const FIRST_PAUSE: Duration = Duration::from_millis(2);

/// A pool whose statements are each a transaction of their own. Cheap to clone.
///
/// It is a [`ConnectionTrait`]: queries take it in place of the pool. Transactions begin on [`Alone::pool`], and repeat
/// themselves as a whole.
#[derive(Debug, Clone)]
pub struct Alone(DatabaseConnection);

impl Alone {
    /// Of this pool.
    pub fn new(pool: DatabaseConnection) -> Self {
        Self(pool)
    }

    /// The pool itself.
    pub fn pool(&self) -> &DatabaseConnection {
        &self.0
    }
}

/// Did a transaction fail because another one was faster? It changed nothing, and may be run again from its start.
pub fn lost_race(error: &DbErr) -> bool {
    let (DbErr::Conn(RuntimeErr::SqlxError(error))
    | DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    let code = error.as_database_error().and_then(|error| error.code());
    // serialization_failure, deadlock_detected:
    // <https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html>
    matches!(code.as_deref(), Some("40001" | "40P01"))
}

/// Runs it until it has an answer, or has lost too often. The last error is told.
pub(crate) async fn again<T, Run>(mut once: impl FnMut() -> Run) -> Result<T, DbErr>
where
    Run: Future<Output = Result<T, DbErr>>,
{
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match once().await {
            Err(error) if lost_race(&error) => {
                tracing::debug!(%error, "a statement has to be sent again");
                tokio::time::sleep(pause.mul_f64(rand::random())).await;
                pause *= 2;
            }
            answer => return answer,
        }
    }
    once().await
}

#[async_trait]
impl ConnectionTrait for Alone {
    fn get_database_backend(&self) -> DbBackend {
        self.0.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        again(|| self.0.execute_raw(statement.clone())).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        again(|| self.0.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        again(|| self.0.query_one_raw(statement.clone())).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        again(|| self.0.query_all_raw(statement.clone())).await
    }
}
