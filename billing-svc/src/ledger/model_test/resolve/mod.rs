//! From what the model test asks to commands, with ids as callers make them: a repeated charge brings a new operation_id
//! with its old request_id.

mod payments;

use std::collections::BTreeMap;

use uuid::Uuid;

use super::memory::Memory;
use super::money_steps::MoneyAsk;
use super::steps::{self, Ask, START};
use crate::ledger::*;

/// What a batch asks for, before it is run.
pub struct Resolver<'a> {
    pub memory: &'a Memory,
    pub next_id: &'a mut u128,
    charges: BTreeMap<RequestId, (UserId, OperationId)>,
    payments: BTreeMap<RequestId, NewPayment>,
}

impl<'a> Resolver<'a> {
    pub fn new(memory: &'a Memory, next_id: &'a mut u128) -> Self {
        Self { memory, next_id, charges: BTreeMap::new(), payments: BTreeMap::new() }
    }

    /// `None`: a sweeper that has nothing to find.
    pub fn command(&mut self, ask: &Ask) -> Option<Command> {
        let command = match ask.clone() {
            Ask::Complete(operation) => {
                let (user_id, operation_id) = self.charged(operation);
                Command::Complete { user_id, operation_id }
            }
            Ask::Refund { operation, reason, amount, right } => {
                let (user_id, operation_id) = self.charged(operation);
                let amount = amount.map(Amount::from_micros);
                let comment = "a comment".into();
                Command::Refund { user_id, operation_id, reason, comment, amount, right }
            }
            Ask::Extend { operation, hold } => {
                let (user_id, operation_id) = self.charged(operation);
                Command::ExtendHold { user_id, operation_id, hold }
            }
            Ask::Expire(operation) => {
                let (user_id, operation_id) = self.charged(operation);
                Command::Expire { user_id, operation_id }
            }
            Ask::ExpireGrant { user, grant } => {
                let grant_id = self.nth_grant(user, grant)?;
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
                    grant_id: GrantId(self.fresh()),
                    credits,
                    kind,
                    priority,
                    expire_time: end.map(steps::minutes),
                    reason: "a reason".into(),
                    caller: "admin".into(),
                })
            }
            Ask::Charge { user, request, kind, quantity, max_price, hold, label } => {
                let charge = Charge {
                    user_id: steps::user_id(user),
                    request_id: steps::request_id(request),
                    operation_id: OperationId(self.fresh()),
                    caller: "bot".into(),
                    kind: Kind::parse(kind).unwrap(),
                    quantity,
                    max_price: max_price.map(Amount::from_micros),
                    hold,
                    labels: steps::labels(label),
                };
                let ids = (charge.user_id.clone(), charge.operation_id);
                self.charges.entry(charge.request_id.clone()).or_insert(ids);
                Command::Charge(charge)
            }
            Ask::Money(ask) => return self.money(&ask),
        };
        Some(command)
    }

    fn money(&mut self, ask: &MoneyAsk) -> Option<Command> {
        Some(match *ask {
            MoneyAsk::Pay { user, payment, provider, pack, url, check } => {
                self.pay(user, payment, provider, pack, url, check)
            }
            MoneyAsk::Promo { request, code, credits, max, ends } => Command::CreatePromoCode {
                promo_code: PromoCode {
                    code: promo_code(code),
                    campaign: "spring".into(),
                    credits,
                    priority: 1,
                    max_redemptions: max,
                    redemptions: 0,
                    expire_time: ends.then(|| steps::minutes(60)),
                    grant_expire_time: ends.then(|| steps::minutes(90)),
                    create_time: START,
                },
                by: by(request),
            },
            MoneyAsk::Redeem { user, code } => Command::RedeemPromoCode {
                user_id: steps::user_id(user),
                code: promo_code(code),
                grant_id: GrantId(self.fresh()),
            },
            MoneyAsk::Code { user } => Command::MakeReferralCode {
                user_id: steps::user_id(user),
                code: ReferralCode::parse(format!("aaaaaaaaa{}", ['a', 'b', 'c'][user as usize]))
                    .unwrap(),
            },
            MoneyAsk::Invited { user, by } => Command::AcceptReferral {
                user_id: steps::user_id(user),
                inviter: steps::user_id(by),
            },
            MoneyAsk::Reward { user, invitee } => Command::RewardReferral {
                user_id: steps::user_id(user),
                invitee: steps::user_id(invitee),
            },
            MoneyAsk::Announce { user, grant } => Command::AnnounceExpiry {
                user_id: steps::user_id(user),
                grant_id: self.nth_grant(user, grant)?,
            },
            MoneyAsk::Revoke { user, request, grant } => Command::RevokeGrant {
                user_id: steps::user_id(user),
                grant_id: self.nth_grant(user, grant).unwrap_or(GrantId(Uuid::max())),
                by: by(request),
            },
            MoneyAsk::Stand { user, request, standing } => {
                Command::SetStanding { user_id: steps::user_id(user), standing, by: by(request) }
            }
            MoneyAsk::Publish { request, list } => Command::PublishPrices {
                prices: steps::price_lists().swap_remove(list).prices,
                by: by(request),
            },
            _ => self.payment(ask),
        })
    }

    fn charged(&self, request: u8) -> (UserId, OperationId) {
        let request = steps::request_id(request);
        let stored = self.memory.charged_as(&request);
        let stored = stored.map(|stored| (stored.user_id.clone(), stored.operation_id));
        let here = || self.charges.get(&request).cloned();
        stored.or_else(here).unwrap_or((steps::user_id(0), OperationId(Uuid::max())))
    }

    fn nth_grant(&self, user: u8, at: usize) -> Option<GrantId> {
        self.memory.grants_of(&steps::user_id(user)).nth(at).map(|grant| grant.grant_id)
    }

    fn fresh(&mut self) -> Uuid {
        *self.next_id += 1;
        Uuid::from_u128(*self.next_id)
    }
}

fn by(request: u8) -> Administrator {
    let request_id = steps::request_id(request);
    Administrator { request_id, reason: "a reason".into(), caller: "admin".into() }
}

fn payment_request(payment: u8) -> RequestId {
    RequestId::parse(format!("p-{payment}")).unwrap()
}

fn promo_code(code: u8) -> PromoCodeName {
    PromoCodeName::parse(format!("CODE-{code}")).unwrap()
}
