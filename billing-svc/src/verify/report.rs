//! What `verify` found, for people and for scripts.

use std::fmt;

use crate::ledger::{Entry, Unit};
use crate::store::StoreError;

/// How many violations are named; the others are counted.
const NAMED: usize = 1000;

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// A row can't be read back at all.
    Readable,
    /// The sum of all entries is zero for each unit.
    I1,
    /// Nothing is below zero.
    I2,
    /// Held is what open operations took.
    I3,
    /// Slices are price × quantity.
    I4,
    /// An operation is settled once.
    I5,
    /// A request_id has one operation.
    I6,
    /// Cached balances are rebuilt balances.
    I7,
    /// Refunds never exceed the charge.
    I9,
}

/// A row at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What it breaks.
    pub invariant: Invariant,
    /// Its table and key.
    pub row: String,
    /// How.
    pub what: String,
}

/// What was counted and what is wrong.
///
/// Printed as one fact a line, `key value…`: counts, sums in micros or operations, then `violation <invariant> <row>:
/// <what>` for each row at fault, then `clean` or `violations <count>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Users whose row was compared.
    pub users: u64,
    /// Grants.
    pub grants: u64,
    /// Operations.
    pub operations: u64,
    /// Entries.
    pub entries: u64,
    /// What all users have together, and each account of the house.
    pub sums: Vec<(Unit, String, i128)>,
    /// The first thousand.
    pub violations: Vec<Violation>,
    /// All of them.
    pub violation_count: u64,
}

impl Report {
    /// Do all invariants hold?
    pub fn is_clean(&self) -> bool {
        self.violation_count == 0
    }

    pub(super) fn add(&mut self, invariant: Invariant, row: String, what: impl Into<String>) {
        self.violation_count += 1;
        if self.violations.len() < NAMED {
            self.violations.push(Violation { invariant, row, what: what.into() });
        }
    }

    pub(super) fn unreadable(&mut self, error: &StoreError) {
        self.add(Invariant::Readable, error.to_string(), "can't be read back");
    }

    pub(super) fn without_operation(&mut self, entry: &Entry) {
        let row = format!("entries {} {}", entry.user_id, entry.sequence);
        self.add(Invariant::I5, row, "belongs to an operation that does not exist");
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}: {}", self.invariant, self.row, self.what)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "users {}", self.users)?;
        writeln!(f, "grants {}", self.grants)?;
        writeln!(f, "operations {}", self.operations)?;
        writeln!(f, "entries {}", self.entries)?;
        for (unit, account, sum) in &self.sums {
            let unit = match unit {
                Unit::Money => "micros",
                Unit::Operation => "operations",
            };
            writeln!(f, "sum {account} {sum} {unit}")?;
        }
        for violation in &self.violations {
            writeln!(f, "violation {violation}")?;
        }
        if self.is_clean() {
            write!(f, "clean")
        } else {
            write!(f, "violations {}", self.violation_count)
        }
    }
}
