//! That what is found does not depend on how many operations are looked at together.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use migrations::{BillingMigrator, MigrateMode};
use sea_orm::ConnectionTrait;
use service_kit::db;
use uuid::Uuid;

use super::{LOT, Report, in_lots};
use crate::ledger::{
    Amount, Charge, Command, Kind, OperationId, Outcome, Policy, Price, ReferralRewards,
    RepeatRule, RequestId, Timestamp, UserId, UserLimits, decide, needs,
};
use crate::store::Store;

const POLICY: Policy = Policy {
    free_operations: 3,
    hold: Duration::from_secs(1800),
    referral: ReferralRewards { inviter_operations: 3, invitee_operations: 2 },
    repeated_invoice: RepeatRule::Refund,
    limits: UserLimits { open_holds: None, daily_spend: None },
};

async fn written(store: &Store, commands: &[Command]) -> Vec<Outcome> {
    let now = Timestamp::from_micros(service_kit::time::to_micros(SystemTime::now()));
    let transaction = store.begin().await.unwrap();
    let state = transaction.load(&needs(&POLICY, commands), now).await.unwrap();
    let decision = decide(&POLICY, state, commands, now);
    transaction.apply(&decision.changes).await.unwrap();
    transaction.commit().await.unwrap();
    decision.outcomes.into_iter().map(Result::unwrap).collect()
}

fn charge(user: &UserId, number: u32) -> Command {
    Command::Charge(Charge {
        user_id: user.clone(),
        request_id: RequestId::parse(format!("{user}-{number}")).unwrap(),
        operation_id: OperationId(Uuid::now_v7()),
        caller: "test".to_owned(),
        kind: Kind::parse("upscale").unwrap(),
        quantity: 1,
        max_price: None,
        hold: None,
        labels: BTreeMap::new(),
    })
}

#[tokio::test]
async fn lots_of_any_size_find_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("billing.db").display());
    let database = db::open(&url, 2).await.unwrap();
    migrations::prepare::<BillingMigrator>(&database.connection, MigrateMode::Auto).await.unwrap();
    let store = Store::new(database.connection.clone());
    let price = Price {
        kind: Kind::parse("upscale").unwrap(),
        amount: Amount::units(6),
        free_operations_allowed: false,
    };
    store.publish_prices(&[price]).await.unwrap();
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        let user = UserId::parse(name).unwrap();
        let mut commands = vec![Command::AdjustBalance {
            user_id: user.clone(),
            request_id: RequestId::parse(format!("{name}-money")).unwrap(),
            amount: Amount::units(600),
            reason: "a test".to_owned(),
            caller: "test".to_owned(),
        }];
        commands.extend((0..10).map(|number| charge(&user, number)));
        for (number, outcome) in written(&store, &commands).await.into_iter().enumerate() {
            let Outcome::Operation { operation, .. } = outcome else { continue };
            ids.push(operation.operation_id);
            if number % 3 == 0 {
                let end = Command::Complete {
                    user_id: operation.user_id,
                    operation_id: operation.operation_id,
                };
                written(&store, &[end]).await;
            }
        }
    }
    for lot in [1, 3, 10, LOT] {
        let report = in_lots(store.snapshot().await.unwrap(), lot).await.unwrap();
        assert!(report.is_clean(), "{lot}: {report}");
        // Money and sign-ups, charges, completions.
        assert_eq!((report.operations, report.entries), (30, 6 + 30 + 9), "{lot}");
    }

    // The first one of a lot, the last one, one in the middle; of the first user, of another.
    for lost in [ids[0], ids[2], ids[9], ids[14]] {
        let sql =
            format!("DELETE FROM operations WHERE operation_id = unhex('{}')", lost.0.simple());
        database.connection.execute_unprepared(&sql).await.unwrap();
    }
    let broken = format!(
        "UPDATE operations SET refunded = 1 WHERE operation_id = unhex('{}')",
        ids[20].0.simple()
    );
    database.connection.execute_unprepared(&broken).await.unwrap();
    let found = in_lots(store.snapshot().await.unwrap(), LOT).await.unwrap();
    assert!(found.violation_count > 4, "{found}");
    let told = |report: &Report| {
        let mut told: Vec<String> = report.violations.iter().map(ToString::to_string).collect();
        told.sort();
        told
    };
    for lot in [1, 2, 3, 10] {
        let report = in_lots(store.snapshot().await.unwrap(), lot).await.unwrap();
        assert_eq!(told(&report), told(&found), "{lot}");
    }
    database.connection.close().await.unwrap();
}
