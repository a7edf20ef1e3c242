//! What `verify` found, for people and for scripts.

use std::collections::BTreeMap;
use std::fmt;

use crate::ledger::{Entry, Provider, Unit};
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
    /// Cached balances and counters are rebuilt ones.
    I7,
    /// A payment is credited at most once.
    I8,
    /// Refunds never exceed the charge.
    I9,
    /// Promo codes and referrals gave what they say, to those whom they name.
    Promotions,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Readable,
        Self::I1,
        Self::I2,
        Self::I3,
        Self::I4,
        Self::I5,
        Self::I6,
        Self::I7,
        Self::I8,
        Self::I9,
        Self::Promotions,
    ];

    /// Its name, as the report prints it; for metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Readable => "Readable",
            Self::I1 => "I1",
            Self::I2 => "I2",
            Self::I3 => "I3",
            Self::I4 => "I4",
            Self::I5 => "I5",
            Self::I6 => "I6",
            Self::I7 => "I7",
            Self::I8 => "I8",
            Self::I9 => "I9",
            Self::Promotions => "Promotions",
        }
    }
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

/// What came in through a provider, by its payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Topups {
    /// Credited, in micros.
    pub credited: i128,
    /// Taken from balances by refunds and disputes that were not reversed.
    pub taken_back: i128,
}

/// What was counted and what is wrong.
///
/// Printed as one fact a line, `key value…`: counts, sums in micros or operations, what was credited and taken back for each
/// provider, then `violation <invariant> <row>:
/// <what>` for each row at fault, then `clean` or `violations <count>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Users whose row was compared.
    pub users: u64,
    /// Grants.
    pub grants: u64,
    /// Operations, archived ones too.
    pub operations: u64,
    /// Those of them that are archived.
    pub archived_operations: u64,
    /// Entries.
    pub entries: u64,
    /// Payments.
    pub payments: u64,
    /// Refunds of payments.
    pub payment_refunds: u64,
    /// Events.
    pub events: u64,
    /// What all users have together, and each account of the house.
    pub sums: Vec<(Unit, String, i128)>,
    /// What came in through each provider that has payments.
    pub topups: BTreeMap<Provider, Topups>,
    /// The first thousand.
    pub violations: Vec<Violation>,
    /// All of them.
    pub violation_count: u64,
    /// All of them by what they break; what holds is not among the keys.
    pub broken: BTreeMap<Invariant, u64>,
}

impl Report {
    /// Do all invariants hold?
    pub fn is_clean(&self) -> bool {
        self.violation_count == 0
    }

    pub(super) fn add(&mut self, invariant: Invariant, row: String, what: impl Into<String>) {
        self.violation_count += 1;
        *self.broken.entry(invariant).or_default() += 1;
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
        write!(f, "{} {}: {}", self.invariant.name(), self.row, self.what)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "users {}", self.users)?;
        writeln!(f, "grants {}", self.grants)?;
        writeln!(f, "operations {}", self.operations)?;
        writeln!(f, "archived_operations {}", self.archived_operations)?;
        writeln!(f, "entries {}", self.entries)?;
        writeln!(f, "payments {}", self.payments)?;
        writeln!(f, "payment_refunds {}", self.payment_refunds)?;
        writeln!(f, "events {}", self.events)?;
        for (unit, account, sum) in &self.sums {
            let unit = match unit {
                Unit::Money => "micros",
                Unit::Operation => "operations",
            };
            writeln!(f, "sum {account} {sum} {unit}")?;
        }
        for (provider, Topups { credited, taken_back }) in &self.topups {
            writeln!(f, "credited {} {credited} micros", provider.name())?;
            writeln!(f, "taken_back {} {taken_back} micros", provider.name())?;
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
