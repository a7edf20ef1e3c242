//! Facts about the ledger as tables: what is asked, what is answered, what the user has then.
//!
//! ```text
//! ask               | answer                 | paid | held | free
//! adjust a m1 20    | adjusted               | 20   | 0    | 3/3
//! charge a r1 edit  | CHARGED: 1 of signup   | 20   | 0    | 2/3
//! wait 31m          |                        | 20   | 0    | 2/3
//! expire r1         | swept                  | 20   | 0    | 3/3
//! ```
//!
//! The first line names the columns, see [`columns`]; a row shows the user that it is about. Each row is a batch of its
//! own; a row that begins with `+` joins the batch of the row before it. [`script`] and [`money_script`] list what can be
//! asked. A new user
//! gets 3 free operations, a hold is 30 minutes; the prices: generate 10, edit 12, poster 20 (no free operations),
//! gift 0 (no free operations), hello 0, edition 0.000001 (no free operations).
//! Money is in currency units, moments are counted from the start of the table. After each batch all invariants are
//! proved from the entries.

mod columns;
mod money_script;
mod money_words;
mod script;
mod words;
mod world;

mod admin;
mod batches;
mod declines;
mod disputes;
mod entries;
mod events;
mod expiry;
mod funding;
mod house;
mod limits;
mod partial_refunds;
mod paybacks;
mod promotions;
mod repeats;
mod replays;
mod standings;
mod states;
mod topups;

use self::world::World;

/// Runs a table and compares each cell.
#[track_caller]
fn check(table: &str) {
    let mut lines =
        table.lines().map(cells).filter(|cells| cells.iter().any(|cell| !cell.is_empty()));
    let header = lines.next().expect("a line that names the columns");
    let expected: Vec<Vec<String>> = lines.collect();
    let mut actual = Vec::new();
    let mut world = World::new(&header[2..]);
    for batch in batches(&expected) {
        actual.extend(world.rows(batch));
    }
    if actual != expected {
        let first = actual.iter().zip(&expected).position(|(actual, expected)| actual != expected);
        let wrong = first.map_or(String::new(), |at| expected[at].join(" | "));
        let actual = aligned(std::iter::once(&header).chain(&actual));
        panic!("the first row that differs is\n  {wrong}\nthe ledger says\n{actual}");
    }
}

/// The rows of each batch.
fn batches(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    let mut batches: Vec<Vec<String>> = Vec::new();
    for row in rows {
        match batches.last_mut() {
            Some(batch) if row[0].starts_with('+') => batch.push(row[0].clone()),
            _ => batches.push(vec![row[0].clone()]),
        }
    }
    batches
}

fn cells(line: &str) -> Vec<String> {
    line.split('|').map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn aligned<'a>(rows: impl Iterator<Item = &'a Vec<String>> + Clone) -> String {
    let width = |at: usize| rows.clone().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for row in rows.clone() {
        let cells = row.iter().enumerate().map(|(at, cell)| format!("{cell:<0$}", width(at)));
        text.push_str(&format!("        {}\n", cells.collect::<Vec<_>>().join(" | ").trim_end()));
    }
    text
}
