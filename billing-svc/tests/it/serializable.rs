//! Three instances, one hot user, and transactions that see nothing of others: races are lost all the time, and no
//! caller hears of one.
//!
//! The instances are processes: what each of them counts is nobody else's. So these tests prove that the tests named
//! `serializable::…` meet what they are for.

use billing_svc::verify;
use futures::future::join_all;
use proto::billing::v1::*;

use crate::harness::Database;
use crate::program::Program;
use crate::service::charge_request;

const INSTANCES: usize = 3;
/// Callers of each instance, who each wait for an answer before they ask again.
const CALLERS: usize = 6;
/// How often each asks for a charge, and ends it.
const ROUNDS: usize = 8;
const USER: &str = "tg:1";

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_user_of_three_instances_where_all_is_serializable() {
    contend("serializable").await;
}

/// What YugabyteDB may make of READ COMMITTED.
#[tokio::test(flavor = "multi_thread")]
async fn a_hot_user_of_three_instances_on_snapshots() {
    contend("repeatable read").await;
}

async fn contend(level: &str) {
    let database = Database::isolated(level).await;
    let mut instances = Vec::new();
    for _ in 0..INSTANCES {
        instances.push(Program::start(&database, &["--free-operations", "2"]).await);
    }
    let charges = INSTANCES * CALLERS * ROUNDS;
    let money = i64::try_from(charges).unwrap() * 10;
    instances[0].client.top_up(USER, money).await;

    let callers = instances.iter().enumerate().flat_map(|(instance, program)| {
        (0..CALLERS).map(move |caller| call(program, format!("{instance}-{caller}")))
    });
    let completed: usize = join_all(callers).await.into_iter().sum();

    let user = instances[1].client.user(USER).await;
    // Two of the charges that were given back may have been the free ones; what was completed cost something, or was free.
    let paid = user.paid_balance.unwrap();
    let free = 2 - usize::try_from(user.free_operations_left).unwrap();
    let spent = i64::try_from(completed - free).unwrap() * 10;
    assert_eq!((paid.units, paid.nanos), (money - spent, 0), "{completed} completed, {free} free");
    assert_eq!(user.held.unwrap_or_default().units, 0);

    let mut lost = 0.0;
    for program in &instances {
        let retries = r#"billing_transaction_retries_total{transaction="batch",cause="lost_race"}"#;
        lost += program.value(retries).await.unwrap();
        let failed = r#"billing_transactions_total{transaction="batch",end="unknown"}"#;
        assert_eq!(program.value(failed).await, Some(0.0));
    }
    assert!(lost > 0.0, "no race was lost: this proves nothing");
    for program in instances {
        program.stop().await;
    }
    let database = service_kit::db::open_read_only(database.url()).await.unwrap();
    let report = verify::run(&database.connection).await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(
        usize::try_from(report.operations).unwrap(),
        charges,
        "each request is one operation"
    );
    database.connection.close().await.unwrap();
}

/// Charges, and completes every other one; answers how many. Any answer but the one that is asked for is a panic.
async fn call(program: &Program, name: String) -> usize {
    let client = &program.client;
    let mut completed = 0;
    for round in 0..ROUNDS {
        let request = charge_request(&format!("{name}-{round}"), USER, "generate");
        let ChargeResponse { operation, replayed, .. } = client.charge_with(request.clone()).await;
        let operation = operation.unwrap();
        assert!(!replayed, "nobody else asked for it");
        if round % 2 == 0 {
            client.complete(&operation).await;
            completed += 1;
        } else {
            client.refund(&operation).await;
        }
        assert!(client.charge_with(request).await.replayed);
    }
    completed
}
