//! The client of fal.ai's queue against its stand-in.

use std::time::Duration;

use bytes::Bytes;
use image_worker::fal::{Asked, Class, Failure as Sorted, FalClient, NotAccepted, NotYet};
use image_worker::jobs::FalRequest;
use sandbox::fal::{Failure, FalStandIn};
use secrecy::SecretString;
use serde_json::json;
use url::Url;

use crate::harness::{listener, png};

const APP: &str = "fal-ai/flux/dev";

async fn stand_in() -> (FalStandIn, FalClient) {
    let fal = FalStandIn::start(listener().await);
    fal.set_pace(Duration::from_millis(1));
    let client = FalClient::new(Url::parse(&fal.url()).unwrap(), &fal.key()).unwrap();
    (fal, client)
}

fn body(prompt: &str) -> Bytes {
    Bytes::from(json!({ "prompt": prompt }).to_string())
}

async fn completed(client: &FalClient, request: &FalRequest) {
    while client.status(request).await.unwrap() != Asked::Completed {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// What became of a job that met this failure.
async fn end(failure: Failure) -> Result<Vec<String>, NotYet> {
    let (fal, client) = stand_in().await;
    fal.fail_next(failure, 1);
    let request = client.submit(APP, body("a cat")).await.unwrap();
    completed(&client, &request).await;
    client.result(&request).await
}

#[tokio::test]
async fn a_request_goes_from_submit_to_a_file() {
    let (fal, client) = stand_in().await;
    let request = client.submit(APP, body("a cat")).await.unwrap();
    completed(&client, &request).await;
    let urls = client.result(&request).await.unwrap();
    let file = client.download(&urls[0]).await.unwrap();
    assert!(file.starts_with(b"\x89PNG"));
    assert_eq!(fal.submits()[0].request_id, request.request_id);
}

#[tokio::test]
async fn pictures_travel_inside_the_body() {
    use image_worker::fal::Models;
    use image_worker::jobs::{Kind, Prompt, ReplyTo, Spec};
    let (fal, client) = stand_in().await;
    let models = Models::load(None).unwrap();
    let model = models.of(Kind::FaceSwap).unwrap();
    let spec = Spec {
        user_id: "tg:1".to_owned(),
        kind: Kind::FaceSwap,
        prompt: Prompt(String::new()),
        input_ids: Vec::new(),
        options: Default::default(),
        reply_to: ReplyTo { chat_id: 1, message_id: 0, locale: "ru".to_owned() },
    };
    let inputs = vec![("image/png", Bytes::from(png(1))), ("image/png", Bytes::from(png(2)))];
    let request = client.submit(&model.app, model.body(&spec, inputs)).await.unwrap();
    completed(&client, &request).await;
    // One `image`, not a list.
    assert_eq!(client.result(&request).await.unwrap().len(), 1);
    assert_eq!(fal.submits()[0].pictures, 2);
}

#[tokio::test]
async fn a_submit_that_fails_says_whether_it_can_have_been_accepted() {
    let sorted = |class| NotAccepted::Failed(Sorted::new(class));
    let patient = NotAccepted::Failed(Sorted {
        class: Class::Retry,
        retry_after: Some(Duration::from_secs(7)),
    });
    let table = [
        (Failure::ServerError, sorted(Class::Retry), 0),
        (Failure::Unavailable, sorted(Class::Retry), 0),
        (Failure::TooManyRequests { retry_after: 7 }, patient, 0),
        (Failure::DropConnection, NotAccepted::AnswerLost, 1),
    ];
    for (failure, expected, accepted) in table {
        let (fal, client) = stand_in().await;
        fal.fail_next(failure.clone(), 1);
        assert_eq!(client.submit(APP, body("a cat")).await, Err(expected), "{failure:?}");
        assert_eq!(fal.submits().len(), accepted, "{failure:?}");
    }
}

#[tokio::test]
async fn nobody_there_is_not_accepted() {
    // Bound, so that nobody else gets the port, and not listening.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let base = Url::parse(&format!("http://{}", socket.local_addr().unwrap())).unwrap();
    let client = FalClient::new(base, &SecretString::from("key")).unwrap();
    let expected = NotAccepted::Failed(Sorted::new(Class::Retry));
    assert_eq!(client.submit(APP, body("a cat")).await, Err(expected));
}

#[tokio::test]
async fn a_wrong_key_and_a_wrong_app_are_for_the_operator() {
    let (fal, client) = stand_in().await;
    let misconfigured = Err(NotAccepted::Failed(Sorted::new(Class::Misconfigured)));
    assert_eq!(client.submit("nothing", body("a cat")).await, misconfigured);
    let base = Url::parse(&fal.url()).unwrap();
    let stranger = FalClient::new(base, &SecretString::from("wrong")).unwrap();
    assert_eq!(stranger.submit(APP, body("a cat")).await, misconfigured);
    assert!(!format!("{stranger:?}").contains("wrong"));
}

#[tokio::test]
async fn what_a_request_ended_with_is_sorted() {
    let over = |class| Err(NotYet::Over(Sorted::new(class)));
    assert_eq!(end(Failure::ContentRefused).await, over(Class::ContentRejected));
    assert_eq!(end(Failure::NsfwResult).await, over(Class::ContentRejected));
    assert_eq!(end(Failure::BadInput).await, over(Class::BadInput));
    assert_eq!(end(Failure::JobFails).await, over(Class::Retry));
    let dead = end(Failure::DeadResultUrl).await.unwrap();
    let (_fal, client) = stand_in().await;
    assert_eq!(client.download(&dead[0]).await, Err(NotYet::AskAgain(None)));
}

#[tokio::test]
async fn a_question_that_fails_is_asked_again() {
    let (fal, client) = stand_in().await;
    let request = client.submit(APP, body("a cat")).await.unwrap();
    let waits = Some(Duration::from_secs(3));
    for (failure, expected) in [
        (Failure::ServerError, None),
        (Failure::Unavailable, None),
        (Failure::DropConnection, None),
        (Failure::TooManyRequests { retry_after: 3 }, waits),
    ] {
        fal.fail_polls(failure.clone(), 1);
        let answer = client.status(&request).await;
        assert_eq!(answer, Err(NotYet::AskAgain(expected)), "{failure:?}");
    }
    let forgotten = FalRequest {
        status_url: request.status_url.replace(&request.request_id, "unknown"),
        ..request
    };
    let over = Err(NotYet::Over(Sorted::new(Class::Retry)));
    assert_eq!(client.status(&forgotten).await, over);
}

#[tokio::test]
async fn the_key_goes_nowhere_else() {
    let (fal, client) = stand_in().await;
    let elsewhere = FalStandIn::start(listener().await);
    let request = client.submit(APP, body("a cat")).await.unwrap();
    let led_away = FalRequest {
        status_url: request.status_url.replace(&fal.url(), &elsewhere.url()),
        ..request
    };
    let over = Err(NotYet::Over(Sorted::new(Class::Misconfigured)));
    assert_eq!(client.status(&led_away).await, over);
}

#[tokio::test]
async fn what_is_called_off_is_called_off() {
    let (fal, client) = stand_in().await;
    fal.hold();
    let request = client.submit(APP, body("a cat")).await.unwrap();
    client.cancel(&request).await;
    assert!(fal.submits()[0].cancelled);
    assert_eq!(client.status(&request).await, Ok(Asked::Completed));
    assert!(client.result(&request).await.is_err());
}
