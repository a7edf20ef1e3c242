//! Two replicas of billing-svc on one PostgreSQL, restarted in turn under charges that never stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use proto::billing::v1::{
    ChargeRequest, CompleteRequest, ListOperationsRequest, OperationState, RefundReason,
    RefundRequest,
};
use proto::client::{BillingClient, ClientConfig};
use sandbox::system::{ADMIN_TOKEN, Instance, Service, System};
use secrecy::SecretString;
use test_postgres::TestDatabase;
use tokio::task::JoinSet;

/// Users who are charged side by side, each for one thing after the other.
const USERS: u64 = 12;
/// Operations that are done before the next step is taken: the load goes on in each state of the roll-out.
const STEP: u64 = 60;
/// Each user stops there in any case.
const MOST: u64 = 20_000;
/// The price of one.
const PRICE: i64 = 10_000_000;
const RICHES: i64 = 1_000_000_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn restarting_replicas_in_turn_fails_no_charge_and_doubles_none() -> Result<()> {
    let mut replicas = Replicas::start().await?;
    let load = Load::start(&replicas).await?;
    for _ in 0..3 {
        replicas.system.stop(Service::Billing).await?;
        load.goes_on().await?;
        replicas.system.start(Service::Billing).await?;
        load.goes_on().await?;

        let (other, at) = replicas.take_other()?;
        other.stop().await?;
        load.goes_on().await?;
        replicas.other = Some(replicas.system.start_another_at(Service::Billing, at).await?);
        load.goes_on().await?;
    }
    load.end(&replicas).await
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_replicas_in_turn_fails_no_charge_and_doubles_none() -> Result<()> {
    let mut replicas = Replicas::start().await?;
    let load = Load::start(&replicas).await?;
    for _ in 0..2 {
        replicas.system.kill(Service::Billing).await?;
        load.goes_on().await?;
        replicas.system.start(Service::Billing).await?;
        load.goes_on().await?;

        let (other, at) = replicas.take_other()?;
        other.kill().await?;
        load.goes_on().await?;
        replicas.other = Some(replicas.system.start_another_at(Service::Billing, at).await?);
        load.goes_on().await?;
    }
    load.end(&replicas).await
}

/// Two instances of billing-svc, one of them the system's.
struct Replicas {
    other: Option<Instance>,
    urls: String,
    system: System,
    _database: TestDatabase,
}

impl Replicas {
    async fn start() -> Result<Self> {
        let database = TestDatabase::new().await;
        let system = System::builder()
            .setting("BILLING_DATABASE_URL", database.url())
            .setting("BILLING_MIGRATE", "auto")
            .setting("BILLING_FREE_OPERATIONS", "0")
            .start()
            .await?;
        let other = system.start_another(Service::Billing).await?;
        let first = system.processes().address(Service::Billing)?.grpc;
        let urls = format!("http://{first},http://{}", other.addresses().grpc);
        Ok(Self { other: Some(other), urls, system, _database: database })
    }

    fn take_other(&mut self) -> Result<(Instance, sandbox::system::Addresses)> {
        let other = self.other.take().context("it runs")?;
        let at = other.addresses();
        Ok((other, at))
    }
}

/// Charges that go on until they are told to end; the first that fails ends the test.
struct Load {
    users: JoinSet<Result<(String, u64)>>,
    client: BillingClient,
    done: Arc<AtomicU64>,
    enough: Arc<AtomicBool>,
}

impl Load {
    async fn start(replicas: &Replicas) -> Result<Self> {
        // As a service has it: its own retries, its own deadline.
        let file = replicas.system.processes().folder().join(ADMIN_TOKEN);
        let token = SecretString::from(std::fs::read_to_string(file)?.trim());
        let client = BillingClient::new(&ClientConfig::new(&replicas.urls, Some(token)))?;
        let (done, enough) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let mut users = JoinSet::new();
        for number in 0..USERS {
            let user = format!("tg:{number}");
            replicas.system.billing().adjust(&user, RICHES).await?;
            let (client, done, enough) = (client.clone(), done.clone(), enough.clone());
            users.spawn(async move {
                let mut count = 0;
                while !enough.load(Ordering::Relaxed) && count < MOST {
                    one(&client, &user, count).await?;
                    count += 1;
                    done.fetch_add(1, Ordering::Relaxed);
                }
                Ok((user, count))
            });
        }
        let load = Self { users, client, done, enough };
        load.goes_on().await?;
        Ok(load)
    }

    /// Some more operations came to their end.
    async fn goes_on(&self) -> Result<()> {
        let until = self.done.load(Ordering::Relaxed) + STEP;
        let more = async {
            while self.done.load(Ordering::Relaxed) < until {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), more).await.context("the load stands still")
    }

    /// No call failed; each request is one operation, and each came to its own end; the money is what it must be.
    async fn end(self, replicas: &Replicas) -> Result<()> {
        self.enough.store(true, Ordering::Relaxed);
        for ended in self.users.join_all().await {
            let (user, count) = ended?;
            ensure!(count < MOST, "{user} was done before the test was");
            let states = states(&self.client, &user).await?;
            let of = |state| states.iter().filter(|&&one| one == state).count() as u64;
            let (completed, refunded) = (count.div_ceil(2), count / 2);
            ensure!(of(OperationState::Completed) == completed, "{user}: {states:?}");
            ensure!(of(OperationState::Refunded) == refunded, "{user}: {states:?}");
            ensure!(states.len() as u64 == count, "{user}: {} of {count}", states.len());
            let has = replicas.system.billing().user(&user).await?;
            let paid = PRICE * i64::try_from(completed)?;
            let balance = proto::money::to_micros(&has.paid_balance.context("a balance")?, "RUB")?;
            ensure!(balance == RICHES - paid, "{user} has {balance}");
        }
        replicas.system.verify().await
    }
}

/// One operation, completed or refunded by turns. A reply that was lost comes again as a replay.
async fn one(client: &BillingClient, user: &str, number: u64) -> Result<()> {
    let request = ChargeRequest {
        request_id: format!("{user}-{number}"),
        user_id: user.to_owned(),
        kind: "generate".to_owned(),
        ..ChargeRequest::default()
    };
    let charged = client.charge(request).await.with_context(|| format!("charge {number}"))?;
    let operation_id = charged.operation.context("an operation")?.operation_id;
    if number.is_multiple_of(2) {
        let completed = client.complete(CompleteRequest { operation_id }).await;
        completed.map(drop).with_context(|| format!("complete {number}"))
    } else {
        let request = RefundRequest {
            operation_id,
            reason: RefundReason::JobFailed.into(),
            ..RefundRequest::default()
        };
        client.refund(request).await.map(drop).with_context(|| format!("refund {number}"))
    }
}

/// The states of all operations of a user.
async fn states(client: &BillingClient, user: &str) -> Result<Vec<OperationState>> {
    let mut states = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListOperationsRequest {
            user_id: user.to_owned(),
            page_size: 100,
            page_token,
            ..ListOperationsRequest::default()
        };
        let page = client.list_operations(request).await?;
        states.extend(page.operations.iter().map(|operation| operation.state()));
        if page.next_page_token.is_empty() {
            return Ok(states);
        }
        page_token = page.next_page_token;
    }
}
