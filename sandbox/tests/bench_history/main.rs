//! A past that was made by SQL is one that billing-svc could have written: it proves so itself, and goes on from there.
#![allow(clippy::expect_used, reason = "a test's helper fails by panicking")]

use std::collections::BTreeMap;

use anyhow::Result;
use proto::billing::v1::{ChargeRequest, OperationState, UserInfo, funding::Source};
use proto::google::r#type::Money;
use sandbox::bench::history::{Seed, seed};
use sandbox::system::{Addresses, Outside, Processes, Service, free_address};
use tempfile::TempDir;
use test_postgres::TestDatabase;

const USERS: u32 = 50;
const OPERATIONS: u64 = 3_003;

#[tokio::test]
async fn a_past_on_sqlite_is_a_true_one() -> Result<()> {
    let billing = Billing::migrated(None).await?;
    billing.lived_through(0).await
}

#[tokio::test]
async fn a_past_with_grants_on_sqlite_is_a_true_one() -> Result<()> {
    let billing = Billing::migrated(None).await?;
    billing.lived_through(20).await
}

#[tokio::test]
async fn a_past_on_postgresql_is_a_true_one() -> Result<()> {
    let database = TestDatabase::new().await;
    let billing = Billing::migrated(Some(database.url())).await?;
    billing.lived_through(0).await
}

#[tokio::test]
async fn a_past_with_grants_on_postgresql_is_a_true_one() -> Result<()> {
    let database = TestDatabase::new().await;
    let billing = Billing::migrated(Some(database.url())).await?;
    let before = indexes(&database.url()).await?;
    billing.lived_through(20).await?;
    assert_eq!(indexes(&database.url()).await?, before);
    Ok(())
}

#[tokio::test]
async fn somebodys_database_is_left_alone() -> Result<()> {
    let mut billing = Billing::migrated(None).await?;
    billing.processes.start(Service::Billing).await?;
    billing.processes.operator().adjust("tg:1", 5_000_000).await?;
    billing.processes.stop(Service::Billing).await?;

    let refused = seed(&billing.url, &Seed { users: 1, operations: 0, grants: 0 }).await;
    let why = refused.expect_err("users are there").to_string();
    assert!(why.contains("users has rows"), "{why}");
    billing.processes.start(Service::Billing).await?;
    assert_eq!(billing.processes.operator().user("bench:0").await?.version, 0);
    billing.processes.verify().await
}

#[tokio::test]
async fn a_database_in_use_is_left_alone() -> Result<()> {
    let database = TestDatabase::new().await;
    let billing = Billing::migrated(Some(database.url())).await?;
    let pool = sqlx::PgPool::connect(&billing.url).await?;
    let mut reader = pool.begin().await?;
    sqlx::query("SELECT user_id FROM users").fetch_all(&mut *reader).await?;

    let refused = seed(&billing.url, &Seed { users: 1, operations: 0, grants: 0 }).await;
    let why = refused.expect_err("a table is locked").to_string();
    assert!(why.contains("stop billing-svc"), "{why}");
    Ok(())
}

/// billing-svc by itself, and its database.
struct Billing {
    processes: Processes,
    url: String,
    // Removed after the process is gone.
    _folder: TempDir,
}

impl Billing {
    /// A database as the service leaves it that has just started for the first time; the service is stopped.
    async fn migrated(url: Option<String>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = format!("sqlite://{}?mode=rwc", folder.path().join("billing.db").display());
        let url = url.unwrap_or(file);
        let mut addresses = BTreeMap::new();
        for service in Service::ALL {
            addresses.insert(service, Addresses { grpc: free_address()?, http: free_address()? });
        }
        let outside = Outside {
            telegram_url: None,
            telegram_token: "1:token".into(),
            fal_url: None,
            fal_key: "".into(),
            yookassa: None,
            bank_url: None,
        };
        let settings = [("BILLING_DATABASE_URL", url.as_str()), ("BILLING_MIGRATE", "auto")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let mut processes =
            Processes::new(folder.path().to_owned(), addresses, outside, settings, false)?;
        processes.start(Service::Billing).await?;
        processes.stop(Service::Billing).await?;
        Ok(Self { processes, url, _folder: folder })
    }

    /// Seeds, and lives on: the same rules hold before and after.
    async fn lived_through(mut self, grants: u32) -> Result<()> {
        seed(&self.url, &Seed { users: USERS, operations: OPERATIONS, grants }).await?;
        self.processes.verify().await?;
        self.processes.start(Service::Billing).await?;
        let operator = self.processes.operator().clone();

        // 60 operations of 10 each; the first three users have one more.
        let (last, first) = (operator.user("bench:49").await?, operator.user("bench:2").await?);
        assert_eq!(micros(&last), [999_999_400_000_000, 0, 0]);
        assert_eq!(micros(&first), [999_999_390_000_000, 0, 0]);
        assert_eq!(last.version, 1 + 2 * 60 + i64::from(grants));
        let newest = operator.operations("bench:2").await?;
        assert_eq!(newest.len(), 50);
        assert!(newest.iter().all(|operation| operation.state() == OperationState::Completed));
        assert!(newest.is_sorted_by_key(|operation| std::cmp::Reverse(
            operation.create_time.expect("each has a time").seconds
        )));

        let request = ChargeRequest {
            request_id: "after-the-seeding".to_owned(),
            user_id: "bench:2".to_owned(),
            kind: "generate".to_owned(),
            ..Default::default()
        };
        let charged = self.processes.as_gateway().billing.charge(request).await?;
        let operation = charged.operation.expect("it was charged");
        let promotional = matches!(operation.funding[0].source, Some(Source::Promotional(_)));
        assert_eq!((operation.funding.len(), promotional), (1, grants > 0));
        self.processes.verify().await?;
        self.processes.stop(Service::Billing).await
    }
}

/// Own money, what is held, and free operations.
fn micros(user: &UserInfo) -> [i64; 3] {
    let micros = |money: &Option<Money>| {
        let money = money.as_ref().expect("each user has one");
        money.units * 1_000_000 + i64::from(money.nanos) / 1000
    };
    [micros(&user.paid_balance), micros(&user.held), user.free_operations_left]
}

async fn indexes(url: &str) -> Result<Vec<(String, String)>> {
    let pool = sqlx::PgPool::connect(url).await?;
    let indexes = "SELECT indexdef, coalesce(pg_get_constraintdef(c.oid), '') FROM pg_indexes
        LEFT JOIN pg_constraint c ON c.conindid = indexname::regclass
        WHERE schemaname = 'public' ORDER BY 1";
    Ok(sqlx::query_as(indexes).fetch_all(&pool).await?)
}
