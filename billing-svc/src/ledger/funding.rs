//! What pays for an operation, in which order.

use super::{Account, Amount, Grant, GrantId, Price, Timestamp, Unit};

/// Where a slice was taken, and so where a refund puts it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Free operations of a grant.
    FreeOperations(GrantId),
    /// Promotional money of a grant.
    Promotional(GrantId),
    /// The user's own money.
    Balance,
}

impl Source {
    /// What is counted.
    pub fn unit(self) -> Unit {
        match self {
            Self::FreeOperations(_) => Unit::Operation,
            Self::Promotional(_) | Self::Balance => Unit::Money,
        }
    }

    /// The user's account.
    pub fn account(self) -> Account {
        match self {
            Self::FreeOperations(grant) | Self::Promotional(grant) => Account::Grant(grant),
            Self::Balance => Account::Available,
        }
    }

    /// The grant, if it is one.
    pub fn grant_id(self) -> Option<GrantId> {
        match self {
            Self::FreeOperations(grant) | Self::Promotional(grant) => Some(grant),
            Self::Balance => None,
        }
    }
}

/// A part of what pays for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// Where it was taken.
    pub source: Source,
    /// How much, above zero: micros or operations.
    pub amount: i64,
}

/// What would pay for an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What is there to take, in the order of taking; all of it where something is missing.
    pub slices: Vec<Slice>,
    /// What has to be paid in money, after free operations.
    pub required: Amount,
    /// Money that could be spent.
    pub available: Amount,
    /// What is not there; zero when affordable.
    pub missing: Amount,
}

/// Plans the funding: free operations for as many units as are left, then promotional money, then the balance.
pub fn plan<'a>(
    price: &Price,
    quantity: i64,
    grants: impl Iterator<Item = &'a Grant>,
    balance: Amount,
    now: Timestamp,
) -> Plan {
    let mut live: Vec<&Grant> =
        grants.filter(|grant| grant.remaining > 0 && grant.is_live(now)).collect();
    live.sort_by_key(|grant| grant.spending_order());

    let mut slices = Vec::new();
    let mut units = quantity;
    if price.free_operations_allowed {
        for grant in live.iter().filter(|grant| grant.unit == Unit::Operation) {
            take(&mut slices, Source::FreeOperations(grant.grant_id), grant.remaining, &mut units);
        }
    }

    let required = price.amount.times(units);
    let mut to_pay = required.micros();
    let promotional = || live.iter().filter(|grant| grant.unit == Unit::Money);
    for grant in promotional() {
        take(&mut slices, Source::Promotional(grant.grant_id), grant.remaining, &mut to_pay);
    }
    take(&mut slices, Source::Balance, balance.micros().max(0), &mut to_pay);

    let available = balance + promotional().map(|grant| Amount::from_micros(grant.remaining)).sum();
    Plan { slices, required, available, missing: Amount::from_micros(to_pay) }
}

/// Takes what is there, at most what is still needed.
fn take(slices: &mut Vec<Slice>, source: Source, there: i64, needed: &mut i64) {
    let amount = there.min(*needed);
    if amount > 0 {
        slices.push(Slice { source, amount });
        *needed -= amount;
    }
}
