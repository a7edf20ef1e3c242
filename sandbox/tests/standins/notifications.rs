use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::shop::Shop;

/// A webhook that answers as told, 200 once nothing is told any more.
pub struct Hook {
    pub url: String,
    answers: Arc<Mutex<VecDeque<u16>>>,
    bodies: mpsc::UnboundedReceiver<Bytes>,
    server: JoinHandle<()>,
}

impl Hook {
    pub async fn start() -> Self {
        let (sender, bodies) = mpsc::unbounded_channel();
        let answers = Arc::new(Mutex::new(VecDeque::new()));
        let told = answers.clone();
        let take = move |body: Bytes| async move {
            sender.send(body).unwrap();
            let status = told.lock().unwrap().pop_front().unwrap_or(200);
            StatusCode::from_u16(status).unwrap()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            axum::serve(listener, Router::new().route("/hook", post(take))).await.unwrap();
        });
        Self { url, answers, bodies, server }
    }

    fn answers(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    pub async fn next(&mut self) -> Value {
        serde_json::from_slice(&self.bodies.recv().await.unwrap()).unwrap()
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn told() -> (Shop, Hook) {
    let (shop, hook) = (Shop::start().await, Hook::start().await);
    shop.stand_in.notify_at(&hook.url);
    shop.stand_in.repeat_after(Duration::from_millis(10), Duration::from_millis(40));
    (shop, hook)
}

#[tokio::test]
async fn a_notification_comes_until_it_is_answered_with_200() {
    let (shop, mut hook) = told().await;
    hook.answers(&[500, 404, 503]);
    let id = shop.payment("k", "100.00").await;
    shop.stand_in.pay(&id).unwrap();
    for _ in 0..4 {
        let body = hook.next().await;
        assert_eq!(body["type"], "notification");
        assert_eq!(body["event"], "payment.succeeded");
        assert_eq!(body["object"]["id"], id.as_str());
        assert_eq!(body["object"]["status"], "succeeded");
    }
    shop.stand_in.all_taken().await;
    let refund = shop.stand_in.refund(&id, Some("5.00")).unwrap();
    let body = hook.next().await;
    assert_eq!(body["event"], "refund.succeeded");
    assert_eq!(body["object"]["id"], refund.as_str(), "the refund's id, not the payment's");
    assert_eq!(body["object"]["payment_id"], id.as_str());
}

#[tokio::test]
async fn a_canceled_payment_is_told_of_and_a_canceled_refund_is_not() {
    let (shop, mut hook) = told().await;
    let (canceled, paid) = (shop.payment("a", "1.00").await, shop.payment("b", "1.00").await);
    shop.stand_in.cancel(&canceled).unwrap();
    assert_eq!(hook.next().await["event"], "payment.canceled");
    shop.stand_in.pay(&paid).unwrap();
    assert_eq!(hook.next().await["event"], "payment.succeeded");
    shop.stand_in.refunds_take_time(true);
    let refund = shop.stand_in.refund(&paid, None).unwrap();
    shop.stand_in.finish_refund(&refund, false).unwrap();
    shop.stand_in.all_taken().await;
    assert!(hook.bodies.try_recv().is_err());
}

#[tokio::test]
async fn notifications_are_held_dropped_repeated_multiplied_and_forged() {
    let (shop, mut hook) = told().await;
    let id = shop.payment("k", "100.00").await;
    assert_eq!(shop.stand_in.notification_of(&id), None, "nothing happened to it yet");
    shop.stand_in.hold_notifications();
    shop.stand_in.pay(&id).unwrap();
    assert_eq!(shop.stand_in.untaken(), 1);
    assert!(hook.bodies.try_recv().is_err());
    shop.stand_in.release_notifications();
    let first = hook.next().await;
    shop.stand_in.notify_again(&id).unwrap();
    assert_eq!(hook.next().await, first);

    let statuses = shop.stand_in.notify_in_parallel(&id, 20).await.unwrap();
    assert_eq!(statuses, [200; 20]);
    for _ in 0..20 {
        assert_eq!(hook.next().await, first);
    }
    hook.answers(&[403]);
    assert_eq!(shop.stand_in.forge(r#"{"event":"payment.succeeded"}"#).await.unwrap(), 403);
    assert_eq!(hook.next().await["event"], "payment.succeeded");

    shop.stand_in.drop_notifications(true);
    let lost = shop.payment("lost", "1.00").await;
    shop.stand_in.pay(&lost).unwrap();
    assert_eq!(shop.stand_in.untaken(), 0);
    assert!(hook.bodies.try_recv().is_err());
}
