//! The stream of events: at least once, each user's in order, from where the consumer was.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proto::billing::v1::event::Body;
use proto::billing::v1::*;
use tonic::{Code, Streaming};

use crate::harness::Database;
use crate::refusals::{Why, bad, because, why};
use crate::service::{Client, Service, promo, rub, sql};

on_all!(
    what_happened_is_told_with_what_it_was_about,
    a_consumer_goes_on_where_it_acknowledged,
    an_acknowledgement_never_goes_back,
    watchers_of_one_name_each_get_everything,
    a_watcher_that_does_not_read_holds_nobody_up,
    draining_ends_every_watch,
    a_stream_is_never_silent_for_long,
    events_refuse_each_bad_field,
);

on_postgres!(instances_tell_everything_in_order_while_users_are_charged_on_all_of_them);

type Stream = Streaming<WatchEventsResponse>;

pub async fn watch(client: &Client, consumer: &str, after: Option<i64>) -> Stream {
    let request = WatchEventsRequest { consumer: consumer.to_owned(), after };
    client.events().watch_events(request).await.unwrap().into_inner()
}

/// The next event, whatever heartbeats come before it.
pub async fn next(stream: &mut Stream) -> Event {
    let waiting = async {
        loop {
            let message = stream.message().await.unwrap().unwrap();
            match message.event {
                Some(event) => return event,
                None => assert!(message.heartbeat),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap()
}

async fn next_ones(stream: &mut Stream, count: usize) -> Vec<Event> {
    let mut events = Vec::with_capacity(count);
    while events.len() < count {
        events.push(next(stream).await);
    }
    events
}

fn positions(events: &[Event]) -> Vec<i64> {
    events.iter().map(|event| event.position).collect()
}

async fn ack(service: &Service, position: i64) -> i64 {
    let request = AckEventsRequest { consumer: "gateway".to_owned(), position };
    service.events().ack_events(request).await.unwrap().into_inner().position
}

/// As many events of the user.
async fn happen(service: &Service, user: &str, count: usize) {
    for n in 0..count {
        service.grant(promo(&format!("{user}-{n}"), user, 1)).await;
    }
}

async fn what_happened_is_told_with_what_it_was_about(database: Database) {
    let service = Service::start(database.url()).await;
    let grant = service.grant(promo("promo", "tg:1", 4)).await;
    let refunded = service.charge("2", "tg:1", "upscale").await;
    service.refund(&refunded).await;
    let expired = service.charge("3", "tg:1", "upscale").await;
    sql(
        database.url(),
        "UPDATE operations SET expire_time = 1700000000000000 WHERE request_id = '3'",
    )
    .await;
    service.until(&expired, OperationState::Refunded).await;
    let block = SetStandingRequest {
        request_id: "block".to_owned(),
        user_id: "tg:1".to_owned(),
        standing: Standing::Blocked.into(),
        reason: "test".to_owned(),
    };
    service.admin().set_standing(block).await.unwrap();

    let events = next_ones(&mut watch(&service, "test", None).await, 4).await;
    for (event, sequence) in events.iter().zip(1..) {
        assert_eq!((event.user_id.as_str(), event.sequence), ("tg:1", sequence));
        assert!(event.create_time.is_some());
    }
    let settled = |operation: &Operation, reason: RefundReason| OperationSettled {
        operation_id: operation.operation_id.clone(),
        kind: "upscale".to_owned(),
        refunded: Some(rub(0)),
        free_operations: 1,
        reason: reason.into(),
    };
    let bodies: Vec<_> = events.into_iter().map(|event| event.body.unwrap()).collect();
    let expected = [
        Body::GrantGiven(GrantGiven { grant: Some(grant), cause: GiftCause::Admin.into() }),
        Body::OperationRefunded(settled(&refunded, RefundReason::JobFailed)),
        Body::OperationExpired(settled(&expired, RefundReason::Expired)),
        Body::StandingChanged(StandingChanged {
            from: Standing::Good.into(),
            to: Standing::Blocked.into(),
            paid_balance: Some(rub(0)),
        }),
    ];
    assert_eq!(bodies, expected);
    service.finish().await;
}

async fn a_consumer_goes_on_where_it_acknowledged(database: Database) {
    let service = Service::start(database.url()).await;
    happen(&service, "tg:1", 6).await;
    let mut stream = watch(&service, "gateway", None).await;
    let events = next_ones(&mut stream, 4).await;
    assert_eq!(ack(&service, events[1].position).await, events[1].position);
    // Another consumer knows nothing of that.
    assert_eq!(next(&mut watch(&service, "another", None).await).await, events[0]);
    drop(stream);
    service.stop().await;

    // What was seen and not acknowledged comes again, then what was never seen.
    let service = Service::start(database.url()).await;
    let rest = next_ones(&mut watch(&service, "gateway", None).await, 4).await;
    assert_eq!(rest[..2], events[2..]);
    assert_eq!(rest[3].sequence, 6);
    // Whoever wants to begin elsewhere says so.
    let all = next_ones(&mut watch(&service, "gateway", Some(0)).await, 6).await;
    assert_eq!(all[..4], events[..]);
    let last = Some(all[4].position);
    assert_eq!(next(&mut watch(&service, "gateway", last).await).await, all[5]);

    // And what happens now comes by itself.
    let mut stream = watch(&service, "gateway", Some(all[5].position)).await;
    happen(&service, "tg:2", 1).await;
    let new = next(&mut stream).await;
    assert_eq!((new.user_id.as_str(), new.sequence), ("tg:2", 1));
    assert!(new.position > all[5].position);
    service.finish().await;
}

async fn an_acknowledgement_never_goes_back(database: Database) {
    let service = Service::start(database.url()).await;
    happen(&service, "tg:1", 3).await;
    let events = next_ones(&mut watch(&service, "gateway", None).await, 3).await;
    assert_eq!(ack(&service, 0).await, 0);
    let positions = positions(&events);
    assert_eq!(ack(&service, positions[1]).await, positions[1]);
    assert_eq!(ack(&service, positions[0]).await, positions[1]);
    assert_eq!(ack(&service, positions[1]).await, positions[1]);
    assert_eq!(next(&mut watch(&service, "gateway", None).await).await, events[2]);
    // What was not given out can't have been dealt with.
    let request = AckEventsRequest { consumer: "gateway".to_owned(), position: positions[2] + 1 };
    assert_eq!(why(service.events().ack_events(request).await), bad("position"));
    // Many at once end at the highest.
    let acks = positions.iter().map(|position| ack(&service, *position));
    futures::future::join_all(acks).await;
    assert_eq!(ack(&service, 0).await, positions[2]);
    service.finish().await;
}

async fn watchers_of_one_name_each_get_everything(database: Database) {
    let service = Service::start(database.url()).await;
    let (mut one, mut two) =
        (watch(&service, "gateway", None).await, watch(&service, "gateway", None).await);
    happen(&service, "tg:1", 5).await;
    let first = next_ones(&mut one, 5).await;
    ack(&service, first[4].position).await;
    assert_eq!(next_ones(&mut two, 5).await, first);
    service.finish().await;
}

async fn a_watcher_that_does_not_read_holds_nobody_up(database: Database) {
    let service = Service::start(database.url()).await;
    let mut slow = watch(&service, "slow", None).await;
    let gone = watch(&service, "gone", None).await;
    drop(gone);
    // More than one read of the database brings.
    let users: Vec<String> = (0..10).map(|n| format!("tg:{n}")).collect();
    futures::future::join_all(users.iter().map(|user| happen(&service, user, 25))).await;
    let fast = next_ones(&mut watch(&service, "fast", None).await, 250).await;
    assert!(fast.is_sorted_by(|a, b| a.position < b.position));
    assert_eq!(next_ones(&mut slow, 250).await, fast);
    service.finish().await;
}

async fn draining_ends_every_watch(database: Database) {
    let service = Service::start(database.url()).await;
    happen(&service, "tg:1", 1).await;
    let (mut idle, mut fresh) =
        (watch(&service, "idle", None).await, watch(&service, "fresh", Some(0)).await);
    next(&mut idle).await;
    service.ask_to_stop();
    let shutting_down = Why { retry: true, ..because(Code::Unavailable, "STORE_UNAVAILABLE", &[]) };
    for stream in [&mut idle, &mut fresh] {
        let end = async {
            loop {
                if let Err(status) = stream.message().await {
                    return status;
                }
            }
        };
        let status = tokio::time::timeout(Duration::from_secs(10), end).await.unwrap();
        assert_eq!(why(Err::<tonic::Response<()>, _>(status)), shutting_down);
    }
    // The server does not wait for them until it cuts them off.
    tokio::time::timeout(Duration::from_secs(10), service.finish()).await.unwrap();
}

async fn a_stream_is_never_silent_for_long(database: Database) {
    let service = Service::start(database.url()).await;
    let mut stream = watch(&service, "gateway", None).await;
    let heard = tokio::time::timeout(Duration::from_secs(30), stream.message()).await.unwrap();
    assert_eq!(heard.unwrap(), Some(WatchEventsResponse { event: None, heartbeat: true }));
    happen(&service, "tg:1", 1).await;
    assert_eq!(next(&mut stream).await.sequence, 1);
    service.finish().await;
}

async fn events_refuse_each_bad_field(database: Database) {
    let service = Service::start(database.url()).await;
    let mut events = service.events();
    for consumer in ["", "Gateway", "the gateway", "шлюз", "a\0", &"c".repeat(65)] {
        let consumer = consumer.to_owned();
        let request = WatchEventsRequest { consumer: consumer.clone(), after: None };
        assert_eq!(why(events.watch_events(request).await), bad("consumer"));
        let request = AckEventsRequest { consumer, position: 0 };
        assert_eq!(why(events.ack_events(request).await), bad("consumer"));
    }
    let request = WatchEventsRequest { consumer: "c".repeat(64), after: Some(-1) };
    assert_eq!(why(events.watch_events(request).await), bad("after"));
    for position in [-1, 1, i64::MAX] {
        let request = AckEventsRequest { consumer: "gateway".to_owned(), position };
        assert_eq!(why(events.ack_events(request).await), bad("position"));
    }
    service.finish().await;
}

/// Several instances on one PostgreSQL: whoever wrote it and wherever it is watched.
async fn instances_tell_everything_in_order_while_users_are_charged_on_all_of_them(
    database: Database,
) {
    const USERS: usize = 6;
    const EACH: usize = 12;
    let (one, two) = (Service::start(database.url()).await, Service::start(database.url()).await);
    let mut streams = [watch(&one, "of-one", None).await, watch(&two, "of-two", None).await];
    let work = (0..USERS).map(|n| {
        let user = format!("tg:{n}");
        let (charging, refunding) = if n % 2 == 0 { (&one, &two) } else { (&two, &one) };
        async move {
            let mut refunded = Vec::new();
            for n in 0..EACH {
                let operation = charging.charge(&format!("{user}-{n}"), &user, "generate").await;
                refunding.refund(&operation).await;
                refunded.push(operation.operation_id);
            }
            (user, refunded)
        }
    });
    let done: BTreeMap<String, Vec<String>> =
        futures::future::join_all(work).await.into_iter().collect();

    let mut told = Vec::new();
    for stream in &mut streams {
        let events = next_ones(stream, USERS * EACH).await;
        assert!(events.is_sorted_by(|a, b| a.position < b.position));
        let mut of_users: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for event in &events {
            let Some(Body::OperationRefunded(settled)) = &event.body else { panic!("{event:?}") };
            let of_user = of_users.entry(event.user_id.clone()).or_default();
            of_user.push(settled.operation_id.clone());
            assert_eq!(event.sequence, of_user.len() as i64, "in order, and none twice");
        }
        assert_eq!(of_users, done, "all of it");
        told.push(events);
    }
    assert_eq!(told[0], told[1]);
    let unique: BTreeSet<_> = told[0].iter().map(|event| event.position).collect();
    assert_eq!(unique.len(), USERS * EACH);
    drop(streams);
    two.stop().await;
    one.finish().await;
}
