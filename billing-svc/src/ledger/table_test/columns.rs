//! What a table can show of a user:
//!
//! `paid`, `balance`, `held` (money), `free` (left/total), `standing`, `version` as callers see them; and, at the end
//! of a batch, `held-operations`, `grants` (left/given, until), `entries` (how many), `moved` (those of this row:
//! `from > to amount = balance after`).

use super::words::{amount, grant_in_words, micros, name};
use crate::ledger::model_test::memory::Memory;
use crate::ledger::*;

/// `written`: the entries of the row; `None` in the middle of a batch, where rows are not written yet.
pub fn cell(column: &str, memory: &Memory, view: &UserView, written: Option<&[Entry]>) -> String {
    match column {
        "paid" => amount(view.paid_balance),
        "balance" => amount(view.balance),
        "held" => amount(view.held),
        "free" => format!("{}/{}", view.free_operations_left, view.free_operations_total),
        "standing" => format!("{:?}", view.standing),
        "version" => view.version.to_string(),
        _ => written.map_or(String::new(), |written| stored(column, memory, view, written)),
    }
}

fn stored(column: &str, memory: &Memory, view: &UserView, written: &[Entry]) -> String {
    let user = memory.users.get(&view.user_id);
    match column {
        "held-operations" => user.map_or(0, |user| user.held_operations).to_string(),
        "entries" => user.map_or(0, |user| user.last_entry).to_string(),
        "grants" => {
            let mut grants: Vec<_> = memory.grants_of(&view.user_id).collect();
            let signup = GrantId::signup(&view.user_id);
            grants.sort_by_key(|grant| (grant.grant_id != signup, grant.grant_id));
            let grants = grants
                .into_iter()
                .map(|grant| format!("{} {}", name(memory, grant.grant_id), grant_in_words(grant)));
            grants.collect::<Vec<_>>().join(", ")
        }
        "moved" => written.iter().map(|entry| moved(memory, entry)).collect::<Vec<_>>().join("; "),
        other => panic!("there is no column {other}"),
    }
}

fn moved(memory: &Memory, entry: &Entry) -> String {
    let account = |account: &Account| match account {
        Account::Grant(id) => name(memory, *id),
        other => other.to_string(),
    };
    let number = |amount| match entry.unit {
        Unit::Money => micros(amount),
        Unit::Operation => format!("{amount}op"),
    };
    let (from, to) = (account(&entry.from), account(&entry.to));
    format!("{from} > {to} {} = {}", number(entry.amount), number(entry.balance_after))
}
