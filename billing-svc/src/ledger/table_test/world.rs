//! The state of a table under way, and the making of its rows.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::columns::cell;
use super::script::{Script, Step};
use super::words;
use crate::ledger::model_test::memory::Memory;
use crate::ledger::model_test::{check, check_history, check_told};
use crate::ledger::*;

pub const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

pub struct World {
    pub memory: Memory,
    pub now: Timestamp,
    columns: Vec<String>,
    user: UserId,
    next_id: u128,
    /// Operations that this batch asks for, by the request_id of their charge.
    asked: BTreeMap<RequestId, (UserId, OperationId)>,
    /// Payments that this batch asks for, likewise.
    pub paid: BTreeMap<RequestId, (UserId, PaymentId, Provider, ProviderAmount)>,
}

impl World {
    pub fn new(columns: &[String]) -> Self {
        let price = |(kind, micros, free_operations_allowed): (&str, i64, bool)| Price {
            kind: Kind::parse(kind).unwrap(),
            amount: Amount::from_micros(micros),
            free_operations_allowed,
        };
        let prices = [
            ("generate", 10_000_000, true),
            ("edit", 12_000_000, true),
            ("poster", 20_000_000, false),
            ("gift", 0, false),
            ("hello", 0, true),
            ("edition", 1, false),
        ];
        let prices = PriceList { version: 1, prices: prices.into_iter().map(price).collect() };
        let hold = std::time::Duration::from_secs(30 * 60);
        let referral = ReferralRewards { inviter_operations: 7, invitee_operations: 4 };
        let repeated_invoice = RepeatRule::Credit;
        let limits = UserLimits::default();
        let policy = Policy { free_operations: 3, hold, referral, repeated_invoice, limits };
        Self {
            memory: Memory::new(policy, prices),
            now: START,
            columns: columns.to_vec(),
            user: UserId::parse("nobody").unwrap(),
            next_id: 0,
            asked: BTreeMap::new(),
            paid: BTreeMap::new(),
        }
    }

    /// Runs one batch and answers its rows as they should be in the table.
    pub fn rows(&mut self, lines: Vec<String>) -> Vec<Vec<String>> {
        self.asked.clear();
        self.paid.clear();
        let mut commands = Vec::new();
        for line in &lines {
            match Script::new(line.trim_start_matches('+')).step(self) {
                Step::Ask(command) => commands.push(command),
                Step::Arrange => {}
            }
        }
        if commands.is_empty() {
            let answer = String::new();
            return vec![self.row(&lines[0], answer, None, &Changes::default())];
        }
        let before = self.memory.clone();
        let decision = self.memory.run(&commands, self.now);
        check(&self.memory);
        check_history(&before, &self.memory);
        if commands.len() == 1 {
            check_told(&before, &self.memory);
        }

        let last = commands.len() - 1;
        let results = commands.iter().zip(&decision.outcomes).enumerate();
        let mut rows = Vec::new();
        for (at, (command, outcome)) in results {
            self.user = command.user_id().unwrap_or(&self.user).clone();
            let seen = view_of(outcome);
            if let (Some(seen), true) = (&seen, at == last) {
                assert_eq!(*seen, self.memory.view(&self.user, self.now), "{command:?}");
            }
            let answer = words::answer(&self.memory, command, outcome);
            let midway = (at < last).then_some(seen);
            rows.push(self.row(&lines[at], answer, midway, &decision.changes));
        }
        rows
    }

    /// `midway`: inside a batch only what the answer itself tells is known.
    fn row(
        &self,
        line: &str,
        answer: String,
        midway: Option<Option<UserView>>,
        written: &Changes,
    ) -> Vec<String> {
        let now = self.memory.view(&self.user, self.now);
        let cells = self.columns.iter().map(|column| match &midway {
            None => cell(column, &self.memory, &now, Some(written)),
            Some(Some(seen)) => cell(column, &self.memory, seen, None),
            Some(None) => String::new(),
        });
        [line.to_owned(), answer].into_iter().chain(cells).collect()
    }

    pub fn fresh(&mut self) -> Uuid {
        self.next_id += 1;
        Uuid::from_u128(self.next_id)
    }

    /// Tells the batch which operation a charge would make.
    pub fn asks(&mut self, charge: &Charge) {
        let ids = (charge.user_id.clone(), charge.operation_id);
        self.asked.entry(charge.request_id.clone()).or_insert(ids);
    }

    /// The operation that was charged as this, or an id that nobody has.
    pub fn charged_as(&self, request: &str) -> (UserId, OperationId) {
        let request = RequestId::parse(request).unwrap();
        let stored = self.memory.charged_as(&request);
        let stored = stored.map(|stored| (stored.user_id.clone(), stored.operation_id));
        let nobody = || (self.user.clone(), OperationId(Uuid::max()));
        stored.or_else(|| self.asked.get(&request).cloned()).unwrap_or_else(nobody)
    }

    /// The grant that was given as this; `signup` is the one that is nobody's request.
    pub fn given_as(&self, user_id: &UserId, request: &str) -> GrantId {
        if request == "signup" {
            return GrantId::signup(user_id);
        }
        let stored = RequestId::parse(request).ok();
        let stored = stored.and_then(|request| self.memory.admin_requests.get(&request));
        match stored.map(|request| &request.action) {
            Some(AdminAction::GrantCredits { grant_id, .. }) => *grant_id,
            Some(other) => panic!("{other:?} gave no grant"),
            None => GrantId(Uuid::max()),
        }
    }

    /// Whom the last row was about.
    pub fn about(&self) -> &UserId {
        &self.user
    }

    pub fn is_about(&mut self, user_id: &UserId) {
        self.user = user_id.clone();
    }
}

impl World {
    /// A payment that was spent, and that the payer's bank takes back.
    pub fn charge_back(&mut self, user_id: &UserId, amount: &str) {
        let n = self.fresh().as_u128();
        let user = user_id.as_str();
        let spent = [
            format!("pay {user} debt-{n} {amount}"),
            format!("report debt-{n} debt-{n} paid"),
            format!("credit debt-{n}"),
            format!("adjust {user} spent-{n} -{amount}"),
            format!("dispute debt-{n} letter-{n} opened"),
        ];
        for line in spent {
            let row = self.rows(vec![line]);
            assert!(!row[0][1].contains(':'), "{row:?}");
        }
        self.is_about(user_id);
    }
}

fn view_of(outcome: &Result<Outcome, Rejection>) -> Option<UserView> {
    match outcome {
        Ok(
            Outcome::Operation { user, .. }
            | Outcome::Adjusted { user, .. }
            | Outcome::Granted { user, .. }
            | Outcome::Payment { user, .. },
        ) => Some(user.clone()),
        Ok(
            Outcome::PromoCode { .. }
            | Outcome::Prices { .. }
            | Outcome::Referred { .. }
            | Outcome::ReferralCode { .. }
            | Outcome::Swept { .. },
        )
        | Err(_) => None,
    }
}
