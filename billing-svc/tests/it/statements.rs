//! Which statements the service sends, and whether each says whose rows it is about: `statements.txt` beside this file,
//! by class. When statements change on purpose: `UPDATE_STATEMENTS=1 cargo test -p billing-svc --test it statements`, and
//! look at what changed class.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use tokio::time::Instant;

use crate::bank::Bank;
use crate::harness::Database;
use crate::varied_load;

/// What some parts of the service do by themselves, they do within this time.
const PATIENCE: Duration = Duration::from_secs(60);

const SENT: &str = "SELECT query FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
    WHERE d.datname = current_database() AND toplevel";

/// Tables without a user.
const HOUSE: [&str; 7] = [
    "event_consumers",
    "event_position",
    "notifications",
    "price_lists",
    "prices",
    "promo_codes",
    "provider_cursors",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_statements_is_what_the_service_sends() {
    let database = Database::that_counts_statements().await;
    let bank = Bank::open().await;
    // An audit reads everything, and when is chance.
    let service = bank.service_with(database.url(), &["--audit-interval", "0s"]).await;
    let connection = sea_orm::Database::connect(database.url()).await.unwrap();
    varied_load::run(&service, &bank, database.url()).await;

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/statements.txt");
    let since = Instant::now();
    if std::env::var_os("UPDATE_STATEMENTS").is_some() {
        // The gauges are counted every fifteen seconds, what is done by itself more often.
        tokio::time::sleep_until(since + PATIENCE / 2).await;
        let list: Vec<String> = sent(&connection).await.into_iter().collect();
        std::fs::write(&file, list.join("\n") + "\n").unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap();
    let kept: BTreeSet<String> = kept.lines().map(str::to_owned).collect();
    loop {
        let sent = sent(&connection).await;
        let new: Vec<&String> = sent.difference(&kept).collect();
        assert!(new.is_empty(), "not in statements.txt (see statements.rs): {new:#?}");
        let gone: Vec<&String> = kept.difference(&sent).collect();
        if gone.is_empty() {
            break;
        }
        assert!(since.elapsed() < PATIENCE, "no longer sent (see statements.rs): {gone:#?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    service.finish().await;
    connection.close().await.unwrap();
}

/// Each statement about our tables, with its class in front.
async fn sent(connection: &DatabaseConnection) -> BTreeSet<String> {
    let statement = Statement::from_string(DbBackend::Postgres, SENT);
    let rows = connection.query_all_raw(statement).await.unwrap();
    let texts = rows.iter().map(|row| row.try_get::<String>("", "query").unwrap());
    let parts: Vec<String> =
        texts.filter(|text| is_ours(text)).flat_map(|text| parts(&text)).collect();
    let with_class = |part: &String| {
        let shape = shape(part);
        format!("{:7}{shape}", class(&shape))
    };
    parts.iter().map(with_class).collect()
}

/// A batch writes its tables in one statement, a part of its `WITH` each. Which ones, is chance: each stands for itself.
fn parts(text: &str) -> Vec<String> {
    let Some(with) = text.strip_prefix("WITH w0 AS (") else { return vec![text.to_owned()] };
    // What counts them is no table.
    let with = with.split_once(", written AS (").map_or(with, |(with, _)| with);
    let mut ends = with.split(" RETURNING ");
    let first = ends.next().map(str::to_owned);
    // «…), w1 AS (» and the next one; after the last there is none.
    let others = ends.filter_map(|end| end.split_once(" AS (")).map(|(_, part)| part.to_owned());
    first.into_iter().chain(others).collect()
}

/// Not the schema's, not what this test asks.
fn is_ours(text: &str) -> bool {
    let begins = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "];
    let others = ["pg_catalog", "pg_index", "pg_stat", "information_schema", "seaql_migrations"];
    begins.iter().any(|word| text.starts_with(word))
        && (text.contains(" FROM ") || !text.starts_with("SELECT "))
        && others.iter().all(|other| !text.contains(other))
}

/// Without what differs from call to call, and without lists of columns.
fn shape(text: &str) -> String {
    let text = text.replace('"', "");
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        words.push(without_numbers(word));
    }
    let mut shape = words.join(" ");
    let lists = [
        ("unnest(", ")"),
        (" AS new (", ")"),
        ("SELECT ", " FROM "),
        (" SET ", " FROM "),
        (" SET ", " WHERE "),
    ];
    for (from, to) in lists {
        shape = shortened(&shape, from, to);
    }
    if let Some(insert) = shape.strip_prefix("INSERT INTO ")
        && let Some((table, rest)) = insert.split_once(" (")
        && let Some((_, rest)) = rest.split_once(')')
    {
        shape = format!("INSERT INTO {table} (…){rest}");
    }
    // Lists of one and of many.
    while shape.contains("$, $") {
        shape = shape.replace("$, $", "$");
    }
    while shape.contains("($), ($)") {
        shape = shape.replace("($), ($)", "($)");
    }
    shape
}

fn without_numbers(word: &str) -> String {
    let mut kept = String::new();
    let mut bound = false;
    for character in word.chars() {
        bound = character == '$' || (bound && character.is_ascii_digit());
        if !(bound && character.is_ascii_digit()) {
            kept.push(character);
        }
    }
    kept
}

/// A list of plain columns between two words becomes «…».
fn shortened(text: &str, from: &str, to: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find(from) {
        let after = begin + from.len();
        kept.push_str(&rest[..after]);
        rest = &rest[after..];
        let Some(end) = rest.find(to) else { break };
        let list = &rest[..end];
        let another =
            ["SELECT", "WHERE", "INSERT", "UPDATE"].iter().any(|word| list.contains(word));
        if list.contains(',') && !another {
            kept.push('…');
            rest = &rest[end..];
        }
    }
    kept + rest
}

/// `user`: says whose rows, so that one shard, or those of the users named, has them. `insert`: the rows bear their users.
/// `all`: somewhere it names no user; every shard is asked, or an index over all of them. `house`: of tables without a
/// user.
fn class(shape: &str) -> &'static str {
    let words: Vec<&str> = shape.split([' ', '(', ')', ',']).collect();
    let tables = words.windows(2).filter(|pair| {
        ["FROM", "INTO", "UPDATE", "JOIN"].contains(&pair[0])
            && !["", "SET", "SKIP", "picked", "unnest"].contains(&pair[1])
    });
    let mut tables = tables.map(|pair| pair[1]).peekable();
    if tables.peek().is_some() && tables.all(|table| HOUSE.contains(&table)) {
        return "house";
    }
    if shape.starts_with("INSERT") {
        return "insert";
    }
    let mut conditions = shape.split(" WHERE ").skip(1).peekable();
    let names_user =
        |condition: &str| condition.contains("user_id = ") || condition.contains("user_id IN ");
    match conditions.peek().is_some() && conditions.all(names_user) {
        true => "user",
        false => "all",
    }
}
