//! A naive ledger, written from the words of the design and not from the code: it keeps nothing but a journal of what
//! happened, and recomputes whatever it needs by reading the journal from the start.

mod admin;
mod charge;
mod limits;
mod paybacks;
mod payments;
mod promotions;
mod reports;
mod requests;
mod settle;

use self::paybacks::Asked;

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
                let (reason, caller) = (reason.clone(), caller.clone());
                let by = Administrator { request_id: request_id.clone(), reason, caller };
                self.adjust(user_id, *amount, &by, now)
            }
            Command::GrantCredits(command) => self.grant(command, now),
            Command::AnnounceExpiry { user_id, grant_id } => {
                let grant = self.journal.grant(*grant_id).expect("the sweeper saw it");
                let ends = grant.expire_time.is_some_and(|end| end > now);
                let changed = ends && grant.remaining > 0 && !grant.announced;
                if changed {
                    self.write(user_id, now);
                    self.journal.0.push(Fact::Announced(*grant_id));
                }
                Ok(Outcome::Swept { changed })
            }
            _ => self.obey_about_money_in(command, now),
        }
    }

    fn obey_about_money_in(&mut self, command: &Command, now: Timestamp) -> Answer {
        match command {
            Command::RevokeGrant { user_id, grant_id, by } => {
                self.revoke(user_id, *grant_id, by, now)
            }
            Command::SetStanding { user_id, standing, by } => {
                self.judge(user_id, *standing, by, now)
            }
            Command::PublishPrices { prices, by } => self.publish(prices, by, now),
            Command::CreatePromoCode { promo_code, by } => {
                self.make_promo_code(promo_code, by, now)
            }
            Command::RedeemPromoCode { user_id, code, grant_id } => {
                self.redeem(user_id, code, *grant_id, now)
            }
            Command::MakeReferralCode { user_id, code } => self.make_code(user_id, code, now),
            Command::AcceptReferral { user_id, inviter } => self.accept(user_id, inviter, now),
            Command::RewardReferral { user_id, invitee } => self.reward(user_id, invitee, now),
            Command::CreatePayment(new) => self.pay(new, now),
            Command::OpenPayment { user_id, payment_id, provider_payment_id, confirmation_url } => {
                let (name, url) = (provider_payment_id.as_ref(), confirmation_url.as_ref());
                self.open(user_id, *payment_id, name, url, now)
            }
            Command::ClosePayment { user_id, payment_id, closing } => {
                self.close(user_id, *payment_id, *closing, now)
            }
            Command::ScheduleCheck { user_id, payment_id, checks, next } => {
                self.check(user_id, *payment_id, *checks, *next, now)
            }
            Command::ObservePayment(seen) => self.observe(seen, now),
            Command::CreditPayment { user_id, payment_id, by: None } => {
                self.credit(user_id, *payment_id, now)
            }
            Command::CreditPayment { user_id, payment_id, by: Some((by, amount)) } => {
                self.decide(user_id, *payment_id, *amount, by, now)
            }
            Command::RefundPayment { user_id, payment_id, refund_id, amount, whole_only, by } => {
                let (id, refund_id, amount) = (*payment_id, *refund_id, *amount);
                let asked = Asked { user_id, id, refund_id, amount, by };
                self.pay_back(&asked, *whole_only, now)
            }
            Command::RecordDispute { user_id, payment_id, refund_id, outcome, amount, by } => {
                let (id, refund_id, amount) = (*payment_id, *refund_id, *amount);
                let asked = Asked { user_id, id, refund_id, amount, by };
                self.letter(&asked, *outcome, now)
            }
            Command::SettleRefund { user_id, payment_id, refund_id, answer } => {
                self.settle(user_id, *payment_id, *refund_id, answer, now)
            }
            other => panic!("{} is obeyed elsewhere", other.name()),
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
                announced: false,
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
