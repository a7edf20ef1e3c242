//! The queries of docs/runbook.md answer, on the schema of today: nobody wants to mend SQL at night.

use std::path::Path;

use sea_orm::{ConnectionTrait, Statement};

use crate::harness::Database;

/// Each `books "…"` in a block of commands.
fn queries() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/runbook.md");
    let text = std::fs::read_to_string(path).unwrap();
    let found = text.split("books \"").skip(1).map(|rest| rest.split('"').next().unwrap());
    found.filter(|query| query.starts_with("SELECT")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_the_runbook_answers() {
    let database = Database::postgres().await;
    let opened = database.open().await;
    let backend = opened.connection.get_database_backend();
    let queries = queries();
    assert!(queries.len() > 5, "{queries:?}");
    for query in queries {
        let answer = opened.connection.query_all_raw(Statement::from_string(backend, &query)).await;
        assert!(answer.is_ok(), "{query}: {answer:?}");
    }
}
