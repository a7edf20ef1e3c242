//! Operations against their entries.
//!
//! Entries have no index by operation: it would cost every charge, and only this reads them so.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Check, Invariant, Report};
use crate::ledger::{
    Account, Entry, Operation, OperationId, OperationState, Reference, Slice, Source, Unit,
};
use crate::store::{Found, StoreError};

/// Amounts by the user's account and unit.
type BySource = BTreeMap<(Account, Unit), i128>;
/// What a user's open operations hold.
pub(super) type Holds = BTreeMap<Unit, i128>;

/// Some of a user's operations, which follow each other by id, with what their entries moved.
#[derive(Debug)]
pub(super) struct Lot {
    operations: Vec<(Uuid, Result<Operation, StoreError>, OperationCheck)>,
    /// They come after this one.
    after: Option<Uuid>,
    /// There may be more after this one.
    until: Option<Uuid>,
}

impl Lot {
    /// Counts an entry with its operation, if that belongs to this lot.
    pub(super) fn add(&mut self, entry: &Entry, report: &mut Report) {
        let Reference::Operation(OperationId(id)) = entry.reference else { return };
        if self.after.is_some_and(|after| id <= after) || self.until.is_some_and(|until| id > until)
        {
            return;
        }
        let at = self.operations.partition_point(|(other, ..)| *other < id);
        match self.operations.get_mut(at).filter(|(other, ..)| *other == id) {
            Some((_, _, check)) => check.add(entry, report),
            None => report.without_operation(entry),
        }
    }

    /// Compares all of it, after all entries of the user; adds what is held. Answers the last one's id where more may follow.
    pub(super) fn finish(&mut self, open: &mut Holds, report: &mut Report) -> Option<Uuid> {
        for (_, operation, check) in self.operations.drain(..) {
            match operation {
                Ok(operation) => check.finish(&operation, open, report),
                Err(error) => report.unreadable(&error),
            }
        }
        self.until
    }
}

impl Check<'_> {
    /// A user's next operations after that one.
    pub(super) async fn lot(&mut self, id: &str, after: Option<Uuid>) -> Result<Lot, StoreError> {
        let mut lot = Lot { operations: Vec::new(), after, until: None };
        while let Some(((_, operation_id), operation)) = self.next_operation(id).await? {
            self.report.operations += 1;
            lot.operations.push((operation_id, operation, OperationCheck::default()));
            if lot.operations.len() >= self.lot {
                lot.until = Some(operation_id);
                break;
            }
        }
        Ok(lot)
    }

    /// The next of a user's operations, of either table, by id.
    async fn next_operation(
        &mut self,
        id: &str,
    ) -> Result<Option<Found<(String, Uuid), Operation>>, StoreError> {
        let here = self.operations.next_of(id).await?;
        let archived = self.archived.next_of(id).await?;
        match (here, archived) {
            (Some((key, row)), Some(archived)) if archived.0.1 < key.1 => {
                self.operations.put_back(key, row);
                Ok(Some(self.count_archived(archived)))
            }
            (Some(here), archived) => {
                if let Some((key, row)) = archived {
                    self.archived.put_back(key, row);
                }
                Ok(Some(here))
            }
            (None, archived) => Ok(archived.map(|archived| self.count_archived(archived))),
        }
    }

    fn count_archived(
        &mut self,
        found: Found<(String, Uuid), Operation>,
    ) -> Found<(String, Uuid), Operation> {
        self.report.archived_operations += 1;
        if let Ok(operation) = &found.1
            && operation.state == OperationState::Charged
        {
            let row =
                format!("operations_archive {} {}", operation.user_id, operation.operation_id);
            self.report.add(Invariant::I5, row, "is open and archived");
        }
        found
    }
}

/// What the entries of one operation moved.
#[derive(Debug, Default)]
struct OperationCheck {
    /// From the user's accounts to `held`.
    taken: BySource,
    /// From `held` back to them.
    released: BySource,
    /// From `held` to `revenue`.
    earned: BTreeMap<Unit, i128>,
    /// From `revenue` back to the user's accounts.
    returned: BySource,
}

impl OperationCheck {
    fn add(&mut self, entry: &Entry, report: &mut Report) {
        let amount = i128::from(entry.amount);
        let source = |account: &Account| (account.clone(), entry.unit);
        match (&entry.from, &entry.to) {
            (Account::Held, Account::Revenue) => {
                *self.earned.entry(entry.unit).or_default() += amount;
            }
            (Account::Held, to) if to.is_of_user() => {
                *self.released.entry(source(to)).or_default() += amount;
            }
            (from, Account::Held) if from.is_of_user() => {
                *self.taken.entry(source(from)).or_default() += amount;
            }
            (Account::Revenue, to) if to.is_of_user() => {
                *self.returned.entry(source(to)).or_default() += amount;
            }
            (from, to) => {
                let row = format!("entries {} {}", entry.user_id, entry.sequence);
                report.add(Invariant::I5, row, format!("no operation moves {from} to {to}"));
            }
        }
    }

    /// Compares with the operation's row; adds what it holds, if it is open.
    fn finish(self, operation: &Operation, open: &mut Holds, report: &mut Report) {
        let row = || format!("operations {} {}", operation.user_id, operation.operation_id);
        if let Some(what) = wrong_price(operation) {
            report.add(Invariant::I4, row(), what);
        }
        let slices = by_source(&operation.funding);
        if self.taken != slices {
            let what = format!("its slices are {slices:?}, its entries took {:?}", self.taken);
            report.add(Invariant::I4, row(), what);
        }
        if operation.state == OperationState::Charged {
            for slice in &operation.funding {
                *open.entry(slice.source.unit()).or_default() += i128::from(slice.amount);
            }
        }
        if let Some(what) = self.wrong_end(operation, &slices) {
            report.add(Invariant::I5, row(), what);
        }
        if let Some(what) = self.wrong_refund(operation, &slices) {
            report.add(Invariant::I9, row(), what);
        }
    }

    /// Is it settled by its entries exactly as its state says?
    fn wrong_end(&self, operation: &Operation, slices: &BySource) -> Option<String> {
        let completed = self.earned == by_unit(slices) && self.released.is_empty();
        let given_back = self.released == *slices && self.earned.is_empty();
        let untouched = self.earned.is_empty() && self.released.is_empty();
        let kept = self.returned.is_empty();
        let right = match operation.state {
            OperationState::Charged | OperationState::Declined => untouched && kept,
            OperationState::Completed => completed && kept,
            // After it was completed, or before.
            OperationState::Refunded => completed || (given_back && kept),
        };
        (!right).then(|| {
            format!(
                "is {:?}, its entries earned {:?}, released {:?}, returned {:?}",
                operation.state, self.earned, self.released, self.returned
            )
        })
    }

    fn wrong_refund(&self, operation: &Operation, slices: &BySource) -> Option<String> {
        let mut back = self.released.clone();
        for (source, amount) in &self.returned {
            *back.entry(source.clone()).or_default() += amount;
        }
        for (source, amount) in &back {
            let took = slices.get(source).copied().unwrap_or(0);
            if *amount > took {
                return Some(format!("took {took} from {} and gave back {amount}", source.0));
            }
        }
        let money: i128 =
            back.iter().filter(|((_, unit), _)| *unit == Unit::Money).map(|(_, sum)| sum).sum();
        let refunded = i128::from(operation.refunded.micros());
        (money != refunded).then(|| format!("refunded is {refunded}, its entries say {money}"))
    }
}

/// The slices pay for the quantity at the operation's price: free units first, money for the rest.
fn wrong_price(operation: &Operation) -> Option<String> {
    if operation.state == OperationState::Declined {
        return (!operation.funding.is_empty()).then(|| "is declined and has slices".to_owned());
    }
    if operation.funding.iter().any(|slice| slice.amount <= 0) {
        return Some("has a slice of nothing".to_owned());
    }
    let (free, paid): (Vec<&Slice>, Vec<&Slice>) = operation
        .funding
        .iter()
        .partition(|slice| matches!(slice.source, Source::FreeOperations(_)));
    let sum = |slices: Vec<&Slice>| -> i128 {
        slices.into_iter().map(|slice| i128::from(slice.amount)).sum()
    };
    let (free, paid) = (sum(free), sum(paid));
    let units = i128::from(operation.quantity);
    let price = i128::from(operation.unit_price.micros());
    (free > units || paid != price * (units - free))
        .then(|| format!("{units} × {price} was paid with {free} free operations and {paid}"))
}

fn by_source(slices: &[Slice]) -> BySource {
    let mut sums = BySource::new();
    for slice in slices {
        let source = (slice.source.account(), slice.source.unit());
        *sums.entry(source).or_default() += i128::from(slice.amount);
    }
    sums
}

fn by_unit(slices: &BySource) -> BTreeMap<Unit, i128> {
    let mut sums = BTreeMap::new();
    for ((_, unit), amount) in slices {
        *sums.entry(*unit).or_default() += amount;
    }
    sums
}
