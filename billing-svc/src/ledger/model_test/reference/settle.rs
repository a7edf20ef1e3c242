//! The end of an operation.

use super::{Answer, Reference, refused};
use crate::ledger::model_test::journal::Fact;
use crate::ledger::*;

impl Reference {
    pub(super) fn complete(&mut self, id: OperationId, now: Timestamp) -> Answer {
        let operation = self.find(id)?;
        match operation.state {
            OperationState::Charged => {
                self.write(&operation.user_id, now);
                self.journal.0.push(Fact::Completed { id, at: now });
                Ok(self.answer(id, false, now))
            }
            OperationState::Completed => Ok(self.answer(id, true, now)),
            OperationState::Refunded | OperationState::Declined => Err(refused(&operation)),
        }
    }

    pub(super) fn refund(
        &mut self,
        id: OperationId,
        reason: RefundReason,
        comment: &str,
        amount: Option<Amount>,
        right: &RefundRight,
        now: Timestamp,
    ) -> Answer {
        let operation = self.find(id)?;
        let theirs = match right {
            RefundRight::OwnCharges { caller } => operation.caller == *caller,
            RefundRight::AnyCharged | RefundRight::Everything => true,
        };
        if !theirs {
            return Err(Rejection::Forbidden { may: "" });
        }
        let admin = *right == RefundRight::Everything;
        match operation.state {
            OperationState::Refunded => return Ok(self.answer(id, true, now)),
            OperationState::Declined => return Err(refused(&operation)),
            OperationState::Completed if !admin => return Err(refused(&operation)),
            OperationState::Charged | OperationState::Completed => {}
        }
        let invalid = || Err(Rejection::InvalidField { field: "amount", takes: "" });
        let mut slices = operation.funding.clone();
        if let Some(amount) = amount {
            if operation.state == OperationState::Charged {
                return invalid();
            }
            slices.retain(|slice| slice.source.unit() == Unit::Money);
            let mut too_much =
                slices.iter().map(|slice| slice.amount).sum::<i64>() - amount.micros();
            if too_much < 0 {
                return invalid();
            }
            // Own money was taken last and comes back first: what stays away is counted from the front.
            for slice in &mut slices {
                let stays = slice.amount.min(too_much);
                slice.amount -= stays;
                too_much -= stays;
            }
            slices.retain(|slice| slice.amount > 0);
            slices.reverse();
        }
        if operation.state == OperationState::Completed {
            let money = slices.iter().filter(|slice| slice.source.unit() == Unit::Money);
            let money = money.map(|slice| slice.amount).sum();
            self.room_for(&operation.user_id, Amount::from_micros(money))?;
        }
        self.give_back(&operation, slices, reason, comment, now);
        Ok(self.answer(id, false, now))
    }

    pub(super) fn give_back(
        &mut self,
        operation: &Operation,
        slices: Vec<Slice>,
        reason: RefundReason,
        comment: &str,
        now: Timestamp,
    ) {
        self.write(&operation.user_id, now);
        for grant_id in slices.iter().filter_map(|slice| slice.source.grant_id()) {
            let grant = self.journal.grant(grant_id).expect("it was taken from there");
            // The grace is for the slice: whatever else had expired stays lost.
            if grant.expire_time.is_some_and(|end| end <= now) {
                self.lose(&grant);
            }
        }
        let id = operation.operation_id;
        self.journal.0.push(Fact::Refunded {
            id,
            slices,
            reason,
            comment: comment.into(),
            at: now,
        });
    }
}
