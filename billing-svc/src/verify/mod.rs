//! `billing-svc verify`: proves the invariants on a live database and names the rows at fault.
//!
//! One consistent snapshot, beside a running service, no lock. All tables are read once in the order of their keys and
//! merged user by user, so memory is bounded by the pages and one user's grants. Balances are rebuilt from the entries
//! and compared with what is cached.
//!
//! | | what is proved |
//! |---|---|
//! | I1 | what users have and what the house has, by its entries, is zero for each unit; each entry moves between two accounts that can hold its unit |
//! | I2 | nothing is below zero, except what is available to a user in debt |
//! | I3 | held is what open operations took; nothing else moves it |
//! | I4 | an operation's slices are its price × quantity, or free units, and are what its entries took |
//! | I5 | an operation's entries settle it once, as its state says |
//! | I6 | a `request_id` has one operation, an id too |
//! | I7 | cached balances, `balance_after` and sequence numbers are what the entries say |
//! | I8 | is about payments, which this service does not take yet |
//! | I9 | no slice gives back more than it took, and `refunded` is what came back |

mod balances;
mod cursor;
mod operations;
mod report;

use std::collections::BTreeMap;

use sea_orm::DatabaseConnection;

use crate::ledger::{Grant, Unit, User};
use crate::store::{Snapshot, Store, StoreError};
use balances::{Balances, House};
use cursor::Cursor;
use operations::OperationCheck;
pub use report::{Invariant, Report, Violation};

/// How many rows a page has.
const PAGE: u64 = 2000;

/// Checks everything, from one consistent snapshot, while the service goes on.
///
/// # Errors
/// The database could not be read to the end: nothing is proved then.
pub async fn run(connection: &DatabaseConnection) -> Result<Report, StoreError> {
    let snapshot = Store::new(connection.clone()).snapshot().await?;
    let mut check = Check::new(&snapshot);
    while check.user().await? {}
    check.shared_ids().await?;
    let report = check.finish();
    snapshot.end().await?;
    Ok(report)
}

struct Check<'a> {
    snapshot: &'a Snapshot,
    users: Cursor<'a, cursor::Users>,
    grants: Cursor<'a, cursor::Grants>,
    operations: Cursor<'a, cursor::Operations>,
    entries: Cursor<'a, cursor::Entries>,
    operation_entries: Cursor<'a, cursor::OperationEntries>,
    house: House,
    report: Report,
}

impl<'a> Check<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            users: Cursor::new(snapshot),
            grants: Cursor::new(snapshot),
            operations: Cursor::new(snapshot),
            entries: Cursor::new(snapshot),
            operation_entries: Cursor::new(snapshot),
            house: House::default(),
            report: Report::default(),
        }
    }

    /// The next user, of whichever table names them first. `false`: there is none.
    async fn user(&mut self) -> Result<bool, StoreError> {
        let next = [
            self.users.user().await?,
            self.grants.user().await?,
            self.operations.user().await?,
            self.entries.user().await?,
        ];
        let Some(id) = next.into_iter().flatten().min() else {
            return Ok(false);
        };
        let user = match self.users.next_of(&id).await? {
            None => {
                self.report.add(
                    Invariant::I7,
                    format!("users {id}"),
                    "has rows but does not exist",
                );
                None
            }
            Some((_, Err(error))) => {
                self.report.unreadable(&error);
                None
            }
            Some((_, Ok(user))) => Some(user),
        };
        let balances = self.rebuild(&id).await?;
        self.grants(&id, &balances).await?;
        let open = self.operations(&id).await?;
        if let Some(user) = user {
            self.compare(&user, &balances, &open);
        }
        Ok(true)
    }

    async fn rebuild(&mut self, id: &str) -> Result<Balances, StoreError> {
        let mut balances = Balances::default();
        while let Some((_, entry)) = self.entries.next_of(id).await? {
            self.report.entries += 1;
            match entry {
                Ok(entry) => balances.add(&entry, &mut self.house, &mut self.report),
                Err(error) => self.report.unreadable(&error),
            }
        }
        Ok(balances)
    }

    async fn grants(&mut self, id: &str, balances: &Balances) -> Result<(), StoreError> {
        let mut rebuilt = balances.grants.clone();
        while let Some((_, grant)) = self.grants.next_of(id).await? {
            self.report.grants += 1;
            match grant {
                Ok(grant) => {
                    let entries = rebuilt.remove(&(grant.grant_id, grant.unit)).unwrap_or(0);
                    self.grant(&grant, entries);
                }
                Err(error) => self.report.unreadable(&error),
            }
        }
        for ((grant, unit), left) in rebuilt {
            let what =
                format!("entries leave {left} in it as {unit:?}, and there is no such grant");
            self.report.add(Invariant::I7, format!("grants {id} {grant}"), what);
        }
        Ok(())
    }

    fn grant(&mut self, grant: &Grant, entries: i128) {
        let row = || format!("grants {} {}", grant.user_id, grant.grant_id);
        self.house.users_have(grant.unit, grant.remaining);
        if grant.remaining < 0 || grant.remaining > grant.given {
            let what = format!("remaining is {} of {} given", grant.remaining, grant.given);
            self.report.add(Invariant::I2, row(), what);
        }
        if i128::from(grant.remaining) != entries {
            let what = format!("remaining is {}, its entries say {entries}", grant.remaining);
            self.report.add(Invariant::I7, row(), what);
        }
    }

    /// Checks a user's operations; answers what the open ones hold, by unit.
    async fn operations(&mut self, id: &str) -> Result<BTreeMap<Unit, i128>, StoreError> {
        let mut open = BTreeMap::new();
        while let Some((key, operation)) = self.operations.next_of(id).await? {
            self.report.operations += 1;
            let mut check = OperationCheck::default();
            while let Some((entry_key, entry)) = self.operation_entries.next_of(id).await? {
                let Ok(entry) = entry else {
                    continue; // reported where balances are rebuilt
                };
                if entry_key.1 > key.1 {
                    self.operation_entries.put_back(entry_key, Ok(entry));
                    break;
                } else if entry_key.1 < key.1 {
                    self.report.without_operation(&entry);
                } else {
                    check.add(&entry, &mut self.report);
                }
            }
            match operation {
                Ok(operation) => check.finish(&operation, &mut open, &mut self.report),
                Err(error) => self.report.unreadable(&error),
            }
        }
        while let Some((_, entry)) = self.operation_entries.next_of(id).await? {
            if let Ok(entry) = entry {
                self.report.without_operation(&entry);
            }
        }
        Ok(open)
    }

    /// The user's row against the entries and the open operations.
    fn compare(&mut self, user: &User, balances: &Balances, open: &BTreeMap<Unit, i128>) {
        use crate::ledger::Standing;
        self.report.users += 1;
        self.house.users_have(Unit::Money, user.available.micros());
        self.house.users_have(Unit::Money, user.held.micros());
        self.house.users_have(Unit::Operation, user.held_operations);

        let row = format!("users {}", user.user_id);
        if user.available.is_negative() && user.standing != Standing::InDebt {
            let what = format!("available is {}, standing {:?}", user.available, user.standing);
            self.report.add(Invariant::I2, row.clone(), what);
        }
        let held = [
            (Unit::Money, user.held.micros(), "held"),
            (Unit::Operation, user.held_operations, "held_operations"),
        ];
        for (unit, cached, column) in held {
            let open = open.get(&unit).copied().unwrap_or(0);
            if i128::from(cached) != open {
                let what = format!("{column} is {cached}, open operations hold {open}");
                self.report.add(Invariant::I3, row.clone(), what);
            }
        }
        let cached = [
            (user.available.micros(), balances.available, "available"),
            (user.held.micros(), balances.held, "held"),
            (user.held_operations, balances.held_operations, "held_operations"),
            (user.last_entry, i128::from(balances.last_entry), "last_entry"),
        ];
        for (cached, rebuilt, column) in cached {
            if i128::from(cached) != rebuilt {
                let what = format!("{column} is {cached}, the entries say {rebuilt}");
                self.report.add(Invariant::I7, row.clone(), what);
            }
        }
    }

    async fn shared_ids(&mut self) -> Result<(), StoreError> {
        for id in self.snapshot.shared_request_ids(PAGE).await? {
            let row = format!("operations with request_id {id}");
            self.report.add(Invariant::I6, row, "are more than one");
        }
        for id in self.snapshot.shared_operation_ids(PAGE).await? {
            let row = format!("operations with operation_id {id}");
            self.report.add(Invariant::I6, row, "are more than one");
        }
        Ok(())
    }

    fn finish(mut self) -> Report {
        self.house.finish(&mut self.report);
        self.report
    }
}
