//! Statements that lose races: sent again, not for ever, and only they.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use service_kit::db::{self, Alone, lost_race};
use test_postgres::TestDatabase;

/// Fails with `code` until it was called `tries` times. What a sequence gave stays given.
const FLAKY: &str = "CREATE SEQUENCE calls;
    CREATE FUNCTION flaky(tries bigint, code text) RETURNS bigint LANGUAGE plpgsql AS $$
    DECLARE call bigint := nextval('calls');
    BEGIN
        IF call < tries THEN RAISE EXCEPTION 'call %', call USING ERRCODE = code; END IF;
        RETURN call;
    END $$";

#[tokio::test]
async fn a_lost_race_is_run_again_and_nothing_else_is() {
    let server = TestDatabase::new().await;
    let database = db::open(&server.url(), 2).await.unwrap();
    let alone = Alone::new(database.connection.clone());
    alone.execute_unprepared(FLAKY).await.unwrap();
    let call = |tries: i64, code: &str| {
        let sql = format!("SELECT flaky({tries}, '{code}') AS call");
        alone.query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
    };
    let calls = || async {
        let sql = "SELECT last_value FROM calls";
        let row = alone.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await;
        row.unwrap().unwrap().try_get::<i64>("", "last_value").unwrap()
    };
    let answer = call(3, "40001").await.unwrap().unwrap();
    assert_eq!(answer.try_get::<i64>("", "call").unwrap(), 3);
    let answer = call(5, "40P01").await.unwrap().unwrap();
    assert_eq!(answer.try_get::<i64>("", "call").unwrap(), 5);

    // A rule that was broken is broken again.
    let broken = call(1000, "23514").await.unwrap_err();
    assert!(!lost_race(&broken), "{broken}");
    assert_eq!(calls().await, 6);
    // Who always loses is told so.
    let lost = call(1000, "40001").await.unwrap_err();
    assert!(lost_race(&lost), "{lost}");
    assert_eq!(calls().await, 6 + 8);
}
