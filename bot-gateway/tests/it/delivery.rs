//! `DeliveryService`: the end of a job reaches the user, once.

use bot_gateway::store::{NewRequest, Store};
use bytes::Bytes;
use futures::future::join_all;
use proto::gateway::v1::{
    DeliverResultRequest, DeliveryStatus, Failure as JobFailure, ReplyTo, Result as Pictures,
    deliver_result_request::Outcome,
};
use sandbox::telegram::Failure;
use service_kit::db::Db;
use sha2::{Digest, Sha256};
use tonic::Code;
use uuid::Uuid;

use crate::harness::{PNG, World, pictures, result};

#[tokio::test]
async fn however_often_it_is_asked_the_picture_comes_once() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let user = world.telegram.user(1);
    for message_id in [world.message_of_the_bot(&user).await, 0] {
        let before = pictures(&user);
        let operation = world.operation(1);
        let asked =
            join_all((0..8).map(|_| gateway.deliver(&operation, &user, message_id, 1))).await;
        for answer in asked {
            assert_eq!(answer.unwrap(), DeliveryStatus::Delivered);
        }
        assert_eq!(
            gateway.deliver(&operation, &user, message_id, 1).await.unwrap(),
            DeliveryStatus::Delivered
        );
        assert_eq!(pictures(&user), before + 1);
    }
    let photos = user.sees_photos(2).await.unwrap();
    assert!(photos.iter().all(|photo| photo[..] == PNG));
    gateway.stop().await;
}

#[tokio::test]
async fn the_picture_takes_the_place_of_the_message_that_announced_it() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let user = world.telegram.user(1);
    let message_id = world.message_of_the_bot(&user).await;
    gateway.deliver(&world.operation(1), &user, message_id, 1).await.unwrap();
    let messages = user.messages();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].photo.is_some());
    assert!(!messages[0].buttons.is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn an_album_comes_whole_with_the_buttons_in_the_message() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let user = world.telegram.user(1);
    let message_id = world.message_of_the_bot(&user).await;
    let operation = world.operation(3);
    for _ in 0..2 {
        assert_eq!(
            gateway.deliver(&operation, &user, message_id, 3).await.unwrap(),
            DeliveryStatus::Delivered
        );
    }
    assert_eq!(pictures(&user), 3);
    let announced = user.messages().into_iter().find(|message| message.id == message_id).unwrap();
    assert!(!announced.buttons.is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn a_picture_above_ten_megabytes_comes_as_a_file() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let user = world.telegram.user(1);
    let mut large = PNG.to_vec();
    large.resize((10 << 20) + 1, 0);
    let operation = world.operation(0);
    world.images.put(&operation, vec![Bytes::from(large)]);
    gateway.deliver(&operation, &user, 0, 1).await.unwrap();
    let messages = user.messages();
    assert!(messages[0].document.is_some() && messages[0].photo.is_none(), "{messages:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_lost_answer_of_telegram_does_not_bring_a_second_picture() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let user = world.telegram.user(1);
    for (message_id, count) in [(world.message_of_the_bot(&user).await, 1), (0, 1), (0, 2)] {
        let before = pictures(&user);
        let operation = world.operation(count);
        for method in ["editMessageMedia", "sendPhoto", "sendMediaGroup"] {
            world.telegram.fail_method(method, Failure::DropAfter, 1);
        }
        let delivered = gateway.deliver(&operation, &user, message_id, count as i32).await.unwrap();
        assert_eq!(delivered, DeliveryStatus::Delivered);
        assert_eq!(pictures(&user), before + count);
        world.telegram.stop_failing();
    }
    // The last one is in doubt: the user can have it shown.
    let before = pictures(&user);
    let buttons: Vec<_> = user.messages().into_iter().flat_map(|message| message.buttons).collect();
    let show = buttons.iter().rev().find(|button| button.data.starts_with("show:")).unwrap();
    user.press(&show.data).unwrap();
    user.sees_photos(before + 2).await.unwrap();
    gateway.stop().await;
}

#[tokio::test]
async fn telegrams_wait_is_waited_out() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let user = world.telegram.user(1);
    let operation = world.operation(1);
    world.telegram.fail_method("sendPhoto", Failure::TooManyRequests { retry_after: 1 }, 2);
    assert_eq!(gateway.deliver(&operation, &user, 0, 1).await.unwrap(), DeliveryStatus::Delivered);
    let errors: Vec<_> =
        world.telegram.calls_of("sendPhoto").into_iter().map(|call| call.error).collect();
    assert_eq!(errors, [Some(429), Some(429), None]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_blocked_user_gets_the_picture_when_they_are_back() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let user = world.telegram.user(1);
    let message_id = world.message_of_the_bot(&user).await;
    let operation = world.operation(1);
    user.block();
    for _ in 0..2 {
        let answer = gateway.deliver(&operation, &user, message_id, 1).await;
        assert_eq!(answer.unwrap(), DeliveryStatus::RecipientBlocked);
    }
    user.unblock();
    for _ in 0..2 {
        let answer = gateway.deliver(&operation, &user, message_id, 1).await;
        assert_eq!(answer.unwrap(), DeliveryStatus::Delivered);
    }
    assert_eq!(pictures(&user), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn a_failure_is_told_in_the_message_and_once() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let user = world.telegram.user(1);
    let message_id = world.message_of_the_bot(&user).await;
    let operation = world.operation(0);
    for _ in 0..2 {
        assert_eq!(
            gateway.fail(&operation, &user, message_id).await.unwrap(),
            DeliveryStatus::Delivered
        );
    }
    let messages = user.messages();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_ne!(messages[0].text, "Генерирую…");
    assert_eq!(world.telegram.calls_of("editMessageText").len(), 1);
    gateway.stop().await;
}

fn request(request_id: &str) -> NewRequest {
    NewRequest {
        request_id: request_id.to_owned(),
        chat_id: 1,
        user_id: "tg:1".to_owned(),
        kind: "generate".to_owned(),
        prompt: "кот".to_owned(),
        file_ids: Vec::new(),
        options: Default::default(),
        locale: "ru".to_owned(),
    }
}

#[tokio::test]
async fn nothing_is_sent_for_an_operation_that_the_gateway_refunded() {
    let world = World::new().await;
    let operation = world.operation(1);
    let (store, db) = world.store().await;
    store.insert_request(&request("tg-7000000001-5")).await.unwrap();
    store.set_operation("tg-7000000001-5", &operation).await.unwrap();
    assert!(store.abandon("tg-7000000001-5").await.unwrap());
    release(store, db).await;

    let gateway = world.gateway(&[]).await;
    let user = world.telegram.user(1);
    let refused = gateway.deliver(&operation, &user, 0, 1).await.unwrap_err();
    assert_eq!(
        (refused.code, refused.reason.as_str()),
        (Code::FailedPrecondition, "OPERATION_REFUNDED")
    );
    assert!(user.messages().is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn the_message_of_a_running_job_says_that_it_lives_until_the_picture_comes() {
    let world = World::new().await;
    let user = world.telegram.user(1);
    let operation = world.operation(1);
    let message_id = world.message_of_the_bot(&user).await;
    let (store, db) = world.store().await;
    store.insert_request(&request("tg-7000000001-6")).await.unwrap();
    store.set_operation("tg-7000000001-6", &operation).await.unwrap();
    store.set_message("tg-7000000001-6", message_id as i32).await.unwrap();
    store.hand_over("tg-7000000001-6").await.unwrap();
    release(store, db).await;

    let gateway = world.gateway(&[]).await;
    user.sees(|message| message.id == message_id && message.edited).await.unwrap();
    assert!(!world.telegram.calls_of("sendChatAction").is_empty());
    // The row knows the message, whatever the worker says.
    gateway.deliver(&operation, &user, 0, 1).await.unwrap();
    assert_eq!(user.messages().len(), 1);
    assert_eq!(pictures(&user), 1);
    gateway.stop().await;
}

/// The file belongs to one process at a time.
async fn release(store: Store, db: Db) {
    drop(store);
    db.connection.clone().close().await.unwrap();
    drop(db);
}

#[tokio::test]
async fn pictures_that_are_gone_are_said_to_be_gone() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let user = world.telegram.user(1);
    let refused = gateway.deliver(&Uuid::now_v7().to_string(), &user, 0, 1).await.unwrap_err();
    assert_eq!(
        (refused.code, refused.reason.as_str()),
        (Code::FailedPrecondition, "RESULT_UNAVAILABLE")
    );
    assert!(user.messages().is_empty());
    gateway.stop().await;
}

/// A change that makes a good request bad, and the field that it spoils.
type Spoil = (&'static str, fn(&mut DeliverResultRequest));

#[tokio::test]
async fn a_bad_field_is_named_and_nothing_is_sent() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let user = world.telegram.user(1);
    let pictures_of = |count, types: usize| {
        Some(Outcome::Result(Pictures { count, mime_types: vec!["image/png".to_owned(); types] }))
    };
    let cases: Vec<(DeliverResultRequest, &str)> = {
        let good = || result(&world.operation(1), &user, 0, 1);
        let simple: [Spoil; 10] = [
            ("operation_id", |request| request.operation_id.clear()),
            ("operation_id", |request| request.operation_id = "17".to_owned()),
            ("operation_id", |request| request.operation_id = request.operation_id.to_uppercase()),
            ("operation_id", |request| request.operation_id = "x".repeat(100_000)),
            ("reply_to", |request| request.reply_to = None),
            ("reply_to.chat_id", |request| reply_to(request).chat_id = 0),
            ("reply_to.message_id", |request| reply_to(request).message_id = -1),
            ("reply_to.message_id", |request| reply_to(request).message_id = 1 << 40),
            ("reply_to.locale", |request| reply_to(request).locale = "fr".to_owned()),
            ("outcome", |request| request.outcome = None),
        ];
        let outcomes = [
            ("result.count", pictures_of(0, 0)),
            ("result.count", pictures_of(-1, 0)),
            ("result.count", pictures_of(11, 11)),
            ("result.mime_types", pictures_of(2, 1)),
            (
                "result.mime_types",
                Some(Outcome::Result(Pictures {
                    count: 1,
                    mime_types: vec!["text/html".to_owned()],
                })),
            ),
            ("failure.reason", Some(Outcome::Failure(JobFailure { reason: 0 }))),
            ("failure.reason", Some(Outcome::Failure(JobFailure { reason: 99 }))),
        ];
        let spoiled = simple.into_iter().map(|(field, spoil)| {
            let mut request = good();
            spoil(&mut request);
            (request, field)
        });
        let others = outcomes.into_iter().map(|(field, outcome)| {
            let mut request = good();
            request.outcome = outcome;
            (request, field)
        });
        spoiled.chain(others).collect()
    };
    for (request, field) in cases {
        let refused = gateway.ask(request).await.unwrap_err();
        assert_eq!(
            (refused.code, refused.reason.as_str()),
            (Code::InvalidArgument, "INVALID_FIELD"),
            "{field}"
        );
        assert_eq!(refused.metadata["field"], field);
    }
    assert!(user.messages().is_empty());
    gateway.stop().await;
}

fn reply_to(request: &mut DeliverResultRequest) -> &mut ReplyTo {
    request.reply_to.as_mut().unwrap()
}

#[tokio::test]
async fn only_the_worker_and_its_like_may_deliver() {
    let world = World::new().await;
    let callers = ["gateway", "worker", "service", "viewer", "admin"].map(|role| {
        let digest = Sha256::digest(format!("token of {role}"));
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("[[caller]]\nname = \"{role}\"\nrole = \"{role}\"\ntoken_sha256 = \"{hex}\"\n")
    });
    let file = world.path("auth.toml");
    std::fs::write(&file, callers.concat()).unwrap();
    let gateway = world.gateway(&["--auth-file".to_owned(), file.display().to_string()]).await;
    let user = world.telegram.user(1);
    let ask = async |token: Option<&str>| {
        let request = result(&world.operation(1), &user, 0, 1);
        gateway.client_with_token(token).deliver_result(request).await.map_err(|error| error.code)
    };
    assert_eq!(ask(None).await.unwrap_err(), Code::Unauthenticated);
    assert_eq!(ask(Some("token of nobody")).await.unwrap_err(), Code::Unauthenticated);
    assert_eq!(ask(Some("token of viewer")).await.unwrap_err(), Code::PermissionDenied);
    assert_eq!(ask(Some("token of gateway")).await.unwrap_err(), Code::PermissionDenied);
    assert!(user.messages().is_empty());
    for role in ["worker", "service", "admin"] {
        assert!(ask(Some(&format!("token of {role}"))).await.is_ok(), "{role}");
    }
    gateway.stop().await;
}
