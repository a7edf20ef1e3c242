//! A store and a committer on a database, and what is asked of them again and again.

use std::collections::BTreeMap;
use std::time::Duration;

use billing_svc::committer::{Committer, Settings, SubmitError};
use billing_svc::ledger::*;
use billing_svc::store::Store;
use billing_svc::verify;
use service_kit::db::Db;
use uuid::Uuid;

use crate::harness::Database;

pub const POLICY: Policy = Policy {
    free_operations: 3,
    hold: Duration::from_secs(1800),
    referral: ReferralRewards { inviter_operations: 3, invitee_operations: 2 },
    repeated_invoice: RepeatRule::Refund,
    limits: UserLimits { open_holds: None, daily_spend: None },
};

/// One instance of the service, without its transport.
pub struct Books {
    pub database: Db,
    pub store: Store,
    pub committer: Committer,
}

impl Books {
    pub async fn open(database: &Database) -> Self {
        let lanes = if database.url().starts_with("sqlite:") { 1 } else { 4 };
        Self::with(database, Settings { lanes, queue: 1000, batch: 100 }).await
    }

    pub async fn with(database: &Database, settings: Settings) -> Self {
        Self::start(database.open().await, POLICY, settings).await
    }

    /// With these rules and so many connections.
    pub async fn of(database: &Database, policy: Policy, connections: u32) -> Self {
        let lanes = if database.url().starts_with("sqlite:") { 1 } else { 4 };
        let settings = Settings { lanes, queue: 1000, batch: 100 };
        Self::start(database.open_with(connections).await, policy, settings).await
    }

    async fn start(database: Db, policy: Policy, settings: Settings) -> Self {
        let store = Store::new(database.connection.clone());
        store.publish_prices(&prices()).await.unwrap();
        let (committer, _) = Committer::start(store.clone(), policy, settings);
        Self { database, store, committer }
    }

    pub async fn ask(&self, command: Command) -> Result<Result<Outcome, Rejection>, SubmitError> {
        self.committer.submit(command, None).await
    }

    /// Gives a user money of their own.
    pub async fn top_up(&self, user: &UserId, units: i64) {
        let command = top_up(user, &format!("top-up-{}", Uuid::now_v7()), units);
        self.ask(command).await.unwrap().unwrap();
    }

    /// A charge that is neither refused nor lost.
    pub async fn charge(&self, user: &UserId, request: &str) -> Operation {
        operation(self.ask(charge(user, request)).await.unwrap())
    }

    pub async fn view(&self, user: &UserId) -> UserView {
        let views = self.store.user_views(std::slice::from_ref(user), &POLICY, now()).await;
        views.unwrap().remove(0)
    }

    /// Stops it and proves the invariants.
    pub async fn prove(self) {
        self.committer.close().await;
        let report = verify::run(&self.database.connection).await.unwrap();
        assert!(report.is_clean(), "{report}");
        self.database.connection.close().await.unwrap();
    }
}

pub fn now() -> Timestamp {
    Timestamp::from_micros(service_kit::time::to_micros(std::time::SystemTime::now()))
}

pub fn prices() -> Vec<Price> {
    let price = |kind: &str, units, free_operations_allowed| Price {
        kind: Kind::parse(kind).unwrap(),
        amount: Amount::units(units),
        free_operations_allowed,
    };
    vec![price("generate", 10, true), price("upscale", 6, false), price("gift", 0, false)]
}

pub fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

pub fn request(id: &str) -> RequestId {
    RequestId::parse(id).unwrap()
}

/// One `upscale`: 6 units of money, no free operations.
pub fn charge(user: &UserId, request_id: &str) -> Command {
    Command::Charge(Charge {
        user_id: user.clone(),
        request_id: request(request_id),
        operation_id: OperationId(Uuid::now_v7()),
        caller: "test".to_owned(),
        kind: Kind::parse("upscale").unwrap(),
        quantity: 1,
        max_price: None,
        hold: None,
        labels: BTreeMap::new(),
    })
}

pub fn top_up(user: &UserId, request_id: &str, units: i64) -> Command {
    Command::AdjustBalance {
        user_id: user.clone(),
        request_id: request(request_id),
        amount: Amount::units(units),
        reason: "a test".to_owned(),
        caller: "test".to_owned(),
    }
}

pub fn refund(operation: &Operation) -> Command {
    Command::Refund {
        user_id: operation.user_id.clone(),
        operation_id: operation.operation_id,
        reason: RefundReason::JobFailed,
        comment: String::new(),
        amount: None,
        right: RefundRight::AnyCharged,
    }
}

pub fn complete(operation: &Operation) -> Command {
    Command::Complete { user_id: operation.user_id.clone(), operation_id: operation.operation_id }
}

pub fn operation(outcome: Result<Outcome, Rejection>) -> Operation {
    match outcome {
        Ok(Outcome::Operation { operation, .. }) => operation,
        other => panic!("no operation: {other:?}"),
    }
}
