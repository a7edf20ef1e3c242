//! Random batches of commands: few users and few request ids, so that they meet.

use std::collections::BTreeMap;
use std::time::Duration;

use billing_svc::ledger::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

use crate::books::{request, user};
use crate::random_money_in::Known;

/// The same seed, the same batches.
pub struct Asker {
    pub random: StdRng,
    /// Operations and grants that may exist, and whose they are.
    operations: Vec<(UserId, OperationId)>,
    grants: Vec<(UserId, GrantId)>,
    pub payments: Vec<Known>,
}

impl Asker {
    pub fn new(seed: u64) -> Self {
        let grants = (0..4).map(|n| user(&format!("u{n}"))).map(|user| {
            let signup = GrantId::signup(&user);
            (user, signup)
        });
        Self {
            random: StdRng::seed_from_u64(seed),
            operations: Vec::new(),
            grants: grants.collect(),
            payments: Vec::new(),
        }
    }

    pub fn batch(&mut self, now: Timestamp) -> Vec<Command> {
        (0..self.random.random_range(1..12)).map(|_| self.command(now)).collect()
    }

    /// Remembers what a charge made.
    pub fn learn(&mut self, outcomes: &[Result<Outcome, Rejection>]) {
        for outcome in outcomes {
            match outcome {
                Ok(Outcome::Operation { operation, replayed: false, .. }) => {
                    self.operations.push((operation.user_id.clone(), operation.operation_id));
                }
                Ok(Outcome::Granted { grant, .. }) => {
                    self.grants.push((grant.user_id.clone(), grant.grant_id));
                }
                Ok(Outcome::Payment { payment, refunds, .. }) => {
                    self.learn_payment(payment, refunds);
                }
                _ => {}
            }
        }
    }

    fn command(&mut self, now: Timestamp) -> Command {
        match self.random.random_range(0..40) {
            20.. => self.money_in(now),
            0..8 => self.charge(),
            8..16 if !self.operations.is_empty() => self.settle(),
            16 => self.grant_credits(now),
            17 if !self.grants.is_empty() => {
                let (user_id, grant_id) = self.one_of_grants();
                Command::ExpireGrant { user_id, grant_id }
            }
            _ => Command::AdjustBalance {
                user_id: self.user(),
                request_id: self.request("adjust"),
                amount: Amount::from_micros(self.random.random_range(-20_000_000..40_000_000)),
                reason: "random".to_owned(),
                caller: "test".to_owned(),
            },
        }
    }

    fn charge(&mut self) -> Command {
        let kinds = ["generate", "generate", "upscale", "gift", "unheard_of"];
        let kind = kinds[self.random.random_range(0..kinds.len())];
        let hold = self.random.random_range(0..4000);
        Command::Charge(Charge {
            user_id: self.user(),
            request_id: self.request("charge"),
            operation_id: OperationId(self.uuid()),
            caller: "test".to_owned(),
            kind: Kind::parse(kind).unwrap(),
            quantity: self.random.random_range(1..5),
            max_price: self.random.random_bool(0.2).then(|| Amount::units(20)),
            hold: (hold < 2000).then(|| Duration::new(60 + hold, 1)),
            labels: BTreeMap::from([("chat".to_owned(), "ключ \"5\"".to_owned())]),
        })
    }

    fn settle(&mut self) -> Command {
        let (user_id, operation_id) =
            self.operations[self.random.random_range(0..self.operations.len())].clone();
        match self.random.random_range(0..6) {
            0 | 1 => Command::Complete { user_id, operation_id },
            2 => Command::Expire { user_id, operation_id },
            3 => Command::ExtendHold { user_id, operation_id, hold: Duration::from_secs(600) },
            _ => Command::Refund {
                user_id,
                operation_id,
                reason: RefundReason::Undeliverable,
                comment: "a comment".to_owned(),
                amount: self.random.random_bool(0.3).then(|| Amount::from_micros(2_500_000)),
                right: match self.random.random_bool(0.5) {
                    true => RefundRight::Everything,
                    false => RefundRight::OwnCharges { caller: "test".to_owned() },
                },
            },
        }
    }

    fn grant_credits(&mut self, now: Timestamp) -> Command {
        let credits = match self.random.random_bool(0.5) {
            true => Credits { unit: Unit::Money, amount: 7_000_000 },
            false => Credits { unit: Unit::Operation, amount: 2 },
        };
        let minutes = self.random.random_range(0..120);
        Command::GrantCredits(GrantCredits {
            user_id: self.user(),
            request_id: self.request("grant"),
            grant_id: GrantId(self.uuid()),
            credits,
            kind: GrantKind::Promo,
            priority: self.random.random_range(-1..2),
            expire_time: (minutes < 60).then(|| now.plus(Duration::from_secs(minutes * 60))),
            reason: "random".to_owned(),
            caller: "test".to_owned(),
        })
    }

    pub fn one_of_grants(&mut self) -> (UserId, GrantId) {
        self.grants[self.random.random_range(0..self.grants.len())].clone()
    }

    pub fn user(&mut self) -> UserId {
        user(&format!("u{}", self.random.random_range(0..4)))
    }

    pub fn request(&mut self, what: &str) -> RequestId {
        request(&format!("{what}-{}", self.random.random_range(0..120)))
    }

    pub fn uuid(&mut self) -> Uuid {
        Uuid::from_u128(self.random.random())
    }
}
