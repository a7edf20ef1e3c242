//! The table of jobs, the same on SQLite and on PostgreSQL.

use std::time::Duration;

use image_worker::clock::Time;
use image_worker::jobs::{
    FailReason, Held, Job, Jobs, Kind, Phase, Prompt, ReplyTo, Spec, Submitted,
};
use migrations::{MigrateMode, WorkerMigrator};
use sea_orm::ConnectionTrait;
use service_kit::db::{self, Db};
use test_postgres::TestDatabase;

use crate::harness::new_id;

const LEASE: Duration = Duration::from_secs(60);

async fn prepared(url: &str) -> Db {
    let db = db::open(url, 8).await.unwrap();
    migrations::prepare::<WorkerMigrator>(&db.connection, MigrateMode::Auto).await.unwrap();
    db
}

fn jobs(db: &Db, owner: &str) -> Jobs {
    Jobs::new(db.connection.clone(), owner.to_owned(), 100)
}

fn job(user_id: &str) -> Job {
    let spec = Spec {
        user_id: user_id.to_owned(),
        kind: Kind::Generate,
        prompt: Prompt("a cat".to_owned()),
        input_ids: Vec::new(),
        options: Default::default(),
        reply_to: ReplyTo { chat_id: 1, message_id: 0, locale: "ru".to_owned() },
    };
    Job::new(new_id(), spec, Time::now())
}

/// Each fact on a database of its own, of both kinds.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite://{}/images.db?mode=rwc", folder.path().display());
                super::$name(super::prepared(&url).await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test] async fn $name() {
                let database = super::TestDatabase::new().await;
                let db = super::prepared(&database.url()).await;
                super::$name(db).await;
            })*
        }
    };
}

on_both!(
    a_job_is_what_was_stored,
    a_stale_lease_changes_nothing,
    one_of_two_gets_a_job_to_call_off,
    what_was_begun_cannot_be_called_off,
    waiting_jobs_are_woken_by_user,
    each_return_is_told_from_the_one_before,
    who_was_woken_is_not_put_off,
    jobs_that_nobody_started_are_found,
);

async fn a_job_is_what_was_stored(db: Db) {
    let jobs = jobs(&db, "one");
    let mut taken = job("tg:1");
    assert!(matches!(jobs.submit(&taken).await.unwrap(), Submitted::Taken(_)));
    let claimed = jobs.claim(10, LEASE).await.unwrap();
    let [(leased, found)] = &claimed[..] else { panic!("{claimed:?}") };
    assert_eq!(*found, taken);
    taken.phase = Phase::Refunding { reason: FailReason::TimedOut };
    assert_eq!(jobs.save(leased, &taken).await.unwrap(), Held::Yes);
    assert_eq!(jobs.get(&taken.operation_id).await.unwrap().unwrap().job, taken);
    taken.phase = Phase::Failed { reason: FailReason::TimedOut };
    assert_eq!(jobs.finish(leased, &taken).await.unwrap(), Held::Yes);
    assert!(jobs.get(&taken.operation_id).await.unwrap().unwrap().ended());
    assert!(jobs.claim(10, LEASE).await.unwrap().is_empty());
}

async fn a_stale_lease_changes_nothing(db: Db) {
    let (one, two) = (jobs(&db, "one"), jobs(&db, "two"));
    let mut taken = job("tg:1");
    one.submit(&taken).await.unwrap();
    let (stale, _) = one.claim(1, Duration::ZERO).await.unwrap().remove(0);
    let (fresh, _) = two.claim(1, LEASE).await.unwrap().remove(0);
    taken.phase = Phase::Succeeded;
    assert_eq!(one.extend(&stale, LEASE).await.unwrap(), Held::Lost);
    assert_eq!(one.save(&stale, &taken).await.unwrap(), Held::Lost);
    assert_eq!(one.reschedule(&stale, &taken, Time::now()).await.unwrap(), Held::Lost);
    assert_eq!(one.finish(&stale, &taken).await.unwrap(), Held::Lost);
    let row = two.get(&taken.operation_id).await.unwrap().unwrap();
    assert_eq!(row.job.phase, Phase::Queued);
    assert_eq!(two.save(&fresh, &taken).await.unwrap(), Held::Yes);
}

async fn one_of_two_gets_a_job_to_call_off(db: Db) {
    let (one, two) = (jobs(&db, "one"), jobs(&db, "two"));
    for _ in 0..20 {
        let taken = job("tg:1");
        one.submit(&taken).await.unwrap();
        let (run, call_off) =
            tokio::join!(one.claim(1, LEASE), two.claim_queued(&taken.operation_id, LEASE));
        let (run, call_off) = (run.unwrap(), call_off.unwrap());
        let winners = run.len() + usize::from(call_off.is_some());
        assert_eq!(winners, 1);
        let (leased, found) = run.into_iter().chain(call_off).next().unwrap();
        assert_eq!(one.finish(&leased, &found).await.unwrap(), Held::Yes);
    }
}

async fn what_was_begun_cannot_be_called_off(db: Db) {
    let jobs = jobs(&db, "one");
    let mut taken = job("tg:1");
    jobs.submit(&taken).await.unwrap();
    let (leased, _) = jobs.claim(1, LEASE).await.unwrap().remove(0);
    assert!(jobs.claim_queued(&taken.operation_id, LEASE).await.unwrap().is_none());
    taken.phase = Phase::Completing;
    let later = Time::now().plus(LEASE);
    assert_eq!(jobs.reschedule(&leased, &taken, later).await.unwrap(), Held::Yes);
    assert!(jobs.claim_queued(&taken.operation_id, LEASE).await.unwrap().is_none());
    assert!(jobs.claim_queued(&new_id(), LEASE).await.unwrap().is_none());
}

async fn waiting_jobs_are_woken_by_user(db: Db) {
    let jobs = jobs(&db, "one");
    let week = Time::now().plus(Duration::from_secs(7 * 24 * 3600));
    for user in ["tg:1", "tg:1", "tg:2"] {
        jobs.submit(&job(user)).await.unwrap();
    }
    for (leased, mut waiting) in jobs.claim(3, LEASE).await.unwrap() {
        waiting.phase = Phase::Waiting { since: Time::now() };
        jobs.note_waiting(&waiting).await.unwrap();
        jobs.note_waiting(&waiting).await.unwrap();
        assert_eq!(jobs.reschedule(&leased, &waiting, week).await.unwrap(), Held::Yes);
    }
    assert!(jobs.claim(3, LEASE).await.unwrap().is_empty());
    assert_eq!(jobs.wake_waiting("tg:3").await.unwrap(), 0);
    assert_eq!(jobs.wake_waiting("tg:1").await.unwrap(), 2);
    let woken = jobs.claim(3, LEASE).await.unwrap();
    assert_eq!(woken.len(), 2);
    for (_, job) in &woken {
        assert_eq!(job.spec.user_id, "tg:1");
        jobs.forget_waiting(&job.operation_id).await.unwrap();
    }
    assert_eq!(jobs.wake_waiting("tg:1").await.unwrap(), 0);
}

async fn each_return_is_told_from_the_one_before(db: Db) {
    let jobs = jobs(&db, "one");
    let mut notes = vec![jobs.last_return("tg:1").await.unwrap()];
    assert_eq!(notes[0], None);
    // Faster than a clock may tick.
    for _ in 0..10 {
        jobs.wake_waiting("tg:1").await.unwrap();
        notes.push(jobs.last_return("tg:1").await.unwrap());
    }
    assert!(notes.is_sorted_by(|before, after| before < after), "{notes:?}");
    // As another worker would, whose clock is an hour ahead.
    let ahead = "UPDATE returned SET return_time = return_time + 3600000000";
    db.connection.execute_unprepared(ahead).await.unwrap();
    let before = jobs.last_return("tg:1").await.unwrap();
    jobs.wake_waiting("tg:1").await.unwrap();
    let after = jobs.last_return("tg:1").await.unwrap();
    assert!(after > before);
    assert_eq!(jobs.last_return("tg:2").await.unwrap(), None);

    let kept = after.unwrap();
    assert_eq!(jobs.forget_returns(kept).await.unwrap(), 0);
    assert_eq!(jobs.forget_returns(kept.plus(Duration::from_secs(1))).await.unwrap(), 1);
    assert_eq!(jobs.last_return("tg:1").await.unwrap(), None);
}

async fn who_was_woken_is_not_put_off(db: Db) {
    let jobs = jobs(&db, "one");
    let (soon, later) = (Time::now().plus(LEASE), Time::now().plus(LEASE * 60));
    let waiting = job("tg:1");
    let id = &waiting.operation_id;
    jobs.submit(&waiting).await.unwrap();
    let (leased, _) = jobs.claim(1, LEASE).await.unwrap().remove(0);
    assert!(!jobs.wake(id).await.unwrap(), "an attempt is under way");
    assert_eq!(jobs.reschedule(&leased, &waiting, soon).await.unwrap(), Held::Yes);
    assert!(jobs.wake(id).await.unwrap());
    jobs.put_off(&leased, soon, later).await.unwrap();
    let (again, _) = jobs.claim(1, LEASE).await.unwrap().remove(0);

    // A worker that was late puts nothing off that another one gave back.
    assert_eq!(jobs.reschedule(&again, &waiting, soon).await.unwrap(), Held::Yes);
    let due = |at: Time| {
        let jobs = jobs.clone();
        async move { jobs.load(at).await.unwrap().due }
    };
    jobs.put_off(&leased, soon, later).await.unwrap();
    assert_eq!(due(soon).await, 1);
    jobs.put_off(&again, soon, later).await.unwrap();
    assert_eq!((due(soon).await, due(later).await), (0, 1));
    assert!(jobs.wake(id).await.unwrap());
    assert_eq!(jobs.claim(1, LEASE).await.unwrap().len(), 1);
}

async fn jobs_that_nobody_started_are_found(db: Db) {
    let jobs = jobs(&db, "one");
    let (begun, waits) = (job("tg:1"), job("tg:1"));
    jobs.submit(&begun).await.unwrap();
    let (leased, _) = jobs.claim(1, LEASE).await.unwrap().remove(0);
    assert_eq!(jobs.reschedule(&leased, &begun, Time::now()).await.unwrap(), Held::Yes);
    jobs.submit(&waits).await.unwrap();
    let future = Time::now().plus(LEASE);
    assert_eq!(jobs.never_started(future, 10).await.unwrap(), [waits.operation_id]);
    assert!(jobs.never_started(Time(0), 10).await.unwrap().is_empty());
}
