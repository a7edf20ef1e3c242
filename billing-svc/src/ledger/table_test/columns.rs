//! What a table can show of a user:
//!
//! `paid`, `balance`, `held` (money), `free` (left/total), `standing`, `version` as callers see them; and, at the end
//! of a batch, `held-operations`, `grants` (left/given, until), `entries` (how many), `refunds` (of all payments), `next`
//! (when providers are asked again), `moved` and `told` (the entries and events of this row).

use super::money_words;
use super::words::{amount, grant_in_words, micros, moment, name};
use crate::ledger::model_test::memory::Memory;
use crate::ledger::*;

/// `written`: what the row wrote; `None` in the middle of a batch, where rows are not written yet.
pub fn cell(column: &str, memory: &Memory, view: &UserView, written: Option<&Changes>) -> String {
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

fn stored(column: &str, memory: &Memory, view: &UserView, written: &Changes) -> String {
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
            grants.join(", ")
        }
        "refunds" => refunds(memory, &view.user_id).map(money_words::refund).join("; "),
        "next" => next(memory, &view.user_id).map(moment).join(", "),
        "moved" => written.entries.iter().map(|entry| moved(memory, entry)).join("; "),
        "told" => written.events.iter().map(|e| money_words::event(memory, e)).join("; "),
        other => panic!("there is no column {other}"),
    }
}

/// As the tables write lists.
trait Join {
    fn join(self, between: &str) -> String;
}

impl<I: Iterator<Item = String>> Join for I {
    fn join(self, between: &str) -> String {
        self.collect::<Vec<_>>().join(between)
    }
}

fn refunds<'a>(memory: &'a Memory, user_id: &UserId) -> impl Iterator<Item = &'a PaymentRefund> {
    let mut refunds: Vec<_> =
        memory.payment_refunds.values().filter(|refund| refund.user_id == *user_id).collect();
    refunds.sort_by_key(|refund| refund.refund_id);
    refunds.into_iter()
}

fn next(memory: &Memory, user_id: &UserId) -> impl Iterator<Item = Timestamp> {
    let payments = memory.payments.values().filter(|payment| payment.user_id == *user_id);
    let payments: Vec<_> = payments.filter_map(|payment| payment.next_check).collect();
    let refunds: Vec<_> = refunds(memory, user_id).filter_map(|r| r.next_try).collect();
    payments.into_iter().chain(refunds)
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
