//! The model test: random batches run through the ledger and through a naive reference that shares none of its code,
//! and everything that can be seen must agree; the invariants are proved from the entries after each step.

mod invariants;
mod journal;
mod limits;
pub(super) mod memory;
mod money_in;
mod money_steps;
mod reference;
mod resolve;
mod steps;
mod told;

pub(super) use invariants::{check, check_history};
pub(super) use told::check_told;

use std::collections::BTreeMap;

use proptest::prelude::*;

use self::memory::Memory;
use self::reference::Reference;
use self::resolve::Resolver;
use self::steps::{START, Step};
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
        self.now = self.now.plus(step.wait);
        let mut resolver = Resolver::new(&self.memory, &mut self.next_id);
        let batch: Vec<_> = step.asks.iter().filter_map(|ask| resolver.command(ask)).collect();
        self.batch(&batch);
    }

    fn batch(&mut self, batch: &[Command]) {
        let before = self.memory.clone();
        let decision = self.memory.run(batch, self.now);
        check(&self.memory);
        check_history(&before, &self.memory);

        let expected: Vec<_> =
            batch.iter().map(|command| self.reference.obey(command, self.now)).collect();
        for ((outcome, expected), command) in decision.outcomes.iter().zip(expected).zip(batch) {
            assert_eq!(as_compared(outcome), as_compared(&expected), "{command:#?}");
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
        self.compare_money_in();
    }

    fn compare_money_in(&self) {
        let journal = &self.reference.journal;
        let timeless = |payment: Payment| Payment { update_time: START, ..payment };
        let mut payments: Vec<_> = journal.payments().into_iter().map(timeless).collect();
        payments.sort_by_key(|payment| payment.payment_id);
        let stored: Vec<_> = self.memory.payments.values().cloned().map(timeless).collect();
        assert_eq!(stored, payments);
        let mut refunds = journal.refunds();
        refunds.sort_by_key(|refund| (refund.payment_id, refund.refund_id));
        let stored: Vec<_> = self.memory.payment_refunds.values().cloned().collect();
        assert_eq!(stored, refunds);
        let timeless = |referral: Referral| Referral { update_time: START, ..referral };
        let mut referrals: Vec<_> = journal.referrals().into_iter().map(timeless).collect();
        referrals.sort_by_key(|referral| referral.user_id.clone());
        let stored: Vec<_> = self.memory.referrals.values().cloned().map(timeless).collect();
        assert_eq!(stored, referrals);
        let mut redemptions = journal.redemptions();
        redemptions.sort_by_key(|r| (r.user_id.clone(), r.code.clone()));
        let stored: Vec<_> = self.memory.redemptions.values().cloned().collect();
        assert_eq!(stored, redemptions);
        assert_eq!(self.memory.prices, self.reference.prices);
    }

    /// The same commands in batches of one decide and write the same; each of them, repeated at once, is answered the
    /// same and writes nothing.
    fn one_by_one(&self, mut memory: Memory, batch: &[Command], together: &Decision) {
        for (command, outcome) in batch.iter().zip(&together.outcomes) {
            let before = memory.clone();
            let alone = memory.run(std::slice::from_ref(command), self.now);
            check_told(&before, &memory);
            assert_eq!(alone.outcomes[0], *outcome, "alone: {command:#?}");
            let again = memory.run(std::slice::from_ref(command), self.now);
            assert!(again.changes.is_empty(), "written twice: {command:#?}");
            assert_eq!(again.outcomes[0], as_replayed(outcome), "again: {command:#?}");
        }
        assert_eq!(memory, self.memory);

        // And the whole batch again, without those that were refused and might now succeed, and those that follow the
        // world as it is now.
        let kept = batch.iter().zip(&together.outcomes);
        let kept: Vec<_> = kept.filter(|(c, o)| is_request(c) && is_kept(o)).collect();
        let commands: Vec<_> = kept.iter().map(|(command, _)| (*command).clone()).collect();
        let again = memory.run(&commands, self.now);
        assert!(again.changes.is_empty(), "the same batch wrote twice: {commands:#?}");
    }
}

/// The reference knows which field is wrong, not the words; and not when a row last changed.
fn as_compared(outcome: &Result<Outcome, Rejection>) -> Result<Outcome, Rejection> {
    match outcome.clone() {
        Ok(Outcome::Payment { mut payment, refunds, refund_id, user, replayed }) => {
            payment.update_time = START;
            Ok(Outcome::Payment { payment, refunds, refund_id, user, replayed })
        }
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
            | Outcome::Granted { replayed, .. }
            | Outcome::Payment { replayed, .. }
            | Outcome::PromoCode { replayed, .. }
            | Outcome::Prices { replayed, .. }
            | Outcome::Referred { replayed },
        ) => *replayed = true,
        Ok(Outcome::Swept { changed }) => *changed = false,
        Ok(Outcome::ReferralCode { .. }) | Err(_) => {}
    }
    outcome
}

/// Is it a request that is done once, not a look at what is to be done?
fn is_request(command: &Command) -> bool {
    !matches!(
        command,
        Command::ObservePayment(_)
            | Command::ScheduleCheck { .. }
            | Command::CreditPayment { by: None, .. }
            | Command::SettleRefund { .. }
            | Command::RewardReferral { .. }
            | Command::AnnounceExpiry { .. }
    )
}

/// Did the ledger keep what it answered? Other refusals leave no trace, and may be obeyed the next time.
fn is_kept(outcome: &Result<Outcome, Rejection>) -> bool {
    match outcome {
        Ok(_) | Err(Rejection::PriceChanged { .. }) => true,
        Err(Rejection::UserBlocked { .. } | Rejection::InDebt { .. }) => true,
        Err(Rejection::InsufficientFunds { operation_id, .. }) => operation_id.is_some(),
        Err(
            Rejection::RequestIdReused { .. }
            | Rejection::OpenHolds { .. }
            | Rejection::DailySpend { .. }
            | Rejection::OperationSettled { .. }
            | Rejection::OperationNotFound
            | Rejection::UnknownKind
            | Rejection::InvalidField { .. }
            | Rejection::Forbidden { .. }
            | Rejection::Blocked
            | Rejection::PaymentNotFound
            | Rejection::PaymentState { .. }
            | Rejection::GrantNotFound
            | Rejection::PromoCodeNotFound
            | Rejection::PromoCodeExpired
            | Rejection::PromoCodeUsedUp
            | Rejection::PromoCodeExists
            | Rejection::ReferralRefused { .. }
            | Rejection::Corrupt { .. },
        ) => false,
    }
}
