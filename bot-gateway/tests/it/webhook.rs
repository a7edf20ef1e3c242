//! `POST /telegram/webhook`.

use reqwest::StatusCode;
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};

use crate::harness::{Gateway, WEBHOOK_SECRET, World};

async fn post(
    gateway: &Gateway,
    secret: Option<&str>,
    body: impl Into<reqwest::Body>,
) -> StatusCode {
    let mut request =
        reqwest::Client::new().post(format!("{}/telegram/webhook", gateway.http_url)).body(body);
    if let Some(secret) = secret {
        request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
    }
    request.send().await.unwrap().status()
}

fn poll_update(id: i64) -> String {
    // A kind that the bot does nothing about.
    json!({"update_id": id, "my_chat_member": {"chat": {"id": 5, "type": "private"}}}).to_string()
}

#[tokio::test]
async fn only_telegram_is_let_in() {
    let world = World::new().await;
    let gateway = world.webhook_gateway().await;
    for secret in
        [None, Some(""), Some("wrong"), Some("the-webhook_secre"), Some("the-webhook_secret2")]
    {
        assert_eq!(
            post(&gateway, secret, poll_update(1)).await,
            StatusCode::UNAUTHORIZED,
            "{secret:?}"
        );
    }
    assert_eq!(world.inbox().await, []);
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_no_update_is_refused() {
    let world = World::new().await;
    let gateway = world.webhook_gateway().await;
    let nonsense: [&[u8]; 8] = [
        b"",
        b"nonsense",
        b"{}",
        b"[]",
        b"{\"update_id\": \"1\"}",
        b"{\"update_id\": 1.5}",
        b"{\"update_id\": 1",
        b"{\"update_id\": 1, \"message\": \"\xff\xfe\"}",
    ];
    for body in nonsense {
        assert_eq!(
            post(&gateway, Some(WEBHOOK_SECRET), body).await,
            StatusCode::BAD_REQUEST,
            "{body:?}"
        );
    }
    let large = vec![b' '; (1 << 20) + 1];
    assert_eq!(post(&gateway, Some(WEBHOOK_SECRET), large).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(world.inbox().await, []);
    gateway.stop().await;
}

#[tokio::test]
async fn an_update_that_comes_twice_is_kept_once() {
    let world = World::new().await;
    let gateway = world.webhook_gateway().await;
    for _ in 0..2 {
        assert_eq!(post(&gateway, Some(WEBHOOK_SECRET), poll_update(77)).await, StatusCode::OK);
    }
    let ids: Vec<String> = world.inbox().await.into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["tg-7000000001-77"]);
    gateway.stop().await;
}

#[tokio::test]
async fn an_update_that_is_not_understood_is_kept_as_dead_and_stops_nobody() {
    let world = World::new().await;
    let gateway = world.webhook_gateway().await;
    let user = world.telegram.user(5);
    let future = json!({"update_id": 1, "telepathy": {"chat": {"id": 5}, "text": "…"}});
    assert_eq!(post(&gateway, Some(WEBHOOK_SECRET), future.to_string()).await, StatusCode::OK);
    user.send_text("/help");
    user.sees(|message| !message.text.is_empty()).await.unwrap();
    world
        .inbox_becomes(|rows| rows.iter().map(|(_, state)| state.as_str()).eq(["dead", "done"]))
        .await;
    gateway.stop().await;
}

#[tokio::test]
async fn telegram_is_told_to_try_again_when_the_update_could_not_be_kept() {
    let world = World::new().await;
    let gateway = world.webhook_gateway().await;
    let behind = Database::connect(world.database_url()).await.unwrap();
    behind.execute_unprepared("ALTER TABLE inbox RENAME TO away").await.unwrap();
    assert_eq!(
        post(&gateway, Some(WEBHOOK_SECRET), poll_update(3)).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    behind.execute_unprepared("ALTER TABLE away RENAME TO inbox").await.unwrap();
    assert_eq!(post(&gateway, Some(WEBHOOK_SECRET), poll_update(3)).await, StatusCode::OK);
    assert_eq!(world.inbox().await.len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn telegram_is_told_where_to_call_and_calls() {
    let world = World::new().await;
    let gateway = world.webhook_gateway().await;
    let told: Vec<Value> =
        world.telegram.calls_of("setWebhook").into_iter().map(|call| call.params).collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["url"], format!("{}/telegram/webhook", gateway.http_url));
    let user = world.telegram.user(9);
    world.telegram.deliver_twice(1);
    user.send_text("/help");
    user.sees(|message| !message.text.is_empty()).await.unwrap();
    world.inbox_becomes(|rows| rows.len() == 1 && rows[0].1 == "done").await;
    gateway.stop().await;
}

#[tokio::test]
async fn there_is_no_webhook_without_a_secret() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    assert_eq!(post(&gateway, None, poll_update(1)).await, StatusCode::NOT_FOUND);
    gateway.stop().await;
}
