//! Balances rebuilt from entries: a user's accounts, and the house's.

use std::collections::BTreeMap;

use super::{Invariant, Report, Topups};
use crate::ledger::{Account, Entry, GrantId, PaymentId, Provider, Reference, Unit};

/// One user's accounts, as the entries so far leave them.
#[derive(Debug, Default)]
pub(super) struct Balances {
    pub available: i128,
    pub held: i128,
    pub held_operations: i128,
    pub grants: BTreeMap<(GrantId, Unit), i128>,
    pub last_entry: i64,
    /// What payments moved through the account of their provider into `available`, less what went back.
    pub payments: BTreeMap<(PaymentId, Provider), i128>,
    /// Has a payment ever been taken back, in part at least?
    pub taken_back: bool,
}

impl Balances {
    /// Moves what an entry says, and checks what it says about itself.
    pub(super) fn add(&mut self, entry: &Entry, house: &mut House, report: &mut Report) {
        let row = || format!("entries {} {}", entry.user_id, entry.sequence);
        if entry.sequence != self.last_entry + 1 {
            let what = format!("comes after {}", self.last_entry);
            report.add(Invariant::I7, row(), what);
        }
        self.last_entry = entry.sequence;
        let of_user = entry.from.is_of_user() || entry.to.is_of_user();
        if entry.from == entry.to || entry.amount <= 0 || !of_user {
            let what = format!("moves {} from {} to {}", entry.amount, entry.from, entry.to);
            report.add(Invariant::I1, row(), what);
        }
        let held = entry.from == Account::Held || entry.to == Account::Held;
        if held && !matches!(entry.reference, Reference::Operation(_)) {
            report.add(Invariant::I3, row(), "moves held without an operation");
        }

        self.add_payment(entry, report);

        let amount = i128::from(entry.amount);
        let sides = [(&entry.from, -amount), (&entry.to, amount)];
        let [after_from, after_to] = sides.map(|(account, by)| {
            if account.is_of_user() {
                let balance = self.account(account, entry.unit);
                if balance.is_none() {
                    let what = format!("moves {:?} in {account}", entry.unit);
                    report.add(Invariant::I1, row(), what);
                }
                balance.map(|balance| {
                    *balance += by;
                    *balance
                })
            } else {
                house.add(account, entry.unit, by);
                None
            }
        });
        // Of the account that is the user's; where both are, of the one that is not `held`.
        let after = match (&entry.from, &entry.to) {
            (Account::Held, to) if to.is_of_user() => after_to,
            (from, _) if from.is_of_user() => after_from,
            _ => after_to,
        };
        if let Some(after) = after
            && after != i128::from(entry.balance_after)
        {
            let what = format!("balance_after is {}, should be {after}", entry.balance_after);
            report.add(Invariant::I7, row(), what);
        }
    }

    /// Payments move money between their provider's account and `available`, and nothing else moves that account.
    fn add_payment(&mut self, entry: &Entry, report: &mut Report) {
        let amount = i128::from(entry.amount);
        let (provider, by) = match (&entry.from, &entry.to) {
            (Account::Topups(provider), Account::Available) => (Some(*provider), amount),
            (Account::Available, Account::Topups(provider)) => (Some(*provider), -amount),
            (Account::Topups(_), _) | (_, Account::Topups(_)) => {
                let row = format!("entries {} {}", entry.user_id, entry.sequence);
                let what = format!("moves {} to {}", entry.from, entry.to);
                return report.add(Invariant::I8, row, what);
            }
            _ => (None, 0),
        };
        match (provider, &entry.reference) {
            (Some(provider), Reference::Payment(id)) => {
                *self.payments.entry((*id, provider)).or_default() += by;
                self.taken_back |= by < 0;
            }
            (Some(_), Reference::Operation(_) | Reference::Request(_) | Reference::Rule)
            | (None, Reference::Payment(_)) => {
                let row = format!("entries {} {}", entry.user_id, entry.sequence);
                let what = format!(
                    "moves {} to {} because of {:?}",
                    entry.from, entry.to, entry.reference
                );
                report.add(Invariant::I8, row, what);
            }
            (None, Reference::Operation(_) | Reference::Request(_) | Reference::Rule) => {}
        }
    }

    /// `None`: no such account holds that unit.
    fn account(&mut self, account: &Account, unit: Unit) -> Option<&mut i128> {
        match (account, unit) {
            (Account::Available, Unit::Money) => Some(&mut self.available),
            (Account::Held, Unit::Money) => Some(&mut self.held),
            (Account::Held, Unit::Operation) => Some(&mut self.held_operations),
            (Account::Grant(id), unit) => Some(self.grants.entry((*id, unit)).or_default()),
            (Account::Available, Unit::Operation)
            | (
                Account::Revenue
                | Account::Topups(_)
                | Account::Grants
                | Account::Expired
                | Account::Adjustments,
                _,
            ) => None,
        }
    }
}

/// The house's accounts by the entries, and what all users have by their rows.
#[derive(Debug, Default)]
pub(super) struct House {
    accounts: BTreeMap<(Unit, String), i128>,
    users: BTreeMap<Unit, i128>,
}

impl House {
    fn add(&mut self, account: &Account, unit: Unit, by: i128) {
        *self.accounts.entry((unit, account.to_string())).or_default() += by;
    }

    /// A cached balance of a user.
    pub(super) fn users_have(&mut self, unit: Unit, balance: i64) {
        *self.users.entry(unit).or_default() += i128::from(balance);
    }

    /// All of it together is nothing: what users have came from the house.
    pub(super) fn finish(self, report: &mut Report) {
        for unit in [Unit::Money, Unit::Operation] {
            let users = self.users.get(&unit).copied().unwrap_or(0);
            let of_unit = self.accounts.iter().filter(|((account, _), _)| *account == unit);
            let house: i128 = of_unit.map(|(_, balance)| balance).sum();
            if users + house != 0 {
                let what = format!("users have {users}, the house has {house} by its entries");
                report.add(Invariant::I1, format!("all entries of {unit:?}"), what);
            }
            report.sums.push((unit, "users".to_owned(), users));
        }
        for provider in Provider::ALL {
            let account = Account::Topups(provider).to_string();
            let moved = self.accounts.get(&(Unit::Money, account.clone())).copied().unwrap_or(0);
            let Topups { credited, taken_back } =
                report.topups.get(&provider).copied().unwrap_or_default();
            if moved != taken_back - credited {
                let what = format!(
                    "has {moved} by its entries; {credited} were credited and {taken_back} taken back"
                );
                report.add(Invariant::I8, account, what);
            }
        }
        let house = self.accounts.into_iter();
        report.sums.extend(house.map(|((unit, account), sum)| (unit, account, sum)));
    }
}
