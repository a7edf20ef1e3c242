use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::telegram::Telegram;

#[tokio::test]
async fn a_webhook_gets_each_update_until_it_answers_200_with_the_secret_in_a_header() {
    let telegram = Telegram::start().await;
    let (sender, mut received) = mpsc::unbounded_channel();
    let refuse = Arc::new(Mutex::new(1));
    let hook = move |headers: HeaderMap, Json(update): Json<Value>| async move {
        let secret = headers["x-telegram-bot-api-secret-token"].to_str().unwrap();
        sender.send((secret.to_owned(), update)).unwrap();
        let mut left = refuse.lock().unwrap();
        let failing = *left > 0;
        *left -= i32::from(failing);
        if failing { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        axum::serve(listener, Router::new().route("/hook", post(hook))).await.unwrap();
    });
    let set = telegram.call("setWebhook", json!({"url": url, "secret_token": "s3cret"})).await;
    assert_eq!(set["ok"], true);
    let id = telegram.stand_in.user(5).send_text("one");
    for _ in 0..2 {
        let (secret, update) = received.recv().await.unwrap();
        assert_eq!(secret, "s3cret");
        assert_eq!(update["update_id"], id, "a refused update comes again");
    }
    let poll = telegram.call("getUpdates", json!({})).await;
    assert_eq!(poll["error_code"], 409);
    telegram.call("deleteWebhook", json!({})).await;
    telegram.stand_in.user(5).send_text("two");
    let poll = telegram.call("getUpdates", json!({"offset": id + 1})).await;
    assert_eq!(poll["result"][0]["message"]["text"], "two");
    server.abort();
}
