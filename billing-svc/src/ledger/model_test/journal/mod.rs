//! What happened, and everything that follows from it by reading it from the start.

mod payments;
mod promotions;

pub use payments::{PaymentFact, RefundFact, not_as_promised};

use std::time::Duration;

use crate::ledger::*;

/// One thing that happened.
pub enum Fact {
    /// A command wrote this user.
    Written {
        user_id: UserId,
        at: Timestamp,
    },
    Given(Grant),
    Requested(AdminRequest),
    /// Charged or declined.
    Asked(Operation),
    Extended {
        id: OperationId,
        end: Timestamp,
    },
    Completed {
        id: OperationId,
        at: Timestamp,
    },
    Refunded {
        id: OperationId,
        slices: Vec<Slice>,
        reason: RefundReason,
        comment: String,
        at: Timestamp,
    },
    Lost {
        grant_id: GrantId,
        amount: i64,
    },
    Judged {
        user_id: UserId,
        standing: Standing,
    },
    Announced(GrantId),
    PaymentMade(Payment),
    Payment {
        id: PaymentId,
        at: Timestamp,
        fact: PaymentFact,
    },
    RefundBegun(PaymentRefund),
    Refund {
        id: RefundId,
        at: Timestamp,
        fact: RefundFact,
    },
    PromoCodeMade(PromoCode),
    Redeemed(Redemption),
    Invited(Referral),
    /// The one who invited this user got theirs.
    Rewarded(UserId),
    CodeMade(OwnReferralCode),
}

#[derive(Default)]
pub struct Journal(pub Vec<Fact>);

impl Journal {
    pub fn created(&self, user: &UserId) -> Option<Timestamp> {
        self.0.iter().find_map(|fact| match fact {
            Fact::Written { user_id, at } if user_id == user => Some(*at),
            _ => None,
        })
    }

    pub fn writes(&self, user: &UserId) -> i64 {
        let written =
            |fact: &&Fact| matches!(fact, Fact::Written { user_id, .. } if user_id == user);
        self.0.iter().filter(written).count() as i64
    }

    pub fn standing(&self, user: &UserId) -> Standing {
        let judged = self.0.iter().rev().find_map(|fact| match fact {
            Fact::Judged { user_id, standing } if user_id == user => Some(*standing),
            _ => None,
        });
        match judged {
            Some(Standing::Blocked) => Standing::Blocked,
            _ if self.paid(user) < 0 => Standing::InDebt,
            _ => Standing::Good,
        }
    }

    pub fn requested_as(&self, id: &RequestId) -> Option<AdminRequest> {
        self.0.iter().find_map(|fact| match fact {
            Fact::Requested(request) if request.request_id == *id => Some(request.clone()),
            _ => None,
        })
    }

    pub fn charged_as(&self, id: &RequestId) -> Option<Operation> {
        self.operations().into_iter().find(|operation| operation.request_id == *id)
    }

    /// All operations as they stand.
    pub fn operations(&self) -> Vec<Operation> {
        let mut operations: Vec<Operation> = Vec::new();
        for fact in &self.0 {
            if let Fact::Asked(operation) = fact {
                operations.push(operation.clone());
                continue;
            }
            let (Fact::Extended { id, .. }
            | Fact::Completed { id, .. }
            | Fact::Refunded { id, .. }) = fact
            else {
                continue;
            };
            let operation = operations.iter_mut().find(|operation| operation.operation_id == *id);
            let operation = operation.expect("it was asked for before");
            match fact {
                Fact::Extended { end, .. } => operation.expire_time = *end,
                Fact::Completed { at, .. } => {
                    operation.state = OperationState::Completed;
                    operation.settle_time = Some(*at);
                }
                Fact::Refunded { slices, reason, comment, at, .. } => {
                    operation.state = OperationState::Refunded;
                    operation.settle_time = Some(*at);
                    operation.refund_reason = Some(*reason);
                    operation.refund_comment.clone_from(comment);
                    let money = slices.iter().filter(|slice| slice.source.unit() == Unit::Money);
                    operation.refunded = Amount::from_micros(money.map(|slice| slice.amount).sum());
                }
                _ => {}
            }
        }
        operations
    }

    /// All grants as they stand.
    pub fn grants(&self) -> Vec<Grant> {
        let given = self.0.iter().filter_map(|fact| match fact {
            Fact::Given(grant) => Some(grant.clone()),
            _ => None,
        });
        given.map(|grant| self.recompute(grant)).collect()
    }

    pub fn grant(&self, id: GrantId) -> Option<Grant> {
        self.grants().into_iter().find(|grant| grant.grant_id == id)
    }

    fn recompute(&self, mut grant: Grant) -> Grant {
        let of = |slices: &[Slice]| -> i64 {
            let mine =
                slices.iter().filter(|slice| slice.source.grant_id() == Some(grant.grant_id));
            mine.map(|slice| slice.amount).sum()
        };
        let mut remaining = grant.given;
        let mut end = grant.expire_time;
        let mut announced = false;
        for fact in &self.0 {
            match fact {
                Fact::Asked(operation) => remaining -= of(&operation.funding),
                Fact::Refunded { slices, at, .. } if of(slices) > 0 => {
                    remaining += of(slices);
                    if end.is_some_and(|end| end <= *at) {
                        end = Some(at.plus(Duration::from_secs(24 * 3600)));
                        announced = false;
                    }
                }
                Fact::Lost { grant_id, amount } if *grant_id == grant.grant_id => {
                    remaining -= amount
                }
                Fact::Announced(id) if *id == grant.grant_id => announced = true,
                _ => {}
            }
        }
        grant.remaining = remaining;
        grant.expire_time = end;
        grant.announced = announced;
        grant
    }

    /// The user's own money.
    pub fn paid(&self, user: &UserId) -> i64 {
        let own = |slices: &[Slice]| -> i64 {
            let own = slices.iter().filter(|slice| slice.source == Source::Balance);
            own.map(|slice| slice.amount).sum()
        };
        let mine: Vec<OperationId> = self.operations_of(user).map(|o| o.operation_id).collect();
        let moved = self.0.iter().map(|fact| match fact {
            Fact::Requested(request) if request.user_id.as_ref() == Some(user) => {
                match request.action {
                    AdminAction::AdjustBalance(amount) => amount.micros(),
                    _ => 0,
                }
            }
            Fact::Asked(operation) if operation.user_id == *user => -own(&operation.funding),
            Fact::Refunded { id, slices, .. } if mine.contains(id) => own(slices),
            _ => 0,
        });
        moved.sum::<i64>() + self.paid_in(user)
    }

    pub fn held(&self, user: &UserId) -> Amount {
        let open = self.operations_of(user).filter(|o| o.state == OperationState::Charged);
        let slices = open.flat_map(|operation| operation.funding);
        let money = slices.filter(|slice| slice.source.unit() == Unit::Money);
        Amount::from_micros(money.map(|slice| slice.amount).sum())
    }

    fn operations_of(&self, user: &UserId) -> impl Iterator<Item = Operation> {
        self.operations().into_iter().filter(move |operation| operation.user_id == *user)
    }
}
