//! The model test: random batches run through the ledger and through a naive reference that shares none of its code,
//! and everything that can be seen must agree; the invariants are proved from the entries after each step.

mod invariants;
mod journal;
mod limits;
pub(super) mod memory;
mod reference;
mod steps;

pub(super) use invariants::{check, check_history};

use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use self::journal::Fact;
use self::memory::Memory;
use self::reference::Reference;
use self::steps::{Ask, START, Step};
use crate::ledger::*;

proptest! {
    #[test]
    fn the_ledger_agrees_with_a_naive_reference(policy in steps::policies(), steps in steps::steps()) {
        let mut run = Run::new(policy);
        for step in &steps {
            run.step(step);
        }
    }
}

/// The ledger, the reference, and the time.
struct Run {
    memory: Memory,
    reference: Reference,
    now: Timestamp,
    next_id: u128,
}

impl Run {
    fn new(policy: Policy) -> Self {
        let prices = steps::price_lists().swap_remove(0);
        Self {
            memory: Memory::new(policy.clone(), prices.clone()),
            reference: Reference::new(policy, prices),
            now: START,
            next_id: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Batch { wait, asks } => {
                self.now = self.now.plus(*wait);
                let batch = self.resolve(asks);
                self.batch(&batch);
            }
            Step::Publish(list) => {
                let list = steps::price_lists().swap_remove(*list);
                self.memory.prices = list.clone();
                self.reference.prices = list;
            }
            Step::Judge { user, standing } => {
                let user_id = steps::user_id(*user);
                if let Some(user) = self.memory.users.get_mut(&user_id) {
                    user.standing = *standing;
                    let standing = *standing;
                    self.reference.journal.0.push(Fact::Judged { user_id, standing });
                }
            }
        }
    }

    fn batch(&mut self, batch: &[Command]) {
        let before = self.memory.clone();
        let decision = self.memory.run(batch, self.now);
        check(&self.memory);
        check_history(&before, &self.memory);

        let expected: Vec<_> =
            batch.iter().map(|command| self.reference.obey(command, self.now)).collect();
        for ((outcome, expected), command) in decision.outcomes.iter().zip(expected).zip(batch) {
            assert_eq!(without_wording(outcome), expected, "{command:#?}");
        }
        self.compare_rows();
        self.one_by_one(before, batch, &decision);
    }

    fn compare_rows(&self) {
        for user in 0..3 {
            let user_id = steps::user_id(user);
            let expected = self.reference.view(&user_id, self.now);
            assert_eq!(self.memory.view(&user_id, self.now), expected);
        }
        let operations = self.reference.journal.operations().into_iter();
        let operations: BTreeMap<_, _> = operations.map(|o| (o.operation_id, o)).collect();
        assert_eq!(self.memory.operations, operations);
        let grants = self.reference.journal.grants().into_iter();
        let grants: BTreeMap<_, _> =
            grants.map(|grant| ((grant.user_id.clone(), grant.grant_id), grant)).collect();
        assert_eq!(self.memory.grants, grants);
    }

    /// The same commands in batches of one decide and write the same; each of them, repeated at once, is answered the
    /// same and writes nothing.
    fn one_by_one(&self, mut memory: Memory, batch: &[Command], together: &Decision) {
        for (command, outcome) in batch.iter().zip(&together.outcomes) {
            let alone = memory.run(std::slice::from_ref(command), self.now);
            assert_eq!(alone.outcomes[0], *outcome, "alone: {command:#?}");
            let again = memory.run(std::slice::from_ref(command), self.now);
            assert!(again.changes.is_empty(), "written twice: {command:#?}");
            assert_eq!(again.outcomes[0], as_replayed(outcome), "again: {command:#?}");
        }
        assert_eq!(memory, self.memory);

        // And the whole batch again, without those that were refused and might now succeed.
        let kept: Vec<_> =
            batch.iter().zip(&together.outcomes).filter(|(_, o)| is_kept(o)).collect();
        let commands: Vec<_> = kept.iter().map(|(command, _)| (*command).clone()).collect();
        let again = memory.run(&commands, self.now);
        assert!(again.changes.is_empty(), "the same batch wrote twice: {commands:#?}");
    }

    /// Ids as callers make them: a repeated charge brings a new operation_id with its old request_id.
    fn resolve(&mut self, asks: &[Ask]) -> Vec<Command> {
        let mut asked_here = BTreeMap::new();
        let mut batch = Vec::new();
        for ask in asks {
            let id = self.fresh();
            let charged = |request: u8| -> (UserId, OperationId) {
                let request = steps::request_id(request);
                let stored = self.memory.charged_as(&request);
                let stored = stored.map(|stored| (stored.user_id.clone(), stored.operation_id));
                let here = || asked_here.get(&request).cloned();
                stored.or_else(here).unwrap_or((steps::user_id(0), OperationId(id)))
            };
            let command = command(ask, id, charged, |user, at| {
                let user_id = steps::user_id(user);
                self.memory.grants_of(&user_id).nth(at).map(|grant| grant.grant_id)
            });
            let Some(command) = command else { continue };
            if let Command::Charge(charge) = &command {
                let ids = (charge.user_id.clone(), charge.operation_id);
                asked_here.entry(charge.request_id.clone()).or_insert(ids);
            }
            batch.push(command);
        }
        batch
    }

    fn fresh(&mut self) -> Uuid {
        self.next_id += 1;
        Uuid::from_u128(self.next_id)
    }
}

/// `None`: a sweeper that has nothing to find.
fn command(
    ask: &Ask,
    id: Uuid,
    charged: impl Fn(u8) -> (UserId, OperationId),
    nth_grant: impl Fn(u8, usize) -> Option<GrantId>,
) -> Option<Command> {
    Some(match ask.clone() {
        Ask::Charge { user, request, kind, quantity, max_price, hold, label } => {
            Command::Charge(Charge {
                user_id: steps::user_id(user),
                request_id: steps::request_id(request),
                operation_id: OperationId(id),
                caller: "bot".into(),
                kind: Kind::parse(kind).unwrap(),
                quantity,
                max_price: max_price.map(Amount::from_micros),
                hold,
                labels: steps::labels(label),
            })
        }
        Ask::Complete(operation) => {
            let (user_id, operation_id) = charged(operation);
            Command::Complete { user_id, operation_id }
        }
        Ask::Refund { operation, reason, amount, right } => {
            let (user_id, operation_id) = charged(operation);
            let amount = amount.map(Amount::from_micros);
            let comment = "a comment".into();
            Command::Refund { user_id, operation_id, reason, comment, amount, right }
        }
        Ask::Extend { operation, hold } => {
            let (user_id, operation_id) = charged(operation);
            Command::ExtendHold { user_id, operation_id, hold }
        }
        Ask::Expire(operation) => {
            let (user_id, operation_id) = charged(operation);
            Command::Expire { user_id, operation_id }
        }
        Ask::ExpireGrant { user, grant } => {
            let grant_id = nth_grant(user, grant)?;
            Command::ExpireGrant { user_id: steps::user_id(user), grant_id }
        }
        Ask::Adjust { user, request, amount, reason } => Command::AdjustBalance {
            user_id: steps::user_id(user),
            request_id: steps::request_id(request),
            amount: Amount::from_micros(amount),
            reason: reason.into(),
            caller: "admin".into(),
        },
        Ask::Grant { user, request, credits, kind, priority, end } => {
            Command::GrantCredits(GrantCredits {
                user_id: steps::user_id(user),
                request_id: steps::request_id(request),
                grant_id: GrantId(id),
                credits,
                kind,
                priority,
                expire_time: end.map(steps::minutes),
                reason: "a reason".into(),
                caller: "admin".into(),
            })
        }
    })
}

/// The reference knows which field is wrong, not the words.
fn without_wording(outcome: &Result<Outcome, Rejection>) -> Result<Outcome, Rejection> {
    match outcome.clone() {
        Err(Rejection::InvalidField { field, .. }) => {
            Err(Rejection::InvalidField { field, takes: "" })
        }
        Err(Rejection::Forbidden { .. }) => Err(Rejection::Forbidden { may: "" }),
        other => other,
    }
}

/// The answer to the same command, repeated at once.
fn as_replayed(outcome: &Result<Outcome, Rejection>) -> Result<Outcome, Rejection> {
    let mut outcome = outcome.clone();
    match &mut outcome {
        Ok(
            Outcome::Operation { replayed, .. }
            | Outcome::Adjusted { replayed, .. }
            | Outcome::Granted { replayed, .. },
        ) => *replayed = true,
        Ok(Outcome::Swept { changed }) => *changed = false,
        Err(_) => {}
    }
    outcome
}

/// Did the ledger keep what it answered? Other refusals leave no trace, and may be obeyed the next time.
fn is_kept(outcome: &Result<Outcome, Rejection>) -> bool {
    match outcome {
        Ok(_) | Err(Rejection::PriceChanged { .. }) => true,
        Err(Rejection::UserBlocked { .. } | Rejection::InDebt { .. }) => true,
        Err(Rejection::InsufficientFunds { operation_id, .. }) => operation_id.is_some(),
        Err(
            Rejection::RequestIdReused { .. }
            | Rejection::OperationSettled { .. }
            | Rejection::OperationNotFound
            | Rejection::UnknownKind
            | Rejection::InvalidField { .. }
            | Rejection::Forbidden { .. }
            | Rejection::Corrupt { .. },
        ) => false,
    }
}
