//! The rows of paid requests, on SQLite and on PostgreSQL.

use std::time::{Duration, SystemTime};

use bot_gateway::store::{
    Claim, DeliveryLease, Intent, NewRequest, RequestState, Store, UserSettings,
};
use futures::future::join_all;
use migrations::{GatewayMigrator, MigrateMode};
use serde_json::json;
use service_kit::db::{self, Db};
use tempfile::TempDir;
use test_postgres::TestDatabase;
use uuid::Uuid;

struct Tables {
    store: Store,
    _db: Db,
    _keep: (Option<TempDir>, Option<TestDatabase>),
}

async fn sqlite() -> Tables {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("gateway.db").display());
    tables(&url, (Some(folder), None)).await
}

async fn postgres() -> Tables {
    let database = TestDatabase::new().await;
    tables(&database.url(), (None, Some(database))).await
}

async fn tables(url: &str, keep: (Option<TempDir>, Option<TestDatabase>)) -> Tables {
    let db = db::open(url, 8).await.unwrap();
    migrations::prepare::<GatewayMigrator>(&db.connection, MigrateMode::Auto).await.unwrap();
    Tables { store: Store::new(db.connection.clone()), _db: db, _keep: keep }
}

const LEASE: Duration = Duration::from_secs(60);

fn request(id: &str) -> NewRequest {
    NewRequest {
        request_id: id.to_owned(),
        chat_id: -1_001_234_567_890,
        user_id: "tg:7".to_owned(),
        kind: "merge".to_owned(),
        prompt: "два кота 'в' \"шляпе\"; --".to_owned(),
        file_ids: vec!["first".to_owned(), "second".to_owned()],
        options: [("style".to_owned(), "oil".to_owned())].into(),
        locale: "ru".to_owned(),
    }
}

async fn charged(store: &Store, id: &str) -> String {
    let operation = Uuid::now_v7().to_string();
    store.insert_request(&request(id)).await.unwrap();
    store.set_operation(id, &operation).await.unwrap();
    operation
}

async fn claim(store: &Store, operation: &str) -> Option<(DeliveryLease, Option<Intent>)> {
    match store.claim_delivery(operation, LEASE).await.unwrap().unwrap() {
        Claim::Taken { lease, intent, .. } => Some((lease, intent)),
        Claim::Busy | Claim::Ended(_) => None,
    }
}

async fn a_request_is_inserted_once_and_kept_whole(Tables { store, .. }: &Tables) {
    let first = store.insert_request(&request("a")).await.unwrap();
    let mut other = request("a");
    other.prompt = "another".to_owned();
    assert_eq!(store.insert_request(&other).await.unwrap(), first);
    assert_eq!(first.file_ids, ["first", "second"]);
    assert_eq!(first.prompt, request("a").prompt);
    assert_eq!(first.state, RequestState::Charging);
    store.set_operation("a", "op").await.unwrap();
    store.set_message("a", 41).await.unwrap();
    store.hand_over("a").await.unwrap();
    let found = store.request("op").await.unwrap().unwrap();
    assert_eq!((found.message_id, found.state), (Some(41), RequestState::HandedOver));
    assert_eq!(store.running(first.chat_id).await.unwrap(), std::slice::from_ref(&found));
    assert_eq!(store.recent(first.chat_id, 5).await.unwrap(), [found]);
    assert_eq!(store.request("none").await.unwrap(), None);
}

async fn one_of_many_takes_a_delivery(Tables { store, .. }: &Tables) {
    let operation = charged(store, "b").await;
    let claims = join_all((0..8).map(|_| claim(store, &operation))).await;
    assert_eq!(claims.iter().flatten().count(), 1);
}

async fn who_comes_after_a_crash_knows_what_was_begun(Tables { store, .. }: &Tables) {
    let operation = charged(store, "c").await;
    let claimed = store.claim_delivery(&operation, Duration::ZERO).await.unwrap();
    let Some(Claim::Taken { lease: old, intent: None, .. }) = claimed else {
        panic!("{claimed:?}")
    };
    assert!(store.note_intent(&old, Some(Intent::Send)).await.unwrap());
    let (new, intent) = claim(store, &operation).await.unwrap();
    assert_eq!(intent, Some(Intent::Send));
    // The one that was thought dead can't write any more.
    assert!(!store.keep_sent(&old, &["file".to_owned()]).await.unwrap());
    assert!(!store.end_delivery(&old, RequestState::Delivered).await.unwrap());
    assert!(!store.extend_delivery(&old, LEASE).await.unwrap());
    assert!(store.keep_sent(&new, &["file".to_owned()]).await.unwrap());
    assert!(store.end_delivery(&new, RequestState::Delivered).await.unwrap());
    let ended = store.request(&operation).await.unwrap().unwrap();
    assert_eq!(
        (ended.state, ended.result_file_ids),
        (RequestState::Delivered, vec!["file".to_owned()])
    );
    assert!(claim(store, &operation).await.is_none());
}

async fn either_it_is_delivered_or_it_is_abandoned(Tables { store, .. }: &Tables) {
    let operation = charged(store, "d").await;
    let (lease, _) = claim(store, &operation).await.unwrap();
    assert!(!store.abandon("d").await.unwrap(), "abandoned while it is being sent");
    // Let go, but begun: still not to be refunded by the gateway.
    assert!(store.release_delivery(&lease).await.unwrap());
    assert!(!store.abandon("d").await.unwrap());

    let other = charged(store, "e").await;
    assert!(store.abandon("e").await.unwrap());
    assert!(store.abandon("e").await.unwrap(), "the second try of the same decision");
    let claimed = store.claim_delivery(&other, LEASE).await.unwrap();
    assert!(matches!(claimed, Some(Claim::Ended(RequestState::Abandoned))), "{claimed:?}");
    store.hand_over("e").await.unwrap();
    assert_eq!(store.request(&other).await.unwrap().unwrap().state, RequestState::Abandoned);
}

async fn an_unknown_operation_is_adopted_once(Tables { store, .. }: &Tables) {
    let operation = Uuid::now_v7().to_string();
    assert!(store.claim_delivery(&operation, LEASE).await.unwrap().is_none());
    store.adopt_operation(&operation, 5, Some(6), "en").await.unwrap();
    store.adopt_operation(&operation, 7, None, "ru").await.unwrap();
    let adopted = store.request(&operation).await.unwrap().unwrap();
    assert_eq!((adopted.chat_id, adopted.message_id, adopted.locale.as_str()), (5, Some(6), "en"));
}

async fn one_gateway_keeps_a_message_alive(Tables { store, .. }: &Tables) {
    let operation = charged(store, "f").await;
    store.hand_over("f").await.unwrap();
    let now = SystemTime::now() + Duration::from_secs(1);
    let due = store.due_progress(now, 10).await.unwrap();
    let due = due.iter().find(|due| due.request.request_id == "f").unwrap();
    let (next, busy) = (now + Duration::from_secs(5), now + Duration::from_secs(30));
    assert!(store.claim_progress(due, now, next, 1, busy).await.unwrap());
    assert!(!store.claim_progress(due, now, next, 1, busy).await.unwrap(), "taken twice");
    assert!(store.progress_busy_until("f").await.unwrap().is_some());
    store.end_progress("f").await.unwrap();
    assert_eq!(store.progress_busy_until("f").await.unwrap(), None);
    // Once the end is on its way there is nothing to keep alive.
    claim(store, &operation).await.unwrap();
    let later = now + Duration::from_secs(60);
    assert!(
        store
            .due_progress(later, 10)
            .await
            .unwrap()
            .iter()
            .all(|due| due.request.request_id != "f")
    );
    assert!(!store.claim_progress(due, later, later, 2, later).await.unwrap());
}

async fn dialogues_and_settings_are_kept(Tables { store, .. }: &Tables) {
    assert_eq!(store.dialogue(1).await.unwrap(), None);
    for state in [json!({"step": "prompt"}), json!({"step": "photo", "kind": "правка"})] {
        store.save_dialogue(1, "tg:1", &state).await.unwrap();
        assert_eq!(store.dialogue(1).await.unwrap(), Some(state));
    }
    store.clear_dialogue(1).await.unwrap();
    assert_eq!(store.dialogue(1).await.unwrap(), None);

    assert_eq!(store.user_settings("tg:1").await.unwrap(), UserSettings::default());
    for settings in [
        UserSettings {
            locale: Some("en".to_owned()),
            ask_before_charge: true,
            ..UserSettings::default()
        },
        UserSettings::default(),
    ] {
        store.save_user_settings("tg:1", &settings).await.unwrap();
        assert_eq!(store.user_settings("tg:1").await.unwrap(), settings);
    }
}

async fn what_ended_long_ago_is_pruned(Tables { store, .. }: &Tables) {
    charged(store, "g").await;
    charged(store, "h").await;
    assert!(store.abandon("h").await.unwrap());
    store.prune(SystemTime::now()).await.unwrap();
    assert!(store.request_by_id("h").await.unwrap().is_some());
    store.prune(SystemTime::now() + Duration::from_secs(91 * 24 * 3600)).await.unwrap();
    assert!(store.request_by_id("h").await.unwrap().is_none());
    assert!(store.request_by_id("g").await.unwrap().is_some(), "one that has not ended was pruned");
}

macro_rules! on_both {
    ($($fact:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test] async fn $fact() { super::$fact(&super::sqlite().await).await })+
        }
        mod on_postgres {
            $(#[tokio::test] async fn $fact() { super::$fact(&super::postgres().await).await })+
        }
    };
}

on_both!(
    a_request_is_inserted_once_and_kept_whole,
    one_of_many_takes_a_delivery,
    who_comes_after_a_crash_knows_what_was_begun,
    either_it_is_delivered_or_it_is_abandoned,
    an_unknown_operation_is_adopted_once,
    one_gateway_keeps_a_message_alive,
    dialogues_and_settings_are_kept,
    what_ended_long_ago_is_pruned,
);
