//! The leased queue, the same facts on both databases.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use sea_orm::ConnectionTrait;
use sea_orm_migration::SchemaManager;
use serde_json::{Value, json};
use service_kit::{
    db::Db,
    queue::{Counts, End, Enqueued, Held, Leased, Queue, RowState},
};

use crate::place::{Place, on_both};

const MINUTE: Duration = Duration::from_secs(60);
/// A lease that has run out as soon as it is given.
const NO_TIME: Duration = Duration::ZERO;

on_both! {
    two_owners_never_claim_the_same_row
    rows_of_a_key_are_handled_in_order_and_one_at_a_time_by_a_crowd
    a_lost_lease_writes_nothing
    what_was_saved_is_what_the_next_owner_finds
    a_key_waits_for_its_row_between_two_attempts
    a_delayed_row_that_was_never_attempted_holds_up_nothing
    a_row_whose_owner_died_comes_before_an_earlier_one_of_its_key
    rows_without_a_key_do_not_wait_for_each_other
    the_same_id_twice_is_one_row
    waking_makes_a_row_due_and_tells_the_waiting
    an_ended_row_stays_as_it_is_and_frees_its_key
    only_old_done_rows_are_pruned
    a_great_many_done_rows_are_pruned
    an_extended_lease_is_not_claimed
    only_a_process_that_is_alone_takes_over_what_is_leased
    the_oldest_is_what_has_waited_longest_to_be_over
}

/// A queue and the database it lives in.
struct Bench {
    db: Db,
    queue: Queue,
}

async fn bench(place: &Place) -> Bench {
    let db = place.open().await;
    let manager = SchemaManager::new(&db.connection);
    let table = migrations::queue_table("jobs");
    table.up(&manager).await.unwrap();
    table.add_trace_context(&manager).await.unwrap();
    let queue = Queue::new(db.connection.clone(), "jobs", "first".to_owned());
    Bench { db, queue }
}

impl Bench {
    fn owner(&self, name: &str) -> Queue {
        Queue::new(self.db.connection.clone(), "jobs", name.to_owned())
    }

    async fn add(&self, id: &str, key: Option<&str>) {
        let added = self.queue.enqueue(id, key, &json!({ "id": id }), None).await.unwrap();
        assert_eq!(added, Enqueued::New);
    }

    async fn claim_one(&self, lease: Duration) -> Leased {
        let mut claimed = self.queue.claim(1, lease).await.unwrap();
        assert_eq!(claimed.len(), 1);
        claimed.remove(0)
    }

    /// The ids that a claim of everything answers, in its order.
    async fn claim_ids(&self) -> Vec<String> {
        let claimed = self.queue.claim(100, MINUTE).await.unwrap();
        claimed.into_iter().map(|row| row.id).collect()
    }

    async fn done(&self, leased: &Leased) {
        let held = self.queue.finish(leased, End::Done, &leased.payload).await.unwrap();
        assert_eq!(held, Held::Yes);
    }
}

fn in_an_hour() -> SystemTime {
    SystemTime::now() + 60 * MINUTE
}

async fn two_owners_never_claim_the_same_row(place: Place) {
    const ROWS: usize = 120;
    let bench = bench(&place).await;
    for number in 0..ROWS {
        bench.add(&format!("row-{number:03}"), None).await;
    }
    let mut owners = tokio::task::JoinSet::new();
    for name in ["a", "b", "c", "d"] {
        let queue = bench.owner(name);
        owners.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claimed = queue.claim(7, MINUTE).await.unwrap();
                if claimed.is_empty() {
                    return mine;
                }
                mine.extend(claimed);
            }
        });
    }
    let all = owners.join_all().await.concat();
    let ids: BTreeSet<&str> = all.iter().map(|row| row.id.as_str()).collect();
    assert_eq!((all.len(), ids.len()), (ROWS, ROWS));
    assert!(all.iter().all(|row| row.attempt == 1 && row.fence == 1));
}

async fn rows_of_a_key_are_handled_in_order_and_one_at_a_time_by_a_crowd(place: Place) {
    const KEYS: usize = 4;
    const EACH: usize = 15;
    let bench = bench(&place).await;
    for number in 0..EACH {
        for key in 0..KEYS {
            bench.add(&format!("{key}-{number:02}"), Some(&format!("key-{key}"))).await;
        }
    }
    let working: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let handled: Arc<Mutex<BTreeMap<String, Vec<String>>>> = Arc::default();
    let mut owners = tokio::task::JoinSet::new();
    for name in ["a", "b", "c", "d"] {
        let (queue, working, handled) = (bench.owner(name), working.clone(), handled.clone());
        owners.spawn(async move {
            while handled.lock().unwrap().values().map(Vec::len).sum::<usize>() < KEYS * EACH {
                for row in queue.claim(3, MINUTE).await.unwrap() {
                    let key = row.key.clone().unwrap();
                    assert!(
                        working.lock().unwrap().insert(key.clone()),
                        "two rows of {key} at once"
                    );
                    // Some come back once, as after a failure: the key waits for them.
                    if row.attempt == 1 && row.id.ends_with('3') {
                        working.lock().unwrap().remove(&key);
                        let now = SystemTime::now();
                        assert_eq!(
                            queue.reschedule(&row, now, &row.payload, false).await.unwrap(),
                            Held::Yes
                        );
                        continue;
                    }
                    handled.lock().unwrap().entry(key.clone()).or_default().push(row.id.clone());
                    working.lock().unwrap().remove(&key);
                    assert_eq!(
                        queue.finish(&row, End::Done, &row.payload).await.unwrap(),
                        Held::Yes
                    );
                }
            }
        });
    }
    owners.join_all().await;
    for (key, ids) in handled.lock().unwrap().iter() {
        assert!(ids.is_sorted(), "{key}: {ids:?}");
        assert_eq!(ids.len(), EACH);
    }
}

async fn a_lost_lease_writes_nothing(place: Place) {
    let bench = bench(&place).await;
    bench.add("row", Some("key")).await;
    let lost = bench.claim_one(NO_TIME).await;
    let held = bench.claim_one(MINUTE).await;
    assert_eq!((lost.fence, lost.attempt), (1, 1));
    assert_eq!((held.fence, held.attempt), (2, 2));

    let before = bench.queue.get("row").await.unwrap();
    let other = json!("of the one who lost it");
    assert_eq!(bench.queue.extend(&lost, MINUTE).await.unwrap(), Held::Lost);
    assert_eq!(bench.queue.save(&lost, &other).await.unwrap(), Held::Lost);
    let now = SystemTime::now();
    assert_eq!(bench.queue.reschedule(&lost, now, &other, true).await.unwrap(), Held::Lost);
    assert_eq!(bench.queue.finish(&lost, End::Dead, &other).await.unwrap(), Held::Lost);
    assert_eq!(bench.queue.get("row").await.unwrap(), before);

    bench.done(&held).await;
}

async fn what_was_saved_is_what_the_next_owner_finds(place: Place) {
    let bench = bench(&place).await;
    bench.add("row", None).await;
    let first = bench.claim_one(NO_TIME).await;
    assert_eq!(first.payload, json!({ "id": "row" }));
    let progress = json!({ "request": "почти «готово» \u{1f3a8} \0", "n": i64::MAX });
    assert_eq!(bench.queue.save(&first, &progress).await.unwrap(), Held::Yes);
    assert_eq!(bench.claim_one(MINUTE).await.payload, progress);
}

async fn a_key_waits_for_its_row_between_two_attempts(place: Place) {
    let bench = bench(&place).await;
    bench.add("one", Some("key")).await;
    bench.add("two", Some("key")).await;
    bench.add("other", Some("other key")).await;
    let one = bench.claim_one(MINUTE).await;
    assert_eq!(one.id, "one");
    assert_eq!(bench.claim_ids().await, ["other"]);

    let payload = json!("try again");
    assert_eq!(
        bench.queue.reschedule(&one, in_an_hour(), &payload, false).await.unwrap(),
        Held::Yes
    );
    assert!(bench.claim_ids().await.is_empty(), "two must wait for one");
    assert!(bench.queue.wake("one").await.unwrap());
    let again = bench.claim_one(MINUTE).await;
    assert_eq!((again.id.as_str(), again.attempt, &again.payload), ("one", 2, &payload));

    // Its attempts forgotten, it waits without holding up the others.
    assert_eq!(
        bench.queue.reschedule(&again, in_an_hour(), &payload, true).await.unwrap(),
        Held::Yes
    );
    assert_eq!(bench.claim_ids().await, ["two"]);
    assert_eq!(bench.queue.get("one").await.unwrap().unwrap().attempt, 0);
}

async fn a_delayed_row_that_was_never_attempted_holds_up_nothing(place: Place) {
    let bench = bench(&place).await;
    let later = Some(in_an_hour());
    bench.queue.enqueue("later", Some("key"), &Value::Null, later).await.unwrap();
    bench.add("now", Some("key")).await;
    let now = bench.claim_one(MINUTE).await;
    assert_eq!(now.id, "now");
    assert!(bench.queue.wake("later").await.unwrap());
    assert!(bench.claim_ids().await.is_empty(), "one row of a key at a time");
    bench.done(&now).await;
    assert_eq!(bench.claim_ids().await, ["later"]);
}

async fn a_row_whose_owner_died_comes_before_an_earlier_one_of_its_key(place: Place) {
    let bench = bench(&place).await;
    let later = Some(in_an_hour());
    bench.queue.enqueue("later", Some("key"), &Value::Null, later).await.unwrap();
    bench.add("now", Some("key")).await;
    bench.claim_one(NO_TIME).await;
    bench.queue.wake("later").await.unwrap();
    let now = bench.claim_one(MINUTE).await;
    assert_eq!((now.id.as_str(), now.attempt, now.fence), ("now", 2, 2));
    bench.done(&now).await;
    assert_eq!(bench.claim_ids().await, ["later"]);
}

async fn rows_without_a_key_do_not_wait_for_each_other(place: Place) {
    let bench = bench(&place).await;
    for id in ["c", "a", "b"] {
        bench.add(id, None).await;
    }
    assert_eq!(bench.claim_one(MINUTE).await.id, "c");
    assert_eq!(bench.claim_ids().await, ["a", "b"], "by arrival");
    assert!(bench.queue.claim(0, MINUTE).await.unwrap().is_empty());
}

async fn the_same_id_twice_is_one_row(place: Place) {
    let bench = bench(&place).await;
    bench.add("row", Some("key")).await;
    let again = bench.queue.enqueue("row", None, &json!("other"), None).await.unwrap();
    assert_eq!(again, Enqueued::Existing);
    let row = bench.queue.get("row").await.unwrap().unwrap();
    assert_eq!((row.key.as_deref(), row.payload), (Some("key"), json!({ "id": "row" })));

    let mut at_once = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let queue = bench.queue.clone();
        at_once
            .spawn(async move { queue.enqueue("crowd", None, &Value::Null, None).await.unwrap() });
    }
    let answers = at_once.join_all().await;
    assert_eq!(answers.iter().filter(|answer| **answer == Enqueued::New).count(), 1);
    assert_eq!(bench.queue.count().await.unwrap(), Counts { ready: 2, ..Counts::default() });
}

async fn waking_makes_a_row_due_and_tells_the_waiting(place: Place) {
    let bench = bench(&place).await;
    bench.queue.enqueue("row", None, &Value::Null, Some(in_an_hour())).await.unwrap();
    bench.queue.notified().await;
    assert!(bench.claim_ids().await.is_empty());

    let waiting = bench.queue.clone();
    let told = tokio::spawn(async move { waiting.notified().await });
    assert!(bench.queue.wake("row").await.unwrap());
    told.await.unwrap();
    assert_eq!(bench.claim_ids().await, ["row"]);
    assert!(!bench.queue.wake("row").await.unwrap(), "it is leased");
    assert!(!bench.queue.wake("nobody").await.unwrap());
}

async fn an_ended_row_stays_as_it_is_and_frees_its_key(place: Place) {
    let bench = bench(&place).await;
    for id in ["dead", "done", "next"] {
        bench.add(id, Some("key")).await;
    }
    let dead = bench.claim_one(MINUTE).await;
    assert_eq!(bench.queue.finish(&dead, End::Dead, &json!("why")).await.unwrap(), Held::Yes);
    let done = bench.claim_one(MINUTE).await;
    assert_eq!(done.id, "done");
    bench.done(&done).await;
    assert_eq!(bench.queue.finish(&done, End::Dead, &json!("no")).await.unwrap(), Held::Lost);
    assert_eq!(bench.claim_ids().await, ["next"]);

    let row = bench.queue.get("dead").await.unwrap().unwrap();
    assert_eq!((row.state, row.payload, row.owner), (RowState::Dead, json!("why"), None));
    let counts = Counts { ready: 0, leased: 1, done: 1, dead: 1 };
    assert_eq!(bench.queue.count().await.unwrap(), counts);
    assert_eq!(bench.queue.get("nobody").await.unwrap(), None);
}

async fn only_old_done_rows_are_pruned(place: Place) {
    let bench = bench(&place).await;
    let ends =
        HashMap::from([("done", Some(End::Done)), ("dead", Some(End::Dead)), ("ready", None)]);
    for (id, end) in ends {
        bench.add(id, None).await;
        if let Some(end) = end {
            let row = bench.claim_one(MINUTE).await;
            assert_eq!(bench.queue.finish(&row, end, &row.payload).await.unwrap(), Held::Yes);
        } else {
            let row = bench.claim_one(MINUTE).await;
            assert_eq!(
                bench.queue.reschedule(&row, in_an_hour(), &row.payload, true).await.unwrap(),
                Held::Yes
            );
        }
    }
    let long_ago = SystemTime::now() - 60 * MINUTE;
    assert_eq!(bench.queue.prune(long_ago).await.unwrap(), 0);
    assert_eq!(bench.queue.prune(in_an_hour()).await.unwrap(), 1);
    assert_eq!(
        bench.queue.count().await.unwrap(),
        Counts { ready: 1, dead: 1, ..Counts::default() }
    );
}

async fn a_great_many_done_rows_are_pruned(place: Place) {
    let bench = bench(&place).await;
    let fill = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2500)
        INSERT INTO jobs (id, state, fence, attempt, run_at, payload, create_time, update_time)
        SELECT 'row-' || n, 'done', 1, 1, 0, 'null', 0, 0 FROM numbers";
    bench.db.connection.execute_unprepared(fill).await.unwrap();
    assert_eq!(bench.queue.prune(SystemTime::now()).await.unwrap(), 2500);
    assert_eq!(bench.queue.count().await.unwrap(), Counts::default());
}

async fn an_extended_lease_is_not_claimed(place: Place) {
    let bench = bench(&place).await;
    bench.add("row", None).await;
    let row = bench.claim_one(NO_TIME).await;
    assert_eq!(bench.queue.extend(&row, MINUTE).await.unwrap(), Held::Yes);
    assert!(bench.claim_ids().await.is_empty());
    let kept = bench.queue.get("row").await.unwrap().unwrap();
    assert!(kept.lease_until.unwrap() > row.lease_until);
    assert_eq!((kept.owner.as_deref(), kept.state), (Some("first"), RowState::Leased));
}

async fn only_a_process_that_is_alone_takes_over_what_is_leased(place: Place) {
    let bench = bench(&place).await;
    bench.add("a", None).await;
    let died = bench.queue.claim(1, MINUTE).await.unwrap();
    let next = bench.owner("next");
    next.take_over().await.unwrap();
    let taken = next.claim(1, MINUTE).await.unwrap();
    if place.url.starts_with("sqlite:") {
        assert_eq!(taken.len(), 1, "the file's lock proves that the first owner is dead");
        let held = bench.queue.save(&died[0], &json!({})).await.unwrap();
        assert_eq!(held, Held::Lost, "and its fence is stale");
    } else {
        assert!(taken.is_empty(), "the first owner may live in another process");
    }
}

async fn the_oldest_is_what_has_waited_longest_to_be_over(place: Place) {
    let bench = bench(&place).await;
    let is_ten_minutes =
        async || (10 * MINUTE..11 * MINUTE).contains(&bench.queue.oldest().await.unwrap());
    assert_eq!(bench.queue.oldest().await.unwrap(), Duration::ZERO, "there is none");
    let payload = json!({});
    bench.queue.enqueue("put off", None, &payload, Some(in_an_hour())).await.unwrap();
    assert_eq!(
        bench.queue.oldest().await.unwrap(),
        Duration::ZERO,
        "what is put off does not wait yet"
    );

    bench.add("old", None).await;
    let aged = "UPDATE jobs SET create_time = create_time - 600000000, run_at = run_at - 600000000
                WHERE id = 'old'";
    bench.db.connection.execute_unprepared(aged).await.unwrap();
    bench.add("new", None).await;
    assert!(is_ten_minutes().await, "it waits");
    let old = bench.claim_one(MINUTE).await;
    assert_eq!(old.id, "old");
    assert!(is_ten_minutes().await, "it is worked on");
    let held = bench.queue.reschedule(&old, in_an_hour(), &payload, false).await.unwrap();
    assert_eq!(held, Held::Yes);
    assert!(is_ten_minutes().await, "it is between two attempts");

    assert!(bench.queue.wake("old").await.unwrap());
    for leased in bench.queue.claim(2, MINUTE).await.unwrap() {
        bench.done(&leased).await;
    }
    assert_eq!(bench.queue.oldest().await.unwrap(), Duration::ZERO, "both are over");
}
