//! What would let the tables spread over many servers by user: transactions and keys name users.
//!
//! `docs/performance.md` tells operators of it; the exceptions are named there.

use std::collections::{BTreeMap, BTreeSet};

use billing_svc::committer::lane_of;
use billing_svc::ledger::*;
use billing_svc::server::LANES;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use crate::bank::Bank;
use crate::books::*;
use crate::harness::Database;
use crate::random::Asker;
use crate::varied_load;

/// Tables without a user in front, and why.
const NO_USERS: [(&str, &str); 8] = [
    ("event_consumers", "one row for each consumer"),
    ("event_position", "one row"),
    ("notifications", "about a provider's payment; whose that is turns out later; pruned"),
    ("price_lists", "grows by a row when prices change"),
    ("prices", "likewise"),
    ("promo_codes", "what administrators make; each counts the redemptions of all"),
    ("provider_cursors", "one row for each provider"),
    ("seaql_migrations", "one row for each change of the schema"),
];

/// What must be unique among all users, by an index that names none.
const GLOBALLY_UNIQUE: [&str; 11] = [
    "admin_requests_request_id",
    "events_position",
    "operations_archive_operation_id",
    "operations_archive_request_id",
    "operations_operation_id",
    "operations_request_id",
    "payment_refunds_payment_id_provider_refund_id_key",
    "payments_payment_id",
    "payments_provider_payment_id",
    "payments_request_id",
    "referral_codes_code_key",
];

/// Records whose rows each transaction writes.
const WATCH: &str = r#"
    CREATE TABLE touched (transaction text, "table" text, user_id text, other text);
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        changed jsonb := CASE TG_OP WHEN 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
    BEGIN
        INSERT INTO touched VALUES
            (pg_current_xact_id()::text, TG_TABLE_NAME, changed->>'user_id', changed->>'inviter');
        RETURN NULL;
    END $$;
    DO $$
    DECLARE watched text;
    BEGIN
        FOR watched IN SELECT tablename FROM pg_tables
            WHERE schemaname = 'public' AND tablename NOT IN ('touched', 'seaql_migrations')
        LOOP
            EXECUTE format('CREATE TRIGGER touch AFTER INSERT OR UPDATE OR DELETE ON %I
                FOR EACH ROW EXECUTE FUNCTION touch()', watched);
        END LOOP;
    END $$"#;

/// What one transaction wrote.
#[derive(Debug, Default)]
struct Touched {
    tables: BTreeSet<String>,
    users: BTreeSet<String>,
    /// Who was invited, and by whom.
    pairs: BTreeSet<[String; 2]>,
}

impl Touched {
    /// Lanes that could have written it: each user that is in no pair is of this lane, and one of each pair.
    fn lanes(&self) -> Vec<usize> {
        let of = |name: &String| lane_of(&user(name), LANES);
        let paired: BTreeSet<&String> = self.pairs.iter().flatten().collect();
        let fits = |lane: &usize| {
            self.users.iter().filter(|user| !paired.contains(user)).all(|user| of(user) == *lane)
                && self.pairs.iter().all(|pair| pair.iter().any(|user| of(user) == *lane))
        };
        (0..LANES).filter(fits).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_transaction_writes_rows_of_users_of_one_lane() {
    let database = Database::postgres().await;
    let bank = Bank::open().await;
    // An audit reads everything, and when is chance.
    let service = bank.service_with(database.url(), &["--audit-interval", "0s"]).await;
    let connection = sea_orm::Database::connect(database.url()).await.unwrap();
    connection.execute_unprepared(WATCH).await.unwrap();
    varied_load::run(&service, &bank, database.url()).await;
    service.finish().await;

    let (mut shared, mut lanes, mut paired) = (0, BTreeSet::new(), 0);
    for (transaction, touched) in what_was_touched(&connection).await {
        // Gives events of all users out, in one order.
        if touched.tables.contains("event_position") || touched.users.is_empty() {
            continue;
        }
        let of = touched.lanes();
        assert!(!of.is_empty(), "{transaction} is of no lane: {touched:?}");
        shared += usize::from(touched.users.len() > 1);
        paired += usize::from(!touched.pairs.is_empty());
        lanes.extend(of);
    }
    assert!(shared > 0, "no batch of several users");
    assert!(paired > 0, "no batch of a pair");
    assert_eq!(lanes.len(), LANES, "all lanes had something to do");
    connection.close().await.unwrap();
}

async fn what_was_touched(connection: &DatabaseConnection) -> BTreeMap<String, Touched> {
    let mut transactions: BTreeMap<String, Touched> = BTreeMap::new();
    for row in
        select(connection, r#"SELECT transaction, "table", user_id, other FROM touched"#).await
    {
        let text = |column| row.try_get::<Option<String>>("", column).unwrap();
        let touched = transactions.entry(text("transaction").unwrap()).or_default();
        touched.tables.extend(text("table"));
        // A request of an administrator that is about nobody has an empty one.
        let user = text("user_id").filter(|user| !user.is_empty());
        touched.users.extend(user.clone());
        if let (Some(user), Some(inviter)) = (user, text("other")) {
            touched.users.insert(inviter.clone());
            touched.pairs.insert([user, inviter]);
        }
    }
    transactions
}

async fn select(connection: &DatabaseConnection, sql: &str) -> Vec<sea_orm::QueryResult> {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    connection.query_all_raw(statement).await.unwrap()
}

/// What a command locks and reads is its user's; an invitation and its reward are about two.
#[test]
fn a_command_needs_one_user() {
    let mut asker = Asker::new(3);
    let mut seen = BTreeSet::new();
    for _ in 0..300 {
        for command in asker.batch(now()) {
            seen.insert(command.name());
            let mut others = match &command {
                Command::AcceptReferral { inviter: other, .. }
                | Command::RewardReferral { invitee: other, .. } => BTreeSet::from([other.clone()]),
                _ => BTreeSet::new(),
            };
            others.retain(|user| Some(user) != command.user_id());
            let mut users = needs(&POLICY, [&command]).users;
            users.retain(|user| Some(user) != command.user_id());
            assert_eq!(users, others, "{command:?}");
        }
    }
    assert!(seen.len() > 12, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_that_grows_is_keyed_by_user_and_what_is_unique_beyond_is_named() {
    let database = Database::postgres().await;
    let connection = database.open().await.connection.clone();
    let indexes = "SELECT t.relname AS table, i.relname AS index, x.indisprimary AS main, a.attname AS first,
            EXISTS (SELECT 1 FROM pg_attribute u WHERE u.attrelid = t.oid AND u.attname = 'user_id'
                AND u.attnum = ANY (x.indkey)) AS names_user
        FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
        WHERE t.relnamespace = 'public'::regnamespace AND x.indisunique
        ORDER BY index";
    let (mut keyed, mut global) = (0, Vec::new());
    for row in select(&connection, indexes).await {
        let text = |column| row.try_get::<String>("", column).unwrap();
        let table = text("table");
        let is = |column| row.try_get::<bool>("", column).unwrap();
        if NO_USERS.iter().any(|(name, _)| *name == table) {
            continue;
        }
        if is("main") {
            assert_eq!(text("first"), "user_id", "the primary key of {table}");
            keyed += 1;
        } else if !is("names_user") {
            global.push(text("index"));
        }
    }
    assert_eq!(global, GLOBALLY_UNIQUE);
    assert!(keyed >= 11, "{keyed} tables are keyed by user");
    let counted = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(
        select(&connection, counted).await.len(),
        keyed + NO_USERS.len(),
        "every table has a key"
    );

    let text = include_str!("../../../docs/performance.md");
    let names = GLOBALLY_UNIQUE.into_iter().chain(NO_USERS.map(|(table, _)| table));
    for name in names {
        assert!(text.contains(&format!("`{name}`")), "docs/performance.md does not tell of {name}");
    }
}
