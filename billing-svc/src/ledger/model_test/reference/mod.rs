//! A naive ledger, written from the words of the design and not from the code: it keeps nothing but a journal of what
//! happened, and recomputes whatever it needs by reading the journal from the start.

mod admin;
mod charge;
mod settle;

use super::journal::{Fact, Journal};
use crate::ledger::*;

type Answer = Result<Outcome, Rejection>;

pub struct Reference {
    pub policy: Policy,
    pub prices: PriceList,
    pub journal: Journal,
}

impl Reference {
    pub fn new(policy: Policy, prices: PriceList) -> Self {
        Self { policy, prices, journal: Journal::default() }
    }

    pub fn obey(&mut self, command: &Command, now: Timestamp) -> Answer {
        match command {
            Command::Charge(charge) => self.charge(charge, now),
            Command::Complete { operation_id, .. } => self.complete(*operation_id, now),
            Command::Refund { operation_id, reason, comment, amount, right, .. } => {
                self.refund(*operation_id, *reason, comment, *amount, right, now)
            }
            Command::ExtendHold { operation_id, hold, .. } => {
                let operation = self.find(*operation_id)?;
                if operation.state != OperationState::Charged {
                    return Err(refused(&operation));
                }
                let end = now.plus(*hold);
                if end <= operation.expire_time {
                    return Ok(self.answer(operation.operation_id, true, now));
                }
                self.write(&operation.user_id, now);
                self.journal.0.push(Fact::Extended { id: *operation_id, end });
                Ok(self.answer(*operation_id, false, now))
            }
            Command::Expire { operation_id, .. } => {
                let operation = self.find(*operation_id)?;
                let ended = operation.expire_time <= now;
                let changed = operation.state == OperationState::Charged && ended;
                if changed {
                    let slices = operation.funding.clone();
                    self.give_back(&operation, slices, RefundReason::Expired, "", now);
                }
                Ok(Outcome::Swept { changed })
            }
            Command::ExpireGrant { user_id, grant_id } => {
                let grant = self.journal.grant(*grant_id).expect("the sweeper saw it");
                let changed =
                    grant.remaining > 0 && grant.expire_time.is_some_and(|end| end <= now);
                if changed {
                    self.write(user_id, now);
                    self.lose(&grant);
                }
                Ok(Outcome::Swept { changed })
            }
            Command::AdjustBalance { user_id, request_id, amount, reason, caller } => {
                let action = AdminAction::AdjustBalance(*amount);
                self.adjust(user_id, request_id, action, *amount, reason, caller, now)
            }
            Command::GrantCredits(command) => self.grant(command, now),
        }
    }

    /// What the user has, recomputed.
    pub fn view(&self, user_id: &UserId, now: Timestamp) -> UserView {
        let Some(create_time) = self.journal.created(user_id) else {
            return UserView {
                user_id: user_id.clone(),
                balance: Amount::ZERO,
                paid_balance: Amount::ZERO,
                held: Amount::ZERO,
                free_operations_left: self.policy.free_operations,
                free_operations_total: self.policy.free_operations,
                standing: Standing::Good,
                version: 0,
                create_time: None,
            };
        };
        let live = self.live_grants(user_id, now);
        let sum = |unit, of: fn(&Grant) -> i64| -> i64 {
            live.iter().filter(|grant| grant.unit == unit).map(of).sum()
        };
        let paid = self.journal.paid(user_id);
        UserView {
            user_id: user_id.clone(),
            balance: Amount::from_micros(paid + sum(Unit::Money, |grant| grant.remaining)),
            paid_balance: Amount::from_micros(paid),
            held: self.journal.held(user_id),
            free_operations_left: sum(Unit::Operation, |grant| grant.remaining),
            free_operations_total: sum(Unit::Operation, |grant| grant.given),
            standing: self.journal.standing(user_id),
            version: self.journal.writes(user_id),
            create_time: Some(create_time),
        }
    }

    /// Live grants in the order of spending: priority, then the sooner end, then the older.
    fn live_grants(&self, user_id: &UserId, now: Timestamp) -> Vec<Grant> {
        let mut grants = self.journal.grants();
        grants.retain(|grant| grant.user_id == *user_id);
        grants.retain(|grant| grant.expire_time.is_none_or(|end| end > now));
        grants.sort_by_key(|grant| (grant.create_time, grant.grant_id));
        grants.sort_by_key(|grant| (grant.expire_time.is_none(), grant.expire_time));
        grants.sort_by_key(|grant| grant.priority);
        grants
    }

    fn write(&mut self, user_id: &UserId, now: Timestamp) {
        let new = self.journal.created(user_id).is_none();
        self.journal.0.push(Fact::Written { user_id: user_id.clone(), at: now });
        if new && self.policy.free_operations > 0 {
            self.journal.0.push(Fact::Given(Grant {
                grant_id: GrantId::signup(user_id),
                user_id: user_id.clone(),
                kind: GrantKind::Signup,
                unit: Unit::Operation,
                given: self.policy.free_operations,
                remaining: self.policy.free_operations,
                priority: 0,
                create_time: now,
                expire_time: None,
            }));
        }
    }

    fn lose(&mut self, grant: &Grant) {
        self.journal.0.push(Fact::Lost { grant_id: grant.grant_id, amount: grant.remaining });
    }

    fn find(&self, id: OperationId) -> Result<Operation, Rejection> {
        let mut operations = self.journal.operations().into_iter();
        operations
            .find(|operation| operation.operation_id == id)
            .ok_or(Rejection::OperationNotFound)
    }

    fn answer(&self, id: OperationId, replayed: bool, now: Timestamp) -> Outcome {
        let operation = self.find(id).expect("it was just there");
        let user = self.view(&operation.user_id, now);
        Outcome::Operation { operation, user, replayed }
    }
}

fn refused(operation: &Operation) -> Rejection {
    Rejection::OperationSettled { operation_id: operation.operation_id, state: operation.state }
}
