//! I1 to I7 and I9 of the design, proved from the entries. I8 and what else holds for payments is in `money_in`.

use std::collections::{BTreeMap, BTreeSet};

use super::memory::Memory;
use super::money_in;
use crate::ledger::*;

/// Balances of accounts, in i128 so that the check itself can't overflow. Accounts of the house are shared by users.
type Balances = BTreeMap<(Option<UserId>, Account, Unit), i128>;

/// Panics with the number of the invariant that is broken.
pub fn check(memory: &Memory) {
    let balances = rebuild(memory);
    for unit in [Unit::Money, Unit::Operation] {
        let sum: i128 = balances.iter().filter(|((_, _, of), _)| *of == unit).map(|(_, b)| b).sum();
        assert_eq!(sum, 0, "I1: {unit:?} appeared or vanished");
    }
    for user in memory.users.values() {
        check_user(memory, user, &balances);
    }
    let mut request_ids = BTreeSet::new();
    for operation in memory.operations.values() {
        assert!(request_ids.insert(&operation.request_id), "I6: {}", operation.request_id);
        check_price(operation);
        check_movements(memory, operation);
    }
    money_in::check(memory);
}

/// I5, and that history stays: what a step may not do to operations and entries that were there before it.
pub fn check_history(before: &Memory, after: &Memory) {
    use OperationState::{Charged, Completed, Declined, Refunded};
    assert!(after.entries.starts_with(&before.entries), "entries are appended, never changed");
    for old in before.operations.values() {
        let new = &after.operations[&old.operation_id];
        let may = match (old.state, new.state) {
            (Charged, _) => new.state != Declined,
            (Completed, new) => matches!(new, Completed | Refunded),
            (Refunded | Declined, _) => old == new,
        };
        assert!(may, "I5: {:?} became {:?}", old.state, new.state);
        let kept = Operation {
            state: old.state,
            refunded: old.refunded,
            refund_reason: old.refund_reason,
            refund_comment: old.refund_comment.clone(),
            expire_time: old.expire_time,
            settle_time: old.settle_time,
            ..new.clone()
        };
        assert_eq!(*old, kept, "price, funding and ids never change");
        assert!(old.expire_time <= new.expire_time, "a hold is never made shorter");
    }
    money_in::check_history(before, after);
}

/// Folds the entries, checking each movement on the way (I2 at every moment, not only at the end).
fn rebuild(memory: &Memory) -> Balances {
    let mut balances = Balances::new();
    let mut sequences: BTreeMap<&UserId, i64> = BTreeMap::new();
    for entry in &memory.entries {
        assert!(entry.amount > 0, "I1: an entry moves something: {entry:?}");
        assert_ne!(entry.from, entry.to, "I1: an entry moves somewhere: {entry:?}");
        let sequence = sequences.entry(&entry.user_id).or_default();
        *sequence += 1;
        assert_eq!(entry.sequence, *sequence, "I7: a gap in the entries of {}", entry.user_id);
        let mut after = BTreeMap::new();
        for (account, by) in [(&entry.from, -entry.amount), (&entry.to, entry.amount)] {
            let owner = account.is_of_user().then(|| entry.user_id.clone());
            let balance = balances.entry((owner, account.clone(), entry.unit)).or_default();
            *balance += i128::from(by);
            after.insert(account, *balance);
            let debt = matches!(entry.to, Account::Topups(_));
            let fine = !account.is_of_user() || *balance >= 0 || by > 0 || debt;
            assert!(fine, "I2: {account} went to {balance} by {entry:?}");
        }
        let mut own = [&entry.from, &entry.to].into_iter().filter(|account| account.is_of_user());
        let told = own.clone().find(|account| **account != Account::Held).or_else(|| own.next());
        let told = after[told.expect("an account of the user")];
        assert_eq!(i128::from(entry.balance_after), told, "balance_after of {entry:?}");
    }
    balances
}

fn check_user(memory: &Memory, user: &User, balances: &Balances) {
    let owner = Some(user.user_id.clone());
    let of = |account: Account, unit| {
        balances.get(&(owner.clone(), account, unit)).copied().unwrap_or_default()
    };
    let who = &user.user_id;
    let available = i128::from(user.available.micros());
    assert_eq!(available, of(Account::Available, Unit::Money), "I7: available of {who}");
    assert_eq!(i128::from(user.held.micros()), of(Account::Held, Unit::Money), "I7: held of {who}");
    let held_operations = i128::from(user.held_operations);
    assert_eq!(held_operations, of(Account::Held, Unit::Operation), "I7: held of {who}");
    let entries = memory.entries.iter().filter(|entry| entry.user_id == *who).count();
    assert_eq!(user.last_entry, entries as i64, "I7: last_entry of {who}");

    match user.standing {
        Standing::Good => assert!(available >= 0, "I2: {who} is good at {available}"),
        Standing::InDebt => assert!(available < 0, "I2: {who} is in debt at {available}"),
        Standing::Blocked => {}
    }
    let events = memory.events.iter().filter(|event| event.user_id == *who).count();
    assert_eq!(user.last_event, events as i64, "last_event of {who}");
    let mut wealth = available + i128::from(user.held.micros());
    for grant in memory.grants_of(who) {
        let left = of(Account::Grant(grant.grant_id), grant.unit);
        assert_eq!(i128::from(grant.remaining), left, "I7: {grant:?}");
        assert!((0..=grant.given).contains(&grant.remaining), "I2: {grant:?}");
        if grant.unit == Unit::Money {
            wealth += left;
        }
    }
    // What a refund that did not happen gives back was the user's before.
    let reversed = memory
        .payment_refunds
        .values()
        .filter(|refund| refund.user_id == *who && refund.state == RefundState::Reversed);
    let back: i128 = reversed.map(|refund| i128::from(refund.amount.micros())).sum();
    let most = i128::from(MAX_BALANCE.micros()) + back;
    assert!(wealth <= most, "{who} has more than MAX_BALANCE");

    let open = || {
        let operations = memory.operations.values().filter(|operation| operation.user_id == *who);
        operations.filter(|operation| operation.state == OperationState::Charged)
    };
    let held: i128 = open().map(|operation| of_unit(&operation.funding, Unit::Money)).sum();
    assert_eq!(i128::from(user.held.micros()), held, "I3: money held of {who}");
    let held: i128 = open().map(|operation| of_unit(&operation.funding, Unit::Operation)).sum();
    assert_eq!(held_operations, held, "I3: operations held of {who}");
}

fn of_unit(slices: &[Slice], unit: Unit) -> i128 {
    let slices = slices.iter().filter(|slice| slice.source.unit() == unit);
    slices.map(|slice| i128::from(slice.amount)).sum()
}

/// I4, and I9 by the operation's own numbers.
fn check_price(operation: &Operation) {
    if operation.state == OperationState::Declined {
        assert!(operation.funding.is_empty(), "I4: a decline takes nothing");
        return;
    }
    let free = of_unit(&operation.funding, Unit::Operation);
    let money = of_unit(&operation.funding, Unit::Money);
    let units = i128::from(operation.quantity) - free;
    assert!(units >= 0, "I4: more free operations than units");
    assert_eq!(money, i128::from(operation.unit_price.micros()) * units, "I4: {operation:?}");
    assert_eq!(money, i128::from(operation.paid().micros()));
    assert!(operation.refunded <= operation.paid(), "I9: {operation:?}");
    if operation.state != OperationState::Refunded {
        assert!(operation.refunded.is_zero(), "I9: {operation:?}");
    }
}

/// I5 and I9 by the entries: the movements of an operation are those of its state, to the very sources.
fn check_movements(memory: &Memory, operation: &Operation) {
    let mine = Reference::Operation(operation.operation_id);
    let entries = || memory.entries.iter().filter(|entry| entry.reference == mine);
    assert!(entries().all(|entry| entry.user_id == operation.user_id), "I5: another's entry");
    let moved = |from: &Account, to: &Account, unit| -> i128 {
        let entries =
            entries().filter(|entry| (&entry.from, &entry.to, entry.unit) == (from, to, unit));
        entries.map(|entry| i128::from(entry.amount)).sum()
    };
    let mut expected = 0;
    let mut refunded = 0;
    let completed = entries().any(|entry| entry.to == Account::Revenue)
        || operation.state == OperationState::Completed;
    for slice in &operation.funding {
        let (unit, source) = (slice.source.unit(), slice.source.account());
        let amount = i128::from(slice.amount);
        assert_eq!(moved(&source, &Account::Held, unit), amount, "I3: taken for {operation:?}");
        let released = moved(&Account::Held, &source, unit);
        let returned = moved(&Account::Revenue, &source, unit);
        expected += 1 + i128::from(released > 0) + i128::from(returned > 0);
        if unit == Unit::Money {
            refunded += released + returned;
        }
        match operation.state {
            OperationState::Charged => assert_eq!((released, returned), (0, 0), "I5"),
            OperationState::Completed => assert_eq!((released, returned), (0, 0), "I5"),
            OperationState::Refunded if completed => {
                assert_eq!(released, 0, "I5: both released and completed");
                assert!(returned <= amount, "I9: {slice:?}");
            }
            OperationState::Refunded => assert_eq!((released, returned), (amount, 0), "I5"),
            OperationState::Declined => panic!("I4: a decline takes nothing"),
        }
    }
    assert_eq!(i128::from(operation.refunded.micros()), refunded, "I9: what `refunded` says");
    for unit in [Unit::Money, Unit::Operation] {
        let earned = if completed { of_unit(&operation.funding, unit) } else { 0 };
        assert_eq!(moved(&Account::Held, &Account::Revenue, unit), earned, "I5: earned once");
    }
    if completed {
        expected += operation.funding.len() as i128;
    }
    assert_eq!(entries().count() as i128, expected, "I5: movements beyond those of {operation:?}");
}
